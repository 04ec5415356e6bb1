/** What becomes of ticks that fell due while no node was up. */
import type { Job } from './job.ts';
import type { TickRange } from './tick-range.ts';
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

/** The plan for missed ticks too many to be listed; together the parts hold each of them once. */
export interface GapPlan {
  readonly missed: readonly (TickRange & { readonly reason: MissReason })[];
  /** Folds into the run of the newest missed tick. */
  readonly folded: TickRange | undefined;
}

/**
 * Divides a gap as {@link planCatchUp} divides ticks. None of its ticks is run: those that might be are listed.
 *
 * @param job its policies
 * @param gap lies before all missed ticks that are listed; `undefined`: there is none
 * @param now the window reaches back from here
 */
export function planGap(job: Pick<Job, 'onMissed' | 'missedWindowMs'>, gap: TickRange | undefined, now: Instant): GapPlan {
  if (gap === undefined) return { missed: [], folded: undefined };
  const border = Math.min(gap.to, Math.max(gap.from, Math.ceil(windowStart(now, job.missedWindowMs)) - 1));
  const missed: (TickRange & { reason: MissReason })[] = [];
  if (border > gap.from) missed.push({ from: gap.from, to: border, reason: 'window' });
  if (border === gap.to) return { missed, folded: undefined };
  const inWindow = { from: border, to: gap.to };
  if (job.onMissed === 'latest') return { missed, folded: inWindow };
  return { missed: [...missed, { ...inWindow, reason: job.onMissed === 'skip' ? 'down' : 'limit' }], folded: undefined };
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
