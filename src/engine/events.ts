/** What the scheduler tells the world. Observers only watch: nothing in the engine waits for them or depends on them. */
import type { ErrorRecord } from '../core/errors.ts';
import type { JobName } from '../core/job.ts';
import type { Cause, RunOutcome } from '../core/run.ts';
import type { StepDurations } from '../core/step-durations.ts';
import type { Progress } from '../core/task.ts';
import type { MissReason, SkipReason, TickOutcome } from '../core/tick.ts';
import type { DurationMs, Instant } from '../core/time.ts';

interface OfRun {
  readonly job: JobName;
  readonly runId: string;
  readonly tick: Instant;
  readonly fence: number;
}

/** Every event, by its type. */
export interface EventMap {
  readonly tickDecided: {
    readonly job: JobName;
    readonly tick: Instant;
    readonly outcome: TickOutcome;
    readonly reason?: SkipReason | MissReason | undefined;
    readonly runId?: string | undefined;
  };
  /** All ticks after `from`, up to `to`, are decided as one: they were too many to be listed. */
  readonly ticksDecided: {
    readonly job: JobName;
    /** Exclusive. */
    readonly from: Instant;
    /** Inclusive. */
    readonly to: Instant;
    readonly outcome: TickOutcome;
    readonly reason?: SkipReason | MissReason | undefined;
    readonly runId?: string | undefined;
  };
  readonly runQueued: { readonly job: JobName; readonly runId: string; readonly tick: Instant; readonly cause: Cause };
  /** `delayMs`: from the tick to the start, by the wall clock. */
  readonly runStarted: OfRun & {
    readonly cause: Cause;
    readonly startedAt: Instant;
    readonly deadline: Instant;
    readonly delayMs: DurationMs;
  };
  readonly runProgressed: OfRun & { readonly steps: number; readonly progress: Progress };
  readonly runRetrying: OfRun & {
    readonly attempt: number;
    readonly delayMs: DurationMs;
    readonly error: ErrorRecord | undefined;
  };
  readonly runStopping: OfRun & { readonly reason: string };
  /** Asked to stop, grace and force spent, and no proof of the end yet: the slot stays taken. */
  readonly runBlocked: OfRun & { readonly what: string };
  /** Its own end was not waited for any longer. `grace`: it had its time; `hurry`: the shutdown could not wait. Told once for each run. */
  readonly runForced: OfRun & { readonly stage: ForceStage };
  readonly runStalled: OfRun;
  readonly runLine: OfRun & {
    readonly attempt: number;
    readonly level: 'debug' | 'info' | 'warn' | 'error';
    readonly source: 'task' | 'stdout' | 'stderr';
    readonly text: string;
    readonly fields?: Record<string, unknown> | undefined;
  };
  /** The end is proved and durable. A run that never began has no `startedAt`; one that was never granted has fence 0. */
  readonly runEnded: OfRun & {
    readonly outcome: RunOutcome;
    readonly reason?: string | undefined;
    readonly startedAt?: Instant | undefined;
    readonly endedAt: Instant;
    readonly steps: number;
    readonly attempts: number;
    readonly progress?: Progress | undefined;
    /** JSON text. */
    readonly result?: string | undefined;
    readonly error?: ErrorRecord | undefined;
  };
  /** By hand, durable. */
  readonly jobPaused: { readonly job: JobName; readonly by: string };
  readonly jobResumed: { readonly job: JobName; readonly by: string };
  /** The wall clock moved against the monotonic one, or the machine slept. */
  readonly clockStepped: { readonly byMs: DurationMs };
  /** The event loop was held, so the scheduler woke this much late. */
  readonly loopStalled: { readonly forMs: DurationMs };
  /** Nothing starts until the store works again. Told once for each outage. */
  readonly storeFailed: { readonly error: ErrorRecord };
  readonly storeRecovered: { readonly afterMs: DurationMs };
  /** Steps of a run that came back since the last such report, of which there is about one a second and one at the end of each attempt. */
  readonly stepsFinished: OfRun & StepDurations;
  /** A turn was written. `waitedMs`: from the first wish to write to the beginning. */
  readonly storeCommitted: { readonly forMs: DurationMs; readonly waitedMs: DurationMs };
  /** The store refused a write under a stale fence. */
  readonly fenceRejected: { readonly job: JobName; readonly runId: string; readonly fence: number | undefined };
  /** A listener threw; it is the listener's fault, and it goes on being called. */
  readonly listenerFailed: { readonly event: EventType; readonly error: unknown };
}

/** What made force due. */
export type ForceStage = 'grace' | 'hurry';

/** The name of an event. */
export type EventType = keyof EventMap;

/** Events that are figures: told to those alone who ask for them by name, since there may be thousands a second. */
export type FigureType = 'stepsFinished' | 'storeCommitted';

/** One event with its type, as `subscribe` hands it out. */
export type SchedulerEvent = {
  [Type in Exclude<EventType, FigureType>]: { readonly type: Type } & EventMap[Type];
}[Exclude<EventType, FigureType>];

const FIGURES: ReadonlySet<EventType> = new Set<FigureType>(['stepsFinished', 'storeCommitted']);

/** Hands events to whoever listens, at once and in order. */
export class Events {
  readonly #listeners = new Map<EventType, Set<(event: never) => void>>();
  readonly #subscribers = new Set<(event: SchedulerEvent) => void>();

  /** Whether building an event is worth while. */
  isHeard(type: EventType): boolean {
    return this.#listeners.has(type) || (this.#subscribers.size > 0 && !FIGURES.has(type));
  }

  /**
   * Listens for one type of event.
   *
   * @returns disposing it ends the listening
   */
  on<Type extends EventType>(type: Type, listener: (event: EventMap[Type]) => void): Disposable {
    let listeners = this.#listeners.get(type);
    if (listeners === undefined) this.#listeners.set(type, (listeners = new Set()));
    const own = (event: never): void => listener(event);
    listeners.add(own);
    return {
      [Symbol.dispose]: () => {
        listeners.delete(own);
        if (listeners.size === 0 && this.#listeners.get(type) === listeners) this.#listeners.delete(type);
      },
    };
  }

  /** Listens for all events but figures. @returns disposing it ends the listening */
  subscribe(subscriber: (event: SchedulerEvent) => void): Disposable {
    const own = (event: SchedulerEvent): void => subscriber(event);
    this.#subscribers.add(own);
    return { [Symbol.dispose]: () => void this.#subscribers.delete(own) };
  }

  /** Tells all listeners. Never throws. */
  emit<Type extends EventType>(type: Type, event: EventMap[Type]): void {
    for (const listener of this.#listeners.get(type) ?? []) this.#tell(type, () => listener(event as never));
    if (this.#subscribers.size === 0 || FIGURES.has(type)) return;
    const typed = { type, ...event } as unknown as SchedulerEvent;
    for (const subscriber of this.#subscribers) this.#tell(type, () => subscriber(typed));
  }

  #tell(event: EventType, call: () => void): void {
    try {
      call();
    } catch (error) {
      if (event !== 'listenerFailed') this.emit('listenerFailed', { event, error });
    }
  }
}
