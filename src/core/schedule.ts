/** What a schedule is, once read. When it falls due is the calendar's business. */
import type { DurationMs, Instant } from './time.ts';

interface ScheduleWindow {
  /** No tick before this instant. */
  readonly startAt?: Instant;
  /** No tick at or after this instant. */
  readonly stopAt?: Instant;
  /** Each tick is moved by a hash of (job, tick) within 0 … jitterMs − 1; the moved instant is the tick. */
  readonly jitterMs?: DurationMs;
}

/** Ticks by a cron pattern of 5, 6 (seconds) or 7 (year) fields, or a nickname such as `@hourly`. */
export interface CronSchedule extends ScheduleWindow {
  readonly kind: 'cron';
  readonly pattern: string;
  /** IANA zone name. */
  readonly timezone: string;
}

/** A tick at each multiple of `everyMs` since the epoch, so that ticks are the same after a restart. */
export interface EverySchedule extends ScheduleWindow {
  readonly kind: 'every';
  readonly everyMs: DurationMs;
}

/** One tick, at one instant. */
export interface AtSchedule extends ScheduleWindow {
  readonly kind: 'at';
  readonly at: Instant;
}

/** One schedule of a job; a job falls due when any of its schedules does. */
export type Schedule = CronSchedule | EverySchedule | AtSchedule;

/** Nicknames of which the hour is a wildcard; the others name one time of day. */
const HOURLY = '@hourly';

/**
 * Whether a schedule follows elapsed time: `every`, and cron patterns with a wildcard or a step in seconds, minutes or hours. The others name
 * times of day, or one instant, and fall due once when a clock shows them twice.
 *
 * @param schedule a sound one
 * @returns what the calendar goes by, too, in an hour that a zone repeats
 */
export function followsElapsedTime(schedule: Schedule): boolean {
  if (schedule.kind !== 'cron') return schedule.kind === 'every';
  const pattern = schedule.pattern.trim();
  if (pattern.startsWith('@')) return pattern.toLowerCase() === HOURLY;
  const fields = pattern.split(/\s+/);
  return (fields.length === 5 ? fields.slice(0, 2) : fields.slice(0, 3)).some((field) => /[*?/]/.test(field));
}
