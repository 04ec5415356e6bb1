/** What the scheduler holds of a job in memory. One object a job, kept small: there may be 100,000 of them. */
import type { Job } from '../core/job.ts';
import type { SlotState, QueuedRun } from '../core/slot.ts';
import type { Instant } from '../core/time.ts';
import type { DueEntry } from './due-heap.ts';
import type { LiveRun } from './live-run.ts';

const NONE: readonly QueuedRun[] = [];

/** A job, its place among the due, and its runs. The store's slot row is the authority; this mirrors it. */
export class JobEntry implements DueEntry {
  job: Job;
  /** The first tick that is not decided. */
  nextTickAt: Instant | undefined = undefined;
  dueIndex = -1;
  decidedUntil: Instant;
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
    this.queued = slot.queued.length === 0 ? NONE : slot.queued;
    this.paused = slot.paused;
  }

  get isPaused(): boolean {
    return this.paused || this.job.paused;
  }

  enqueue(run: QueuedRun): void {
    this.queued = [...this.queued, run];
  }

  dequeue(runId: string): void {
    const left = this.queued.filter((run) => run.runId !== runId);
    this.queued = left.length === 0 ? NONE : left;
  }
}
