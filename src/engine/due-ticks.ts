/** Which ticks of a job are due, in order, a bounded number at a time. */
import { windowStart } from '../core/catchup.ts';
import type { Calendar } from '../core/ports.ts';
import type { Instant } from '../core/time.ts';
import type { JobEntry } from './job-entry.ts';

/** Ticks older than the job's window lead to no run, so they may be decided in portions. */
const LARGEST_PORTION = 1_000;

/** Undecided ticks up to `now`, and the first one after them. */
export interface DueTicks {
  /** Ascending. */
  readonly ticks: readonly Instant[];
  readonly nextTickAt: Instant | undefined;
}

/**
 * Lists the due ticks of a job. Those inside `missedWindow` come all at once, since `onMissed` judges them together; older
 * ones come in portions of at most 1,000, and the next portion when these are decided.
 *
 * @param entry its `nextTickAt` is the first undecided tick
 * @param calendar asked for the following ones
 * @param now ticks after it are not due
 * @returns at least one tick if one is due
 */
export function dueTicksOf(entry: JobEntry, calendar: Calendar, now: Instant): DueTicks {
  const { job } = entry;
  const ticks: Instant[] = [];
  const inWindow = windowStart(now, job.missedWindowMs);
  let next = entry.nextTickAt;
  while (next !== undefined && next <= now) {
    if (ticks.length >= LARGEST_PORTION && next < inWindow) break;
    // A portion ends where the window begins, so that the ticks inside it are judged together.
    if (ticks.length > 0 && next >= inWindow && (ticks[0] as Instant) < inWindow) break;
    ticks.push(next);
    next = calendar.next(job.schedules, job.name, next);
  }
  return { ticks, nextTickAt: next };
}
