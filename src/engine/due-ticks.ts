/** Which ticks of a job are due: listed where they are few, and as a range with the newest of them where they are many. */
import { windowStart } from '../core/catchup.ts';
import { newestTicks } from '../core/newest-ticks.ts';
import type { Calendar } from '../core/ports.ts';
import { nextTick } from '../core/reliving.ts';
import type { TickRange } from '../core/tick-range.ts';
import type { Instant } from '../core/time.ts';
import type { JobEntry } from './job-entry.ts';

/** More undecided ticks of a job than this are not listed. */
const MOST_LISTED = 1_000;

/**
 * After so many, a gap is taken for a long one if the rest of it would hold eight times what is listed at the same pace. A wrong guess does no harm: a
 * range may hold any number of ticks.
 */
const PROBE = 32;
const SURELY_MANY = 8;

/** Undecided ticks up to `now`, and the first one after them. */
export interface DueTicks {
  /** Those before `ticks`, where they are too many to be listed. */
  readonly gap: TickRange | undefined;
  /** Ascending. */
  readonly ticks: readonly Instant[];
  readonly nextTickAt: Instant | undefined;
}

/**
 * Finds the due ticks of a job. A gap of any length costs at most `mostListed` questions, mostly some seventy, and three for each
 * tick that may lead to a run: one for `latest`, at most `missedLimit` for `all`.
 *
 * @param entry its `nextTickAt` is the first undecided tick
 * @param calendar asked for the following ones
 * @param now ticks after it are not due
 * @param mostListed more are not listed
 * @returns at least one tick if one is due
 */
export function dueTicksOf(entry: JobEntry, calendar: Calendar, now: Instant, mostListed: number = MOST_LISTED): DueTicks {
  const { job, horizons } = entry;
  const next = (after: Instant): Instant | undefined => nextTick(calendar, job.schedules, job.name, horizons, after);
  const first = entry.nextTickAt;
  if (first === undefined || first > now) return { gap: undefined, ticks: [], nextTickAt: first };
  const ticks = [first];
  let following = next(first);
  while (following !== undefined && following <= now && ticks.length <= mostListed) {
    ticks.push(following);
    following = next(following);
    if (ticks.length === PROBE && following !== undefined && isLong(first, following, now, mostListed)) break;
  }
  if (following === undefined || following > now) return { gap: undefined, ticks, nextTickAt: following };
  const inWindow = Math.max(first, Math.ceil(windowStart(now, job.missedWindowMs))) - 1;
  const runnable = newestTicks(next, inWindow, now, job.onMissed === 'all' ? job.missedLimit : 1);
  const newest = runnable.length > 0 ? runnable : newestTicks(next, first - 1, now, 1);
  const to = (newest[0] as Instant) - 1;
  return { gap: to < first ? undefined : { from: first - 1, to }, ticks: newest, nextTickAt: next(newest.at(-1) as Instant) };
}

function isLong(first: Instant, following: Instant, now: Instant, mostListed: number): boolean {
  return ((now - first) / (following - first)) * PROBE > SURELY_MANY * mostListed;
}
