/**
 * When schedules fall due, said a second time: slowly, plainly, and without a line of the calendar's code, so that the
 * simulation has somebody to compare the calendar and the scheduler with. UTC only; of cron patterns, the fields for seconds,
 * minutes and hours.
 */
import type { Horizon } from '../core/reliving.ts';
import type { Schedule } from '../core/schedule.ts';
import type { Instant } from '../core/time.ts';

const DAY_MS = 86_400_000;
/** Patterns of seconds, minutes and hours repeat each day. */
const LONGEST_SEARCH_MS = 2 * DAY_MS;

/**
 * The first tick of any of the schedules after an instant.
 *
 * @param schedules without jitter
 * @param after exclusive
 * @returns epoch milliseconds; `Infinity` when there is none
 * @throws Error for a pattern that this file does not know
 */
export function nextTickAfter(schedules: readonly Schedule[], after: Instant): number {
  let earliest = Infinity;
  for (const schedule of schedules) {
    const { startAt = -Infinity, stopAt = Infinity } = schedule;
    const tick = rawAfter(schedule, Math.max(after, startAt - 1));
    if (tick < stopAt) earliest = Math.min(earliest, tick);
  }
  return earliest;
}

/**
 * The first tick after another where instants come again because the clock was set back: the n-th time an instant comes, its tick lies n − 1
 * milliseconds behind it; fixed times do not come again after a small step.
 *
 * @param horizons where ticks had been decided until each time the clock was set back, oldest first
 * @param after a tick or an instant; exclusive
 */
export function nextTickOfLives(schedules: readonly Schedule[], horizons: readonly Horizon[], after: Instant): number {
  const elapsing = schedules.filter(
    (schedule) => schedule.kind === 'every' || (schedule.kind === 'cron' && /[*/]/.test(timeOfDay(schedule.pattern))),
  );
  let first = Infinity;
  for (let at = nextTickAfter(schedules, after - horizons.length - 1); at < first; at = nextTickAfter(schedules, at)) {
    const before = horizons.filter(({ until }) => at <= until);
    if (before.length > 0 && before.at(-1)?.correction === false && nextTickAfter(elapsing, at - 1) !== at) continue;
    const tick = at + before.length;
    if (tick > after && nextTickAfter(schedules, at) > tick) first = Math.min(first, tick);
  }
  return first;
}

function timeOfDay(pattern: string): string {
  return pattern.split(' ').slice(0, -3).join(' ');
}

function rawAfter(schedule: Schedule, after: Instant): number {
  switch (schedule.kind) {
    case 'every':
      return after - (after % schedule.everyMs) + schedule.everyMs;
    case 'at':
      return schedule.at > after ? schedule.at : Infinity;
    case 'cron':
      return cronAfter(schedule.pattern, after);
    default:
      return schedule satisfies never;
  }
}

function cronAfter(pattern: string, after: Instant): number {
  const fields = fieldsOf(pattern);
  const [seconds, minutes, hours] = fields;
  for (let at = after - (after % 1_000) + 1_000; at <= after + LONGEST_SEARCH_MS;) {
    const ofDay = Math.floor((at % DAY_MS) / 1_000);
    if (!hours.has(Math.floor(ofDay / 3_600))) at += 3_600_000 - (at % 3_600_000);
    else if (!minutes.has(Math.floor(ofDay / 60) % 60)) at += 60_000 - (at % 60_000);
    else if (!seconds.has(ofDay % 60)) at += 1_000;
    else return at;
  }
  return Infinity;
}

type Fields = readonly [Set<number>, Set<number>, Set<number>];
const known = new Map<string, Fields>();

function fieldsOf(pattern: string): Fields {
  let fields = known.get(pattern);
  if (fields === undefined) {
    const words = pattern.split(' ');
    const [second = '', minute = '', hour = '', ...days] = words.length === 5 ? ['0', ...words] : words;
    if (days.join(' ') !== '* * *') throw new Error(`enumeration: the pattern ${pattern} is more than this knows`);
    fields = [valuesOf(second, 60), valuesOf(minute, 60), valuesOf(hour, 24)];
    known.set(pattern, fields);
  }
  return fields;
}

/** `*`, `*` with a step, or numbers with commas. */
function valuesOf(field: string, count: number): Set<number> {
  const [range = '', step = '1'] = field.split('/');
  const all = range === '*' ? Array.from({ length: count }, (_, value) => value) : range.split(',').map(Number);
  return new Set(all.filter((value) => range !== '*' || value % Number(step) === 0));
}
