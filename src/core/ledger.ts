/** What the ledger keeps, and the contract of those who read it. */
import type { ErrorRecord } from './errors.ts';
import type { JobName } from './job.ts';
import type { Horizon } from './reliving.ts';
import type { Cause, RunOutcome, RunState } from './run.ts';
import type { Schedule } from './schedule.ts';
import type { SlotState } from './slot.ts';
import type { LogLine } from './log-line.ts';
import type { Progress } from './task.ts';
import type { TickRange } from './tick-range.ts';
import type { MissReason, SkipReason, TickOutcome } from './tick.ts';
import type { DurationMs, Instant } from './time.ts';

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
  /** Lines of a run with a `seq` above `after`, oldest first. @param query `limit`: 1 to 10,000 */
  log(query: { readonly runId: string; readonly after?: number; readonly limit: number }): Promise<readonly LogLine[]>;
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

/** A process, named for ever: a pid alone is used again. */
export interface SpawnedProcess {
  readonly pid: number;
  /** Clock ticks since boot at which it was started; 0 where that is not known. */
  readonly start: number;
}
