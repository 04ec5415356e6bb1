/** What becomes of ticks that fell due while no node was up. */
import type { Job } from './job.ts';
import type { MissReason } from './tick.ts';
import type { DurationMs, Instant } from './time.ts';

/** The plan for a job's missed ticks; together the three parts hold each of them once. */
export interface CatchUpPlan {
  /** Ticks that are recorded and not run. */
  readonly missed: readonly { readonly tick: Instant; readonly reason: MissReason }[];
  /** Ticks that fold into the run of `run[0]`. */
  readonly folded: readonly Instant[];
  /** Ticks that are run, in turn. */
  readonly run: readonly Instant[];
}

/**
 * Divides missed ticks by the job's `onMissed`, `missedWindow` and `missedLimit`.
 *
 * @param job its three policies
 * @param missedTicks ascending
 * @param now the window reaches back from here
 * @returns the plan; `latest` runs the newest tick in the window and folds the others into it
 */
export function planCatchUp(
  job: Pick<Job, 'onMissed' | 'missedWindowMs' | 'missedLimit'>,
  missedTicks: readonly Instant[],
  now: Instant,
): CatchUpPlan {
  const oldest = windowStart(now, job.missedWindowMs);
  const inWindow = missedTicks.filter((tick) => tick >= oldest);
  const missed: { tick: Instant; reason: MissReason }[] = missedTicks
    .filter((tick) => tick < oldest)
    .map((tick) => ({ tick, reason: 'window' }));
  switch (job.onMissed) {
    case 'skip':
      return { missed: [...missed, ...inWindow.map((tick) => ({ tick, reason: 'down' as const }))], folded: [], run: [] };
    case 'latest':
      return { missed, folded: inWindow.slice(0, -1), run: inWindow.slice(-1) };
    case 'all': {
      const over = Math.max(0, inWindow.length - job.missedLimit);
      const limited = inWindow.slice(0, over).map((tick) => ({ tick, reason: 'limit' as const }));
      return { missed: [...missed, ...limited], folded: [], run: inWindow.slice(over) };
    }
    default:
      return job.onMissed satisfies never;
  }
}

/**
 * The oldest instant at which a missed tick may still lead to a run.
 *
 * @param now the wall clock
 * @param missedWindowMs the job's `missedWindow`
 * @returns epoch milliseconds
 */
export function windowStart(now: Instant, missedWindowMs: DurationMs): Instant {
  return now - missedWindowMs;
}
