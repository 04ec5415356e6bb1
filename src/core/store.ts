/** The contract of the store: what is asked of it in one turn, and what it must make true. */
import type { ErrorRecord } from './errors.ts';
import type { Decision, GateContext, TriggerDecision } from './gate.ts';
import type { Job, JobName } from './job.ts';
import type { LogWrite } from './log-line.ts';
import type { Outbox } from './message.ts';
import type { LedgerReader, RunRecord, SpawnedProcess } from './ledger.ts';
import type { Horizon, Rewind } from './reliving.ts';
import type { Cause, RunOutcome } from './run.ts';
import type { SlotState } from './slot.ts';
import type { Progress } from './task.ts';
import type { TickRange } from './tick-range.ts';
import type { DurationMs, Instant } from './time.ts';

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
  /** A key that stands for one run until `until`; a refused trigger uses up no key. */
  readonly idempotency?: Idempotency | undefined;
  readonly context: GateContext;
}

/** A key by which the same request is known when it comes again. */
export interface Idempotency {
  readonly key: string;
  /** Of the request; the same key with another fingerprint is an error of the asker. */
  readonly fingerprint: string;
  readonly until: Instant;
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

/**
 * The durable record, and the one place where a slot is granted. An implementation keeps the constraints of DESIGN section 4
 * in its own medium, so that a second live run is refused even if every line above it is wrong.
 */
export interface Store extends LedgerReader, Outbox {
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
  /**
   * Keeps lines of runs, all of them or none. Lines of a run that the ledger does not know, or knows no more, are passed over.
   *
   * @throws TickwiseError `STORE_UNUSABLE` (or rejects with it), with nothing kept
   */
  appendLog(writes: readonly LogWrite[]): void | Promise<void>;
  /** Runs that are granted and not ended, whichever node holds them, with `node` filled in. */
  liveRuns(): Promise<readonly RunRecord[]>;
}
