/**
 * The days of a cron pattern, by arithmetic. Croner looks for them one by one with a date object each, and for as long as four
 * hundred years: a pattern such as "0 0 1W * +1#5", whose day never comes, holds it for five seconds. Here the same takes a
 * few milliseconds, so croner is asked only about days that are known to match, and shortest gaps are counted, not sampled.
 * The rules are croner's, and a property test holds the two together.
 */

/** Days as numbers since the epoch; local days, as if the zone were UTC. */
export type EpochDay = number;

/** The fields of a pattern that say on which days it falls due, as croner reads them: 1 is a match. */
export interface DayFields {
  /** From the first of a month. */
  readonly day: readonly number[];
  readonly month: readonly number[];
  /** From Sunday; bits 0 to 4: the first to the fifth of a month, bit 5: the last. */
  readonly dayOfWeek: readonly number[];
  /** From the year 0; not read if `starYear`. */
  readonly year: readonly number[];
  /** Dates of which the nearest weekday is meant. */
  readonly nearestWeekdays: readonly number[];
  readonly lastDayOfMonth: boolean;
  readonly lastWeekday: boolean;
  readonly starDOM: boolean;
  readonly starDOW: boolean;
  readonly starYear: boolean;
  readonly useAndLogic: boolean;
}

const DAY_MS = 86_400_000;
/** The calendar repeats after 400 years: a day that does not come within them never comes. */
const CYCLE_YEARS = 400;
/** 1 January 1970 was a Thursday. */
const FIRST_WEEKDAY = 4;
const SATURDAY = 6;

interface Month {
  readonly start: EpochDay;
  readonly length: number;
  /** Weekday of the first, 0 = Sunday. */
  readonly weekday: number;
}

/**
 * The days on which a pattern falls due.
 *
 * @param fields as croner reads them
 * @param from the first day that may be given
 * @param years how far to look; more than 400 are not needed
 * @returns matching days, ascending; none after the last of those years
 */
export function* daysOf(fields: DayFields, from: EpochDay, years: number = CYCLE_YEARS): Generator<EpochDay, undefined> {
  const firstYear = new Date(from * DAY_MS).getUTCFullYear();
  for (let year = firstYear; year <= firstYear + years; year++) {
    if (!fields.starYear && fields.year[year] !== 1) continue;
    for (let month = 0; month < 12; month++) {
      if (fields.month[month] !== 1) continue;
      const at = monthOf(year, month);
      for (let day = Math.max(1, from - at.start + 1); day <= at.length; day++) {
        if (isDue(fields, at, day)) yield at.start + day - 1;
      }
    }
  }
  return undefined;
}

/**
 * Whether every day is due, so that there is nothing to look for.
 *
 * @param fields as croner reads them
 * @returns true for patterns that restrict neither date nor weekday
 */
export function isDaily(fields: DayFields): boolean {
  return fields.starDOM && fields.starDOW && fields.starYear && fields.month.every((value) => value === 1);
}

function monthOf(year: number, month: number): Month {
  const start = Date.UTC(year, month, 1) / DAY_MS;
  const length = Date.UTC(year, month + 1, 1) / DAY_MS - start;
  return { start, length, weekday: weekdayOf(start) };
}

function weekdayOf(day: EpochDay): number {
  return (((day + FIRST_WEEKDAY) % 7) + 7) % 7;
}

/** Date and weekday: either is enough if both are given, as in Vixie cron, unless the weekday begins with `+`. */
function isDue(fields: DayFields, month: Month, day: number): boolean {
  const byDate = isDueByDate(fields, month, day);
  if (fields.starDOW) return byDate;
  const byWeekday = isDueByWeekday(fields, month, day);
  return fields.useAndLogic || fields.starDOM ? byDate && byWeekday : byDate || byWeekday;
}

function isDueByDate(fields: DayFields, month: Month, day: number): boolean {
  if (fields.day[day - 1] === 1) return true;
  if (fields.lastDayOfMonth && day === month.length) return true;
  if (fields.lastWeekday && day === nearestWeekday(month, month.length)) return true;
  for (let date = Math.max(1, day - 2); date <= Math.min(day + 2, month.length); date++) {
    if (fields.nearestWeekdays[date - 1] === 1 && nearestWeekday(month, date) === day) return true;
  }
  return false;
}

/** Monday to Friday next to a date, within its month. */
function nearestWeekday(month: Month, day: number): number {
  const weekday = weekdayOf(month.start + day - 1);
  if (weekday === SATURDAY) return day === 1 ? day + 2 : day - 1;
  if (weekday === 0) return day === month.length ? day - 2 : day + 1;
  return day;
}

function isDueByWeekday(fields: DayFields, month: Month, day: number): boolean {
  const bits = fields.dayOfWeek[(month.weekday + day - 1) % 7] ?? 0;
  const nth = 1 << (Math.ceil(day / 7) - 1);
  return (bits & nth) !== 0 || ((bits & 32) !== 0 && day + 7 > month.length);
}
