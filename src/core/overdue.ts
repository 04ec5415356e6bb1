/** When a job that should have come forward has not. */
import { boundsOf } from './budget.ts';
import type { Job } from './job.ts';
import type { Calendar } from './ports.ts';
import type { Instant } from './time.ts';

/**
 * When a job is overdue: the run of the second tick after its last good end has had all the time that it may take. One tick may go
 * wrong, or be skipped while a run is alive, without alarming anybody.
 *
 * @param job its schedules, budget and grace
 * @param since its last good end; without one, when it was armed
 * @param attendedSince since when somebody has been there to start runs: a tick before that counts as if it fell due then
 * @param calendar tells ticks and gaps
 * @returns the instant; `undefined` for a job with fewer than two ticks to come after `since`
 */
export function overdueAt(
  job: Pick<Job, 'name' | 'schedules' | 'budgetMs' | 'graceMs'>,
  since: Instant,
  attendedSince: Instant,
  calendar: Pick<Calendar, 'next' | 'shortestGap'>,
): Instant | undefined {
  if (job.schedules.length === 0) return undefined;
  const first = calendar.next(job.schedules, job.name, since);
  const second = first === undefined ? undefined : calendar.next(job.schedules, job.name, first);
  if (second === undefined) return undefined;
  const { budgetMs, graceMs } = boundsOf(job, calendar.shortestGap(job.schedules, since));
  return Math.max(second, attendedSince) + budgetMs + graceMs;
}
