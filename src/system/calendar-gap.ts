/** The shortest time between two ticks, from which a job's default budget follows. */
import type { Schedule } from '../core/schedule.ts';
import type { DurationMs, Instant } from '../core/time.ts';
import { type DayFields, daysOf } from './cron-days.ts';
import { compileFields } from './cron-pattern.ts';

/** First tick of a schedule after an instant, before jitter; `Infinity` when there is none. */
export type NextBase = (schedule: Schedule, after: Instant) => number;

/** Base ticks looked at where no closed form exists. */
const SAMPLES = 48;
const DAY_S = 86_400;
const HORIZON_YEARS = 100;
/** Measures kept. */
const KNOWN_LIMIT = 8_192;

/** Ticks of one period as seconds from its start: the first, the last, and the shortest distance between neighbours. */
interface Span {
  readonly first: number;
  readonly last: number;
  readonly gap: number;
}

/**
 * Measures gaps; what it finds of a pattern is kept.
 *
 * The time of day is exact: seconds, minutes and hours repeat, so neighbours are compared level by level. How far apart the
 * matching days lie is counted over a hundred years.
 * A schedule that ends (`stopAt`, a year) within 48 ticks is measured tick by tick. Changes of the clock are left out: a gap of two
 * hours counts as two on the day of the change as well.
 *
 * @param nextBase the first tick of a schedule after an instant
 * @returns the measure for one or several schedules
 */
export function createGaps(nextBase: NextBase): (schedules: readonly Schedule[], from: Instant) => DurationMs | undefined {
  const known = new Map<string, number>();
  const keep = (key: string, measure: () => number): number => {
    const found = known.get(key);
    if (found !== undefined) return found;
    const gap = measure();
    if (known.size >= KNOWN_LIMIT) known.clear();
    known.set(key, gap);
    return gap;
  };
  const single = (schedule: Schedule, from: Instant): number => {
    if (schedule.kind === 'at') return Infinity;
    const ends = schedule.stopAt !== undefined || (schedule.kind === 'cron' && hasYear(schedule.pattern));
    const counted = ends ? sampledGap(nextBase, schedule, from) : undefined;
    if (counted !== undefined) return counted;
    return schedule.kind === 'every' ? schedule.everyMs : keep(schedule.pattern, () => gapOfPattern(schedule.pattern, from));
  };
  const together = (schedules: readonly Schedule[], from: Instant): number => {
    const least = schedules.reduce((gap, schedule) => Math.min(gap, single(schedule, from)), Infinity);
    return schedules.length > 1 ? mergedGap(nextBase, schedules, from, least) : least;
  };
  return (schedules, from) => {
    const lasting = schedules.length > 1 && schedules.every(isLasting);
    const gap = lasting ? keep(JSON.stringify(schedules), () => together(schedules, from)) : together(schedules, from);
    return Number.isFinite(gap) ? gap : undefined;
  };
}

/** Its gap does not depend on where one begins to measure. */
function isLasting(schedule: Schedule): boolean {
  if (schedule.kind === 'at' || schedule.startAt !== undefined || schedule.stopAt !== undefined) return false;
  return schedule.kind === 'every' || !hasYear(schedule.pattern);
}

function hasYear(pattern: string): boolean {
  const fields = pattern.trim().split(/\s+/);
  return fields.length === 7 && fields[6] !== '*';
}

/** The gap of a schedule that ends, or `undefined` if it still goes on after 48 ticks. */
function sampledGap(nextBase: NextBase, schedule: Schedule, from: Instant): number | undefined {
  let gap = Infinity;
  let tick = nextBase(schedule, from - 1);
  for (let count = 0; count < SAMPLES; count++) {
    const next = tick === Infinity ? Infinity : nextBase(schedule, tick);
    if (next === Infinity) return gap;
    gap = Math.min(gap, next - tick);
    tick = next;
  }
  return undefined;
}

function gapOfPattern(pattern: string, from: Instant): number {
  const fields = compileFields(pattern);
  const seconds = spanOf(fields.second, 1, { first: 0, last: 0, gap: Infinity });
  const minutes = spanOf(fields.minute, 60, seconds);
  const day = spanOf(fields.hour, 3_600, minutes);
  const overnight = DAY_S - day.last + day.first;
  if (day.gap <= overnight) return day.gap * 1_000;
  const days = dayGap(fields, from);
  return Math.min(day.gap, days * DAY_S - day.last + day.first) * 1_000;
}

/** One level up: `inner` repeats at each unit that matches. */
function spanOf(matches: readonly number[], unit: number, inner: Span): Span {
  let first = -1;
  let last = -1;
  let gap = inner.gap;
  for (let index = 0; index < matches.length; index++) {
    if (matches[index] === 0) continue;
    if (first === -1) first = index;
    else gap = Math.min(gap, (index - last) * unit - inner.last + inner.first);
    last = index;
  }
  return { first: first * unit + inner.first, last: last * unit + inner.last, gap };
}

/** The shortest distance between days that are due within a hundred years; `Infinity` if there are fewer than two. */
function dayGap(fields: DayFields, from: Instant): number {
  let gap = Infinity;
  let last: number | undefined;
  for (const day of daysOf(fields, Math.floor(from / (DAY_S * 1_000)), HORIZON_YEARS)) {
    if (last !== undefined) gap = Math.min(gap, day - last);
    if (gap === 1) break;
    last = day;
  }
  return gap;
}

/**
 * The gap of several schedules together. The first 48 ticks of each are compared with their neighbours in each other schedule, on
 * both sides, so that a rare schedule is seen beside a frequent one. `gap` is the smallest of the single gaps; no neighbour
 * farther away than that matters.
 */
function mergedGap(nextBase: NextBase, schedules: readonly Schedule[], from: Instant, gap: number): number {
  if (gap === Infinity) return loneGap(nextBase, schedules, from);
  let shortest = gap;
  for (const one of schedules) {
    let tick = nextBase(one, from - 1);
    for (let count = 0; count < SAMPLES && tick !== Infinity; count++) {
      for (const other of schedules) {
        if (other === one) continue;
        const before = nextBase(other, Math.max(from, tick - shortest) - 1);
        if (before < tick) shortest = Math.min(shortest, tick - before);
        shortest = Math.min(shortest, nextBase(other, tick) - tick);
      }
      tick = nextBase(one, tick);
    }
  }
  return shortest;
}

/** Each schedule has one tick at most. */
function loneGap(nextBase: NextBase, schedules: readonly Schedule[], from: Instant): number {
  const ticks = schedules.map((schedule) => nextBase(schedule, from - 1)).filter((tick) => tick !== Infinity);
  const sorted = [...new Set(ticks)].toSorted((one, other) => one - other);
  return sorted.slice(1).reduce((gap, tick, index) => Math.min(gap, tick - (sorted[index] ?? tick)), Infinity);
}
