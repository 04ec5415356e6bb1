/**
 * Cron patterns by croner, which is used as a calendar and for nothing else (DESIGN section 6): paused, asked with
 * `nextRun(after)`, never armed. Nothing else imports it.
 *
 * A compiled pattern holds 83 kB (a year array of 10,000 entries) and takes 25 µs to build; an answer takes 50 µs. So few are
 * kept, equal ones are shared, and what is known of a pattern is an interval: if the first tick after `from` is `next`, it is
 * also the first tick after every instant in between. A thousand jobs of one pattern that wake together cost one answer.
 */
import { Cron, CronPattern } from 'croner';
import type { Instant } from '../core/time.ts';
import { type DayFields, daysOf, isDaily } from './cron-days.ts';
import { createLostEvenings } from './time-zone.ts';

/** Compiled patterns kept: 64 of 83 kB are 5 MB. */
const COMPILED_LIMIT = 64;
/** Patterns of which answers are kept; an entry is about 250 bytes. */
const KNOWN_LIMIT = 8_192;
const DAY_MS = 86_400_000;
/** Years in which a day matches and yet no tick comes of it, one after another. */
const YEARS_LIMIT = 100;
/** How far to look for a tick that only a step across midnight makes: a hundred years. */
const LOOK_AHEAD_MS = 100 * 365.25 * 86_400_000;
/** Answers kept for each pattern: jobs that catch up ask about other instants than those that are on time. */
const ANSWERS_KEPT = 4;

/** DST as in DESIGN section 6: a time without wildcard runs once in a repeated hour, and after a gap at its first valid instant. */
const FIXED_TIME_RULE = 'no-wildcard';

/** What is known of one pattern in one zone: answers `next[i]` to every question in `from[i]` … `next[i]`. */
interface Known {
  readonly from: Float64Array;
  readonly next: Float64Array;
  oldest: number;
  /** No wildcard in seconds, minutes and hours: the rule for gaps applies. */
  readonly fixed: boolean;
  /** On which days; absent if on all of them. */
  readonly days: DayFields | undefined;
}

/** Cron patterns and their ticks. */
export interface CronTicks {
  /**
   * @param pattern a sound pattern, see {@link compileFields}
   * @param timezone IANA name
   * @param after exclusive
   * @returns the first tick after `after`, however far away; `Infinity` when there is none
   */
  next(pattern: string, timezone: string, after: Instant): number;
}

/**
 * A source of ticks with bounded memory: 64 compiled patterns and the last four answers of 8,192 patterns.
 *
 * @returns a source that is cheap to ask again: below a microsecond while the answer is known
 */
export function createCronTicks(): CronTicks {
  const zones = new Map<string, Map<string, Known>>();
  const compiled = new Map<string, Cron>();
  const lostEvenings = createLostEvenings();
  let knownCount = 0;

  const knownOf = (pattern: string, timezone: string): Known => {
    let patterns = zones.get(timezone);
    const found = patterns?.get(pattern);
    if (found !== undefined) return found;
    if (knownCount >= KNOWN_LIMIT) {
      zones.clear();
      knownCount = 0;
      patterns = undefined;
    }
    if (patterns === undefined) zones.set(timezone, (patterns = new Map()));
    const known = {
      from: new Float64Array(ANSWERS_KEPT).fill(Infinity),
      next: new Float64Array(ANSWERS_KEPT),
      oldest: 0,
      fixed: isFixedTime(pattern),
      days: restrictedDays(pattern),
    };
    patterns.set(pattern, known);
    knownCount++;
    return known;
  };

  const compiledOf = (pattern: string, timezone: string): Cron => {
    const key = `${timezone} ${pattern}`;
    const found = compiled.get(key);
    if (found !== undefined) compiled.delete(key);
    const cron = found ?? compile(pattern, timezone);
    compiled.set(key, cron);
    for (const oldest of compiled.keys()) {
      if (compiled.size <= COMPILED_LIMIT) break;
      compiled.delete(oldest);
    }
    return cron;
  };

  const ask = (pattern: string, timezone: string, after: Instant): number =>
    compiledOf(pattern, timezone).nextRun(new Date(after))?.getTime() ?? Infinity;

  /** Croner is asked about years in which a day matches, one at a time, from shortly before that day. */
  const answer = (known: Known, pattern: string, timezone: string, after: Instant): number => {
    if (known.days === undefined) return ask(pattern, timezone, after);
    // The local date is at most one day behind that of UTC.
    let from = Math.floor(after / DAY_MS) - 1;
    for (let tries = 0; tries <= YEARS_LIMIT; tries++) {
      const day = daysOf(known.days, from).next().value;
      if (day === undefined) return Infinity;
      const year = new Date(day * DAY_MS).getUTCFullYear();
      const next = ask(inYear(pattern, year), timezone, Math.max(after, (day - 2) * DAY_MS));
      if (next !== Infinity) return next;
      from = Date.UTC(year + 1, 0, 1) / DAY_MS;
    }
    return Infinity;
  };

  /** The end of the first step across midnight, between `after` and `before`, that swallows a tick; else `before`. */
  const afterLostEvening = (known: Known, pattern: string, timezone: string, after: Instant, before: number): number => {
    const lastYear = new Date(Math.min(before, after + LOOK_AHEAD_MS)).getUTCFullYear();
    for (let year = new Date(after).getUTCFullYear(); year <= lastYear; year++) {
      for (const { at, from, until } of lostEvenings(timezone, year)) {
        if (at > after && at < before && answer(known, pattern, 'UTC', from - 1) < until) return at;
      }
    }
    return before;
  };

  return {
    next(pattern, timezone, after) {
      const known = knownOf(pattern, timezone);
      for (let index = 0; index < ANSWERS_KEPT; index++) {
        const next = known.next[index] ?? 0;
        if ((known.from[index] ?? Infinity) <= after && after < next) return next;
      }
      let next = answer(known, pattern, timezone, after);
      if (known.fixed && timezone !== 'UTC') next = afterLostEvening(known, pattern, timezone, after, next);
      known.from[known.oldest] = after;
      known.next[known.oldest] = next;
      known.oldest = (known.oldest + 1) % ANSWERS_KEPT;
      return next;
    },
  };
}

/**
 * The fields of a pattern as croner reads them: arrays in which a truthy entry is a match.
 *
 * @param pattern 5, 6 or 7 fields, or a nickname
 * @returns croner's own reading
 * @throws TypeError or RangeError, with croner's message, when the pattern is not sound
 */
export function compileFields(pattern: string): CronPattern {
  return new CronPattern(pattern, undefined, { fixedTimeRule: FIXED_TIME_RULE });
}

/** The day fields alone: the rest of a compiled pattern is too large to keep. */
function restrictedDays(pattern: string): DayFields | undefined {
  const fields = compileFields(pattern);
  if (isNickname(pattern) || isDaily(fields)) return undefined;
  const { day, month, dayOfWeek, nearestWeekdays, lastDayOfMonth, lastWeekday, starDOM, starDOW, starYear, useAndLogic } = fields;
  const year = starYear ? [] : fields.year;
  return { day, month, dayOfWeek, nearestWeekdays, lastDayOfMonth, lastWeekday, starDOM, starDOW, starYear, useAndLogic, year };
}

/** The same pattern in one year only, so that croner's search ends with it. */
function inYear(pattern: string, year: number): string {
  const fields = pattern.trim().split(/\s+/);
  if (fields.length === 5) fields.unshift('0');
  return [...fields.slice(0, 6), year].join(' ');
}

function isNickname(pattern: string): boolean {
  return pattern.trim().startsWith('@');
}

/** Croner's rule, read from the text: its own answer is private. Nicknames but `@hourly` stand for midnight. */
function isFixedTime(pattern: string): boolean {
  if (isNickname(pattern)) return pattern.trim().toLowerCase() !== '@hourly';
  const fields = pattern.trim().split(/\s+/);
  return fields.slice(0, fields.length === 5 ? 2 : 3).every((field) => !/[*?/]/.test(field));
}

/** UTC knows no DST, and croner is several times faster with an offset than with a zone. */
function compile(pattern: string, timezone: string): Cron {
  const place = timezone === 'UTC' ? { utcOffset: 0 } : { timezone };
  return new Cron(pattern, { ...place, paused: true, fixedTimeRule: FIXED_TIME_RULE });
}
