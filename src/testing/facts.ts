/** What the judges of a simulation know: gathered from what really happened, never from the scheduler's own books. */
import type { Job, JobName } from '../core/job.ts';
import type { Clock, RunOrder } from '../core/ports.ts';
import type { Horizon, Rewind } from '../core/reliving.ts';
import type { Cause } from '../core/run.ts';
import type { TickOutcome } from '../core/tick.ts';
import type { Instant, MonotonicMs } from '../core/time.ts';
import { nextTickOfLives } from './enumeration.ts';
import { History, ViolationError } from './history.ts';

/** A run to which the store granted the slot, and whose end it has not taken. */
export interface GrantedRun {
  readonly runId: string;
  readonly fence: number;
  readonly exclusive: readonly string[];
  readonly grantedAt: MonotonicMs;
  attempts: number;
  budgetEnd: MonotonicMs | undefined;
}

/** One job as the judges see it. */
export class JobFacts {
  job: Job;
  /** Whether the running scheduler has this job. */
  inForce = true;
  /** A pause that was confirmed and not yet lifted. */
  pausedForSure = false;
  /** Neither paused, nor is a pause or resume on its way. */
  unpausedForSure = true;
  /** Ticks after this instant are still to be decided. */
  cursor: Instant;
  /** The last tick that was decided, or the instant at which the job was first armed: where the next scheduler goes on. */
  decidedUntil: Instant;
  /** Where it was decided until each time the clock was set back, oldest first. */
  readonly horizons: Horizon[] = [];
  /** When the last reload brought the definition that is in force. */
  since: Instant = -Infinity;
  /** When this job was first seen to be decided until long after now, by the wall clock; and the calm in which that was. */
  ahead: { readonly at: Instant; readonly calmSince: MonotonicMs; dueSince?: MonotonicMs | undefined } | undefined = undefined;
  fence = 0;
  granted: GrantedRun | undefined;
  /** The attempt that really is live. */
  live: RunOrder | undefined;
  readonly queued: Map<string, Cause> = new Map();
  /** JSON text; what the last finished step left. */
  checkpoint: string | undefined = undefined;
  /** The process died in the middle of a run: the next run tells which of the last steps was saved. */
  checkpointUnknown = false;
  readonly ticks: Record<TickOutcome, number> = { ran: 0, skipped: 0, missed: 0, folded: 0 };
  readonly ended: Set<string> = new Set();
  overdueSince: MonotonicMs | undefined = undefined;
  waitingSince: MonotonicMs | undefined = undefined;
  #next: number | undefined;

  constructor(job: Job, cursor: Instant) {
    this.job = job;
    this.cursor = cursor;
    this.decidedUntil = cursor;
  }

  /** The first tick that is still to be decided. */
  get nextTick(): number {
    this.#next ??= nextTickOfLives(this.job.schedules, this.horizons, this.cursor);
    return this.#next;
  }

  decided(tick: Instant): void {
    this.cursor = tick;
    this.overdueSince = undefined;
    this.decidedUntil = Math.max(this.decidedUntil, tick);
    this.#next = undefined;
  }

  /** The clock was set back, and the ticks of the job go on from there. */
  rewound({ to, horizon }: Rewind): void {
    this.horizons.push(horizon);
    this.decidedUntil = to;
    this.cursor = Math.max(to, this.since);
    this.#next = undefined;
  }

  /** The scheduler has noticed that the clock was set back. */
  setBack(now: Instant): void {
    if (this.since <= now) return;
    this.since = now;
    this.cursor = Math.max(now, this.decidedUntil);
    this.#next = undefined;
  }

  /** From now on the job is this one, with ticks after an instant. */
  adopt(job: Job, since: Instant): void {
    this.job = job;
    this.since = since;
    this.cursor = Math.max(since, this.decidedUntil);
    this.inForce = true;
    this.#next = undefined;
  }
}

/** The jobs, and the circumstances. */
export class Facts {
  readonly clock: Clock;
  readonly history: History;
  readonly concurrency: number;
  readonly jobs: Map<JobName, JobFacts> = new Map();
  /** Who really holds each resource. */
  readonly holders: Map<string, RunOrder> = new Map();
  /** When a resource last changed hands in the ledger. */
  readonly handedOverAt: Map<string, MonotonicMs> = new Map();
  liveAttempts = 0;
  draining = false;
  /** A reload is on its way: the new definitions. A claim under one of them shows that it has taken effect. */
  reloading: ReadonlyMap<JobName, Job> | undefined = undefined;
  /** Since when nothing disturbs the scheduler: store, loop and clock are in order; `undefined` while something does. */
  calmSince: MonotonicMs | undefined = 0;
  /** Milliseconds during which the event loop was held, in all. */
  heldMs = 0;
  violation: ViolationError | undefined = undefined;

  constructor(clock: Clock, concurrency: number) {
    this.clock = clock;
    this.history = new History(clock);
    this.concurrency = concurrency;
  }

  /** @throws Error for a job that nobody configured */
  of(job: JobName): JobFacts {
    const facts = this.jobs.get(job);
    if (facts === undefined) throw new Error(`simulation: there is no job ${job}`);
    return facts;
  }

  get isCalm(): boolean {
    return this.calmSince !== undefined && this.calmSince <= this.clock.monotonic();
  }

  /** What waits is given its time anew. */
  disturb(): void {
    if (this.calmSince !== undefined) this.calmSince = Math.max(this.calmSince, this.clock.monotonic());
  }

  /** A reload has taken effect for a job. Ticks that fell due under the old definition have been decided under it. */
  adopt(job: Job, at: Instant): void {
    const of = this.of(job.name);
    if (of.inForce && of.job === job) return;
    this.#assertDecided(of, at);
    of.adopt(job, at);
  }

  /** A reload has taken the job away. */
  remove(of: JobFacts, at: Instant): void {
    if (of.inForce) this.#assertDecided(of, at);
    of.inForce = false;
  }

  #assertDecided(of: JobFacts, at: Instant): void {
    if (of.inForce && of.nextTick <= at) {
      this.violate(
        'accounted',
        `job ${of.job.name}: tick ${new Date(of.nextTick).toISOString()} fell due before the reload and is never decided`,
      );
    }
  }

  /** Notes the first broken promise; whoever drives the clock looks at it after each step. */
  violate(promise: string, what: string, cause?: unknown): void {
    this.history.note('VIOLATION', promise, what);
    this.violation ??= new ViolationError(promise, what, this.clock.monotonic(), { cause });
  }
}
