/**
 * What the engine needs from outside, as contracts: clock, calendar and runner here, the store in `core/store`. Implementations
 * live in the folder named after each (`store/`, `runner/`, `system/`); all implementations of one contract pass one conformance
 * suite under `test/`.
 */
import type { ErrorRecord } from './errors.ts';
import type { Job, JobName } from './job.ts';
import type { SpawnedProcess } from './ledger.ts';
import type { RunOutcome, StopReason } from './run.ts';
import type { Schedule } from './schedule.ts';
import type { StepDurations } from './step-durations.ts';
import type { Progress } from './task.ts';
import type { DurationMs, Instant, MonotonicMs } from './time.ts';

/** Both clocks and the only timers. Wall time for schedules; monotonic time for budgets, delays and leases. */
export interface Clock {
  now(): Instant;
  monotonic(): MonotonicMs;
  /**
   * Calls `callback` once, not before `monotonic()` has reached `at`; any distance is legal. It is never called after `cancel()`.
   */
  setTimer(at: MonotonicMs, callback: () => void): Timer;
  /** Calls `callback` once in a later turn of the event loop, after pending I/O had its chance. */
  defer(callback: () => void): void;
}

/** A timer that was set; cancelling it twice, or after it fired, is harmless. */
export interface Timer {
  cancel(): void;
}

/** When schedules fall due. Answers depend on the arguments alone, so every node agrees on every tick. */
export interface Calendar {
  /**
   * @returns the first tick after `after` (exclusive) of any of the schedules, jitter, `startAt` and `stopAt` applied;
   *   `undefined` when there is none (within the next hundred years)
   */
  next(schedules: readonly Schedule[], job: JobName, after: Instant): Instant | undefined;
  /** @returns the shortest time between two ticks, jitter left out; `undefined` when there are fewer than two */
  shortestGap(schedules: readonly Schedule[], from: Instant): DurationMs | undefined;
  /** @returns what is wrong with a schedule, in words that follow `schedule: `; `undefined` when it is sound */
  fault(schedule: Schedule): string | undefined;
}

/** One attempt of a run, as it is handed to a runner. */
export interface RunOrder {
  readonly job: Job;
  readonly runId: string;
  readonly tick: Instant;
  readonly fence: number;
  /** Counted from 1. */
  readonly attempt: number;
  readonly input: unknown;
  /** JSON text. */
  readonly checkpoint: string | undefined;
  /** When the budget is spent: wall clock, for people and for the task. */
  readonly deadline: Instant;
  /** The same instant on the monotonic clock: this one decides. */
  readonly budgetEnd: MonotonicMs;
  readonly graceMs: DurationMs;
  readonly stepTimeoutMs: DurationMs | undefined;
  /**
   * Whether `saved` will be told of checkpoints. Then the step after one of 5 ms or more waits
   * for it, and shorter ones do once 50 ms have passed since it was last told: a crash, or a daemon that freezes first, repeats
   * one step, or 50 ms of short ones.
   */
  readonly awaitsSaves?: boolean;
}

/** What a runner tells while an attempt goes on. Calls are cheap and never throw. */
export interface RunObserver {
  /** A step came back. `checkpoint` is JSON text, present when the step gave one. May be called less often than once a step, newest last. */
  stepped(update: {
    readonly steps: number;
    readonly checkpoint?: string | undefined;
    readonly progress?: Progress | undefined;
    /** The next step waits until this checkpoint is durable. */
    readonly waits?: boolean | undefined;
    /** Of steps that no update before told of. An update of steps that gave nothing to keep may come for these alone. */
    readonly durations?: StepDurations | undefined;
  }): void;
  /**
   * A process of the run stands and waits for the word to begin. The word is given when this resolves: the ledger then knows whom to
   * look for, whatever becomes of the daemon. Absent: nobody keeps it, and the word is given at once.
   */
  spawned?(process: SpawnedProcess): Promise<void>;
  /** The run has been asked to stop; called once, with the reason that won. */
  stopping(reason: StopReason): void;
  /** Grace is over, force was used if there is any, and there is no proof of the end yet. Called again when `what` changes. */
  blocked(what: string): void;
  /** Steps come back not done, with no checkpoint, no progress, and no time spent. */
  stalled(): void;
  /** A line that the task wrote, without its line break, capped. */
  line(
    level: 'debug' | 'info' | 'warn' | 'error',
    source: 'task' | 'stdout' | 'stderr',
    text: string,
    fields?: Record<string, unknown>,
  ): void;
}

/** The proven end of an attempt. */
export interface AttemptEnd {
  readonly outcome: Exclude<RunOutcome, 'lost'>;
  /** The stop that won, if any. */
  readonly stop?: StopReason | undefined;
  readonly steps: number;
  /** What the next attempt or run starts from: JSON text; `undefined` for a fresh start. */
  readonly checkpoint: string | undefined;
  readonly progress?: Progress | undefined;
  /** JSON text. */
  readonly result?: string | undefined;
  readonly error?: ErrorRecord | undefined;
  readonly stalled?: boolean | undefined;
  /** Of steps that no update told of. */
  readonly durations?: StepDurations | undefined;
}

/** An attempt that goes on. */
export interface LiveAttempt {
  /** Resolves on proof of the end, never on a timer; never rejects. */
  readonly ended: Promise<AttemptEnd>;
  /** Asks it to stop, and after the order's grace uses what force there is. The first reason wins; repeating is harmless. */
  stop(reason: StopReason): void;
  /** Starts no further step, but lets the one that is under way finish; its outcome stands as if the budget were spent, or as `done`. */
  windDown(): void;
  /** Cuts the grace short: force now. Only after `stop`. */
  force(): void;
  /** The checkpoint of the attempt's step of this number, and so of all before it, is durable. Absent: no step waits for that. */
  saved?(step: number): void;
}

/** Drives attempts. Enforces `budgetEnd`, grace and step timeout by itself, and comes back only with proof of the end. */
export interface Runner extends AsyncDisposable {
  start(order: RunOrder, observer: RunObserver): LiveAttempt;
}
