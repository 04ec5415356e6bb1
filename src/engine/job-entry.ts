/** What the scheduler holds of a job in memory. One object a job, kept small: there may be 100,000 of them. */
import type { Job } from '../core/job.ts';
import { type Horizon, planRewind, type Rewind } from '../core/reliving.ts';
import type { SlotState, QueuedRun } from '../core/slot.ts';
import type { Instant } from '../core/time.ts';
import type { DueEntry } from './due-heap.ts';
import type { LiveRun } from './live-run.ts';

const NONE: readonly QueuedRun[] = [];
const NO_HORIZONS: readonly Horizon[] = [];

/** A job, its place among the due, and its runs. The store's slot row is the authority; this mirrors it. */
export class JobEntry implements DueEntry {
  job: Job;
  /** The first tick that is not decided. */
  nextTickAt: Instant | undefined = undefined;
  dueIndex = -1;
  /** Of the slot, or where a rewind that waits for its first tick has put it. */
  decidedUntil: Instant;
  /** Of the slot, and that of such a rewind. */
  horizons: readonly Horizon[];
  /** A reload brought this definition: it has ticks from here on only. */
  since: Instant = -Infinity;
  /** The clock was set back: written with the next ticks that are decided. */
  rewind: Rewind | undefined = undefined;
  live: LiveRun | undefined = undefined;
  queued: readonly QueuedRun[];
  /** By `pause`, beside the job's own `paused`. */
  paused: boolean;
  /** The definition in the turn that is with the store; a reload may replace `job` meanwhile. */
  claimedAs: Job | undefined = undefined;
  /** A reload took the job away; the entry stays until its last run has ended. */
  removed = false;

  constructor(job: Job, slot: SlotState) {
    this.job = job;
    this.decidedUntil = slot.decidedUntil;
    this.horizons = slot.horizons ?? NO_HORIZONS;
    this.queued = slot.queued.length === 0 ? NONE : slot.queued;
    this.paused = slot.paused;
  }

  get isPaused(): boolean {
    return this.paused || this.job.paused;
  }

  /**
   * Goes on from now if ticks are decided until long after it.
   *
   * @returns whether that is so, and the first tick has to be looked for anew
   */
  rewindTo(now: Instant): boolean {
    const isReloadAhead = this.since > now;
    if (isReloadAhead) this.since = now;
    const known = this.rewind === undefined ? this.horizons : this.horizons.slice(0, -1);
    const plan = planRewind(this.rewind?.horizon.until ?? this.decidedUntil, known, now);
    // A second step back before any tick was decided replaces the first; a step forth does not take it back.
    if (plan === undefined || (this.rewind !== undefined && plan.to >= this.rewind.to)) return isReloadAhead;
    this.rewind = plan;
    this.decidedUntil = plan.to;
    this.horizons = [...known, plan.horizon];
    return true;
  }

  /** A claim of ticks has been decided. @param until the last of them; @param rewind that of the claim */
  decided(until: Instant, rewind: Rewind | undefined): void {
    const known = this.rewind === undefined ? this.horizons : this.horizons.slice(0, -1);
    if (this.rewind !== undefined || rewind !== undefined)
      this.horizons = rewind === undefined ? known : [...known, rewind.horizon];
    if (this.rewind !== undefined || until > this.decidedUntil) this.decidedUntil = until;
    this.rewind = undefined;
  }

  enqueue(run: QueuedRun): void {
    this.queued = [...this.queued, run];
  }

  dequeue(runId: string): void {
    const left = this.queued.filter((run) => run.runId !== runId);
    this.queued = left.length === 0 ? NONE : left;
  }
}
