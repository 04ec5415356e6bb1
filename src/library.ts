/** The library's words, bound to the machine's clock: what `index.ts` exports. */
import { parseConfigObject } from './config/load.ts';
import { TickwiseError } from './core/errors.ts';
import type { JobName } from './core/job.ts';
import type { TimeoutTaskHandler } from './core/task.ts';
import { parseDuration } from './core/time.ts';
import { startDaemon, type Daemon } from './daemon.ts';
import { type AsyncTask, AsyncTasks, type TimeBounds, type WithinBudgetOptions } from './engine/async-task.ts';
import { type EventMap, Events, type EventType, type SchedulerEvent } from './engine/events.ts';
import type { TaskOutcome } from './engine/outcome.ts';
import type { RunEnd } from './engine/run-waiters.ts';
import type { Scheduler as Engine } from './engine/scheduler.ts';
import type { Statistics } from './engine/statistics.ts';
import type { TriggerResult } from './engine/trigger.ts';
import { createCalendar } from './system/calendar.ts';
import { createSystemClock } from './system/clock.ts';

const clock = createSystemClock();
const asyncTasks = new AsyncTasks(clock);

/**
 * Makes an `AsyncTask` from a `TimeoutTaskHandler`, by wrapping it in the time-bounded loop: its steps are called again and
 * again until done, or the budget (or what is left of the run's own) is spent, or the run is asked to stop.
 *
 * @param handler step-wise work; one object for all runs
 * @param bounds durations, such as `{ budget: '50s', grace: '5s' }`
 * @returns what a job of `createScheduler` takes as its task
 * @throws TickwiseError `DURATION_INVALID`
 */
export function timeoutTask<Checkpoint, Input>(handler: TimeoutTaskHandler<Checkpoint, Input>, bounds: TimeBounds): AsyncTask {
  return asyncTasks.timeoutTask(handler as TimeoutTaskHandler<never, never>, bounds);
}

/**
 * Runs step-wise work once, without a scheduler, for no longer than its budget.
 *
 * @param handler a handler, a class with `handleTimeoutTask`, or a function
 * @param options `budget` and `grace` as durations; `signal` stops it early; `checkpoint` to go on from
 * @returns when the last step has settled, with how it ended; a handler that throws is an outcome, not a rejection
 * @throws TickwiseError `DURATION_INVALID`
 */
export function runWithinBudget<Checkpoint, Input>(
  handler:
    | TimeoutTaskHandler<Checkpoint, Input>
    | ((context: never) => unknown)
    | (new (context: never) => TimeoutTaskHandler<Checkpoint, Input>),
  options: WithinBudgetOptions,
): Promise<TaskOutcome<Checkpoint>> {
  return asyncTasks.runWithinBudget(handler, options) as Promise<TaskOutcome<Checkpoint>>;
}

/** What `trigger` may bring. */
export interface TriggerRequest {
  /** JSON. */
  readonly input?: unknown;
  /** A duration, never above the job's own. */
  readonly budget?: string;
  /** Who asks; kept in the ledger. */
  readonly by?: string;
}

/** A scheduler within your program. */
export interface Scheduler extends AsyncDisposable {
  /** Opens the store and arms the jobs. @throws TickwiseError `STORE_LOCKED`, `STORE_UNUSABLE`, `STORE_UNSUPPORTED` */
  start(): Promise<void>;
  /**
   * Drains within `shutdownGrace`, stops what is left, waits for the proof of every end, closes the store. Before `start`, and
   * repeated, it does nothing more.
   *
   * @param hurry aborted: no grace
   * @returns ids of inline runs that ignore their stop; nothing but the end of the process ends them
   */
  stop(hurry?: AbortSignal): Promise<readonly string[]>;
  /** Asks for a run now. @throws TickwiseError `JOB_NOT_FOUND` */
  trigger(job: JobName, request?: TriggerRequest): Promise<TriggerResult>;
  /** Waits for the durable end of a live or queued run. @throws TickwiseError `RUN_NOT_FOUND` */
  waitForEnd(runId: string): Promise<RunEnd>;
  /** Skips the job's ticks from now on; durable. @throws TickwiseError `JOB_NOT_FOUND` */
  pause(job: JobName): Promise<void>;
  /** @throws TickwiseError `JOB_NOT_FOUND` */
  resume(job: JobName): Promise<void>;
  /** Asks the runs of a job, or one run by id, to stop. @returns the ids of those asked */
  cancel(jobOrRun: string, by?: string): readonly string[];
  statistics(): Statistics;
  /** Where the API listens, e.g. `http://127.0.0.1:4680`; `undefined` before `start`, and if the configuration names no `listen`. */
  readonly address: string | undefined;
  /** Listens for one type of event; legal before `start`. Disposing what it returns ends the listening. */
  on<Type extends EventType>(type: Type, listener: (event: EventMap[Type]) => void): Disposable;
  /** Listens for all events. */
  subscribe(subscriber: (event: SchedulerEvent) => void): Disposable;
}

/**
 * Makes a scheduler within your program. Use it with `await using`.
 *
 * @param config the same shape as `scheduler.config.json`; a job's `task` may also be an `AsyncTask`, a plain async function, or
 *   a handler object, which then run inline. Paths are relative to the working directory. It has an API if `listen` is given
 * @returns a scheduler that waits for `start`
 * @throws TickwiseError `CONFIG_INVALID`, with every problem
 */
export function createScheduler(config: object): Scheduler {
  const calendar = createCalendar();
  const loaded = parseConfigObject(config, {
    env: process.env,
    calendar,
    now: clock.now(),
    hostTimezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
  });
  const events = new Events();
  const own = Object.hasOwn(config, 'listen') ? loaded : { ...loaded, listen: false as const };
  return new LibraryScheduler(events, () => startDaemon(own, { clock, calendar, env: process.env, events }));
}

class LibraryScheduler implements Scheduler {
  readonly #events: Events;
  readonly #open: () => Promise<Daemon>;
  #daemon: Promise<Daemon> | undefined;
  #running: Engine | undefined;
  address: string | undefined;

  constructor(events: Events, open: () => Promise<Daemon>) {
    this.#events = events;
    this.#open = open;
  }

  async start(): Promise<void> {
    this.#daemon ??= this.#open();
    try {
      const daemon = await this.#daemon;
      this.#running = daemon.scheduler;
      this.address = daemon.address;
    } catch (error) {
      this.#daemon = undefined;
      throw error;
    }
  }

  async stop(hurry?: AbortSignal): Promise<readonly string[]> {
    return this.#daemon === undefined ? [] : (await this.#daemon).stop(hurry);
  }

  async trigger(job: JobName, request: TriggerRequest = {}): Promise<TriggerResult> {
    const { input, budget, by } = request;
    return this.#engine().trigger(job, {
      input: input === undefined ? undefined : JSON.stringify(input),
      budgetMs: budget === undefined ? undefined : parseDuration(budget),
      by,
    });
  }

  async waitForEnd(runId: string): Promise<RunEnd> {
    return this.#engine().waitForEnd(runId);
  }

  async pause(job: JobName): Promise<void> {
    await this.#engine().pause(job);
  }

  async resume(job: JobName): Promise<void> {
    await this.#engine().resume(job);
  }

  cancel(jobOrRun: string, by = 'cancel'): readonly string[] {
    return this.#engine().cancel(jobOrRun, by);
  }

  statistics(): Statistics {
    return this.#engine().statistics();
  }

  on<Type extends EventType>(type: Type, listener: (event: EventMap[Type]) => void): Disposable {
    return this.#events.on(type, listener);
  }

  subscribe(subscriber: (event: SchedulerEvent) => void): Disposable {
    return this.#events.subscribe(subscriber);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #engine(): Engine {
    if (this.#running === undefined)
      throw new TickwiseError('NOT_STARTED', 'the scheduler has not been started; call start() first');
    return this.#running;
  }
}
