/** Jobs as the doors show them. */
import type { JobView, RunView } from '../core/control.ts';
import type { RunRecord } from '../core/ledger.ts';
import type { Calendar } from '../core/ports.ts';
import { nextTick } from '../core/reliving.ts';
import type { Instant } from '../core/time.ts';
import type { JobState, LiveState } from './live-state.ts';
import { stateOf } from './run-view.ts';

/** What a view is made of, beside the job. */
export interface JobViewParts {
  readonly state: LiveState;
  readonly calendar: Pick<Calendar, 'next'>;
  readonly now: Instant;
}

/**
 * A job as it stands now.
 *
 * @param entry the job
 * @param liveRun the view of the run that holds its slot
 * @param lastRun the newest run that ended
 * @param parts where the rest is looked up
 */
export function jobViewOf(
  entry: JobState,
  liveRun: RunView | undefined,
  lastRun: RunRecord | undefined,
  { state, calendar, now }: JobViewParts,
): JobView {
  const { job, live, queued, isPaused } = entry;
  const [nextTickAt] = ticksToCome(entry, calendar, now, 1);
  return {
    job,
    state: live !== undefined ? stateOf(live) : queued.length > 0 ? 'queued' : isPaused ? 'paused' : 'idle',
    paused: isPaused,
    ...state.boundsOf(job),
    ...(nextTickAt === undefined ? {} : { nextTick: nextTickAt }),
    ...(liveRun === undefined ? {} : { liveRun }),
    queuedRuns: queued.map(({ runId }) => runId),
    ...(lastRun === undefined ? {} : { lastRun }),
  };
}

/**
 * The ticks of a job after now.
 *
 * @param entry the job
 * @param calendar gives those after the first
 * @param now ticks up to here are not to come, even if they are not decided yet
 * @param limit how many
 * @returns ascending; a paused job's too, for they will be decided
 */
export function ticksToCome(entry: JobState, calendar: Pick<Calendar, 'next'>, now: Instant, limit: number): Instant[] {
  const { job, horizons, nextTickAt } = entry;
  if (nextTickAt === undefined) return [];
  const ticks: Instant[] = [];
  const next = (after: Instant): Instant | undefined => nextTick(calendar, job.schedules, job.name, horizons, after);
  let tick = nextTickAt > now ? nextTickAt : next(now);
  while (tick !== undefined && ticks.push(tick) < limit) tick = next(tick);
  return ticks;
}
