/**
 * What the engine needs from outside, as contracts. Implementations live in the folder named after each (`store/`,
 * `runner/`, `system/`); all implementations of one contract pass one conformance suite under `test/`.
 */
import type { ErrorRecord } from './errors.ts';
import type { Decision, GateContext, TriggerDecision } from './gate.ts';
import type { Job, JobName } from './job.ts';
import type { Horizon, Rewind } from './reliving.ts';
import type { Cause, RunOutcome, RunState, StopReason } from './run.ts';
import type { Schedule } from './schedule.ts';
import type { SlotState } from './slot.ts';
import type { Progress } from './task.ts';
import type { TickRange } from './tick-range.ts';
import type { MissReason, SkipReason, TickOutcome } from './tick.ts';
import type { DurationMs, Instant, MonotonicMs } from './time.ts';

// ---------------------------------------------------------------------------------------------- clock

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

// ------------------------------------------------------------------------------------------- calendar

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

// ---------------------------------------------------------------------------------------------- store

/** One daemon process. Its id is new at each start; the rest is how a successor can prove that it is dead. */
export interface NodeIdentity {
  readonly id: string;
  readonly host: string;
  /** The kernel's boot id; a run of an earlier boot is dead. */
  readonly bootId: string;
  readonly pid: number;
  /** Start time of the process in clock ticks since boot, so that a reused pid is told apart. */
  readonly pidStart: number;
  readonly startedAt: Instant;
}

/** The right to run, as the store granted it: durable before anybody sees it. */
export interface Grant {
  readonly job: JobName;
  readonly runId: string;
  readonly fence: number;
  readonly tick: Instant;
  readonly cause: Cause;
  /** JSON text; what the job's last finished step saved. */
  readonly checkpoint?: string | undefined;
  /** JSON text; a trigger's own input. */
  readonly input?: string | undefined;
  /** A trigger's own budget. */
  readonly budgetMs?: DurationMs | undefined;
}

/** Ticks of one job that are due. */
export interface TickClaim {
  readonly kind: 'ticks';
  readonly job: Job;
  /** Ticks too many to be listed, all of them missed, and all of them before `dueTicks`; absent: none. */
  readonly gap?: TickRange | undefined;
  /** Ascending. Empty only if the clock was set back in the same instant. */
  readonly dueTicks: readonly Instant[];
  /** The horizons by which these ticks were found, that of `rewind` included; absent: there are none. */
  readonly horizons?: readonly Horizon[] | undefined;
  /**
   * The slot is decided until `rewind.horizon.until`, the clock was set back, and these are the first ticks of its new life: the slot
   * goes back to `rewind.to` before they are decided. It does not if it is decided until another instant.
   */
  readonly rewind?: Rewind | undefined;
  /** `exclusiveHeld` is the store's to find out; what stands here is ignored. */
  readonly context: GateContext;
}

/** A run that was asked for. */
export interface TriggerClaim {
  readonly kind: 'trigger';
  readonly job: Job;
  readonly runId: string;
  /** Becomes the run's `tick`. No tick row is written: ticks are what schedules make. */
  readonly at: Instant;
  readonly by: string;
  readonly input?: string | undefined;
  readonly budgetMs?: DurationMs | undefined;
  readonly context: GateContext;
}

/** What asks for a run. */
export type Claim = TickClaim | TriggerClaim;

/** The end of a run, written under its fence. */
export interface EndWrite {
  readonly job: JobName;
  readonly runId: string;
  /** For observers; the store knows it. */
  readonly tick?: Instant | undefined;
  /** `undefined`: a queued run, never granted, is withdrawn. */
  readonly fence: number | undefined;
  readonly outcome: RunOutcome;
  /** `describeStop` of the reason, or another short word; absent when nothing needs saying. */
  readonly reason?: string | undefined;
  readonly by?: string | undefined;
  /** Absent when the run was granted and never began. */
  readonly startedAt?: Instant | undefined;
  readonly endedAt: Instant;
  readonly budgetMs?: DurationMs | undefined;
  readonly graceMs?: DurationMs | undefined;
  readonly steps: number;
  readonly attempts: number;
  /** The job's checkpoint from now on: JSON text, `null` to clear it, `undefined` to leave it as it is. */
  readonly checkpoint?: string | null | undefined;
  readonly progress?: Progress | undefined;
  /** JSON text. */
  readonly result?: string | undefined;
  readonly error?: ErrorRecord | undefined;
  readonly stalled?: boolean | undefined;
}

/** A checkpoint between the start and the end of a run. */
export interface CheckpointWrite {
  readonly job: JobName;
  readonly runId: string;
  readonly fence: number;
  readonly checkpoint?: string | undefined;
  readonly progress?: Progress | undefined;
  readonly steps: number;
}

/** A process of a run, which waits for this write before it begins. */
export interface SpawnWrite {
  readonly job: JobName;
  readonly runId: string;
  readonly fence: number;
  readonly process: SpawnedProcess;
}

/** All that one turn of the scheduler asks of the store: made true in one transaction, in the order of the fields, or not at all. */
export interface Turn {
  readonly at: Instant;
  readonly ends: readonly EndWrite[];
  readonly checkpoints: readonly CheckpointWrite[];
  /** Of a run's processes the last one is kept; a write under a stale fence changes nothing. */
  readonly spawns: readonly SpawnWrite[];
  /** Jobs whose oldest queued run shall be granted if slot and resources are free; earlier ones first. */
  readonly promotions: readonly Job[];
  readonly claims: readonly Claim[];
}

/** What became of a turn. Arrays are parallel to those of the turn. */
export interface TurnResult {
  /** `false`: refused, for the slot is not held under that fence (or the queued run is gone). */
  readonly ended: readonly boolean[];
  readonly saved: readonly boolean[];
  /** In the order of promotions, then claims. */
  readonly grants: readonly Grant[];
  readonly decisions: readonly (readonly (Decision | TriggerDecision)[])[];
}

/** A run as the ledger keeps it. Absent fields are not known, or not yet. */
export interface RunRecord {
  readonly id: string;
  readonly job: JobName;
  readonly tick: Instant;
  readonly cause: Cause;
  /** An outcome, or `queued` (no fence yet) or `running` (granted and not ended). */
  readonly state: RunState;
  readonly fence?: number;
  readonly node?: NodeIdentity;
  readonly queuedAt: Instant;
  readonly grantedAt?: Instant;
  readonly startedAt?: Instant;
  readonly endedAt?: Instant;
  readonly reason?: string;
  /** Who asked for it, or who ended it. */
  readonly by?: string;
  readonly budgetMs?: DurationMs;
  readonly graceMs?: DurationMs;
  readonly steps: number;
  readonly attempts: number;
  readonly progress?: Progress;
  /** JSON text, as are `input` and `checkpoint`. */
  readonly result?: string;
  readonly input?: string;
  readonly checkpoint?: string;
  readonly error?: ErrorRecord;
  readonly stalled?: boolean;
  /** The process that its last step was started as. */
  readonly process?: SpawnedProcess;
}

/** A decided tick as the ledger keeps it. */
export interface TickRecord {
  readonly job: JobName;
  readonly tick: Instant;
  readonly outcome: TickOutcome;
  readonly reason?: SkipReason | MissReason;
  /** The run that it led to, or folded into. */
  readonly runId?: string;
  readonly decidedAt: Instant;
}

/** Ticks that were decided together and are kept as one: all that `schedules` give in it. Never `ran`, for a run has a tick of its own. */
export interface RangeRecord extends TickRange {
  readonly job: JobName;
  readonly outcome: Exclude<TickOutcome, 'ran'>;
  readonly reason?: SkipReason | MissReason;
  /** The run into which they folded. */
  readonly runId?: string;
  /** Of the job when they were decided, as are `horizons`. */
  readonly schedules: readonly Schedule[];
  readonly horizons?: readonly Horizon[];
  readonly decidedAt: Instant;
}

/** Which runs to read, newest first. */
export interface RunQuery {
  readonly job?: JobName;
  readonly state?: RunState;
  readonly from?: Instant;
  readonly to?: Instant;
  /** The id of the last run of the page before. */
  readonly after?: string;
  /** 1 to 1,000. */
  readonly limit: number;
}

/** Which ticks to read, newest first. */
export interface TickQuery {
  readonly job: JobName;
  readonly from?: Instant;
  /** Exclusive. */
  readonly to?: Instant;
  /** 1 to 100,000. */
  readonly limit: number;
}

/**
 * How often what happened to a job, since it got its slot: what was pruned is counted, what is still open is not. Ticks in ranges are
 * left out: how many they are, the calendar alone can tell (`countTicks` of core/tick-range).
 */
export interface Tally {
  readonly job: JobName;
  /** In no order; each outcome and reason at most once. */
  readonly ticks: readonly { readonly outcome: TickOutcome; readonly reason?: SkipReason | MissReason; readonly count: number }[];
  readonly runs: readonly { readonly outcome: RunOutcome; readonly count: number }[];
}

/** Reading the ledger; legal while no daemon runs, and beside one. */
export interface LedgerReader extends AsyncDisposable {
  slots(): Promise<readonly SlotState[]>;
  runs(query: RunQuery): Promise<readonly RunRecord[]>;
  /**
   * @param idOrPart a run's id, or any part of one
   * @returns the runs that match, at most 10
   */
  findRuns(idOrPart: string): Promise<readonly RunRecord[]>;
  /** Ticks that have rows of their own; `listTicks` of core/tick-range lists those in ranges as well. */
  ticks(query: TickQuery): Promise<readonly TickRecord[]>;
  /** Ranges that reach into the query's time, newest end first. They share no tick; those of time that was lived again may overlap. */
  ranges(query: TickQuery): Promise<readonly RangeRecord[]>;
  /** @returns JSON text; what the job's next run starts from */
  checkpoint(job: JobName): Promise<string | undefined>;
  /**
   * Counts for ever, whatever `history` keeps. It reads the whole ledger: ask at the start, and count events from there.
   *
   * @param job absent: of all jobs, by name
   * @returns one tally for each job that has a slot; none for an unknown job
   */
  tallies(job?: JobName): Promise<readonly Tally[]>;
}

/**
 * The durable record, and the one place where a slot is granted. An implementation keeps the constraints of DESIGN section 4
 * in its own medium, so that a second live run is refused even if every line above it is wrong.
 */
export interface Store extends LedgerReader {
  /** Whether a commit survives the process; the memory store's does not. */
  readonly durable: boolean;
  /**
   * Makes sure that each job has a slot row; a new one starts with `decidedUntil = now`, fence 0.
   *
   * @returns the slots of these jobs, in their order
   */
  arm(jobs: readonly Job[], now: Instant): Promise<readonly SlotState[]>;
  /**
   * Makes one turn true: all of it, durable when this returns or resolves, or none of it.
   * Synchronous where the medium is, so that a turn costs no detour. Calls never overlap: the engine waits for one before the next.
   *
   * @throws TickwiseError `STORE_UNUSABLE` (or rejects with it) with nothing applied; or, with `facts.inDoubt` true, without knowing
   *   whether the turn was applied: then the next call must be `settle` with the very same turn
   */
  commit(turn: Turn): TurnResult | Promise<TurnResult>;
  /**
   * Finds out what became of a turn in doubt: its commit failed when it may have taken effect already (a disk that reports an error
   * for what it has written, a connection that is lost before the answer). Absent in stores that always know.
   *
   * @returns its result if it was applied; `undefined` if it was not and never will be
   * @throws TickwiseError `STORE_UNUSABLE` (or rejects with it) as long as that cannot be known
   */
  settle?(turn: Turn): TurnResult | undefined | Promise<TurnResult | undefined>;
  /** Sets the slot's own `paused`. @throws TickwiseError `JOB_NOT_FOUND` */
  setPaused(job: JobName, paused: boolean): Promise<void>;
  /**
   * Sets by hand what the job's next run starts from: JSON text, or `null` for a fresh start.
   *
   * @throws TickwiseError `JOB_NOT_FOUND`; `JOB_BUSY`, naming the run, while one is live; `STORE_UNUSABLE`
   */
  setCheckpoint(job: JobName, checkpoint: string | null): Promise<void>;
  /** Runs that are granted and not ended, whichever node holds them, with `node` filled in. */
  liveRuns(): Promise<readonly RunRecord[]>;
}

// --------------------------------------------------------------------------------------------- runner

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

/** A process, named for ever: a pid alone is used again. */
export interface SpawnedProcess {
  readonly pid: number;
  /** Clock ticks since boot at which it was started; 0 where that is not known. */
  readonly start: number;
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
