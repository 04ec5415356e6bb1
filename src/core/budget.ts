/** How long a run may go on, when the job does not say. */
import type { Job } from './job.ts';
import type { DurationMs } from './time.ts';

/** The two bounds of a run. */
export interface Bounds {
  /** How long a run may go on starting steps. */
  readonly budgetMs: DurationMs;
  /** How long it may take, once asked to stop, before it is stopped by force. */
  readonly graceMs: DurationMs;
}

const LONGEST_GRACE_MS = 5_000;
const LONGEST_MARGIN_MS = 1_000;
const BUDGET_WITHOUT_SCHEDULE_MS = 3_600_000;

/**
 * The bounds of a job's runs. What the job leaves open follows from the shortest gap between its ticks, so that
 * a run that spends all of its budget and grace is still over before the next tick: grace is the smaller of 5 s and a
 * tenth of the gap; the budget is the gap, less the grace, less the smaller of 1 s and a tenth of the gap.
 *
 * @param job the job; only `budgetMs` and `graceMs` are read
 * @param shortestGapMs the shortest time between two of its ticks; absent if it has fewer than two
 * @returns 54 s and 5 s for a job each minute, 800 ms and 100 ms for one each second, 1 h and 5 s without a schedule
 */
export function boundsOf(job: Pick<Job, 'budgetMs' | 'graceMs'>, shortestGapMs: DurationMs | undefined): Bounds {
  if (shortestGapMs === undefined) {
    return { budgetMs: job.budgetMs ?? BUDGET_WITHOUT_SCHEDULE_MS, graceMs: job.graceMs ?? LONGEST_GRACE_MS };
  }
  const tenth = Math.floor(shortestGapMs / 10);
  const graceMs = job.graceMs ?? Math.min(LONGEST_GRACE_MS, tenth);
  const derived = shortestGapMs - graceMs - Math.min(LONGEST_MARGIN_MS, tenth);
  return { budgetMs: job.budgetMs ?? Math.max(1, derived), graceMs };
}
