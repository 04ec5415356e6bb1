/**
 * Cron patterns by croner, which is used as a calendar and for nothing else (DESIGN section 6): paused, asked with
 * `nextRun(after)`, never armed, and in UTC; zones are the business of `cron-zone`. Nothing else imports it.
 *
 * A compiled pattern holds 83 kB (a year array of 10,000 entries) and takes 25 µs to build; an answer takes 10 µs. So few are
 * kept, equal ones are shared, and what is known of a pattern is an interval: if the first tick after `from` is `next`, it is
 * also the first tick after every instant in between. A thousand jobs of one pattern that wake together cost one answer.
 */
import { Cron, CronPattern } from 'croner';
import type { Instant } from '../core/time.ts';
import { type DayFields, daysOf, isDaily } from './cron-days.ts';
import { firstTick } from './cron-zone.ts';
import { createZoneClocks } from './time-zone.ts';

/** Compiled patterns kept: 64 of 83 kB are 5 MB. */
const COMPILED_LIMIT = 64;
/** Patterns of which answers are kept; an entry is about 250 bytes. */
const KNOWN_LIMIT = 8_192;
const DAY_MS = 86_400_000;
/** Answers kept for each pattern: jobs that catch up ask about other instants than those that are on time. */
const ANSWERS_KEPT = 4;

/** DST as in DESIGN section 6: a time without wildcard runs once in a repeated hour, and after a gap at its first valid instant. */
const FIXED_TIME_RULE = 'no-wildcard';

/** What is known of one pattern in one zone: answers `next[i]` to every question in `from[i]` … `next[i]`. */
interface Known {
  readonly from: Float64Array;
  readonly next: Float64Array;
  oldest: number;
  /** No wildcard in seconds, minutes and hours: once in a repeated hour, and after a gap at its first valid instant. */
  readonly fixed: boolean;
  /** On which days; absent if on all of them. */
  readonly days: DayFields | undefined;
}

type Features = Pick<Known, 'fixed' | 'days'>;

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
  const features = new Map<string, Features>();
  const clocks = createZoneClocks();
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
      ...sharedFeaturesOf(hourly(pattern).base),
    };
    patterns.set(pattern, known);
    knownCount++;
    return known;
  };

  const sharedFeaturesOf = (base: string): Features => {
    let found = features.get(base);
    if (found !== undefined) return found;
    if (features.size >= KNOWN_LIMIT) features.clear();
    features.set(base, (found = featuresOf(base)));
    return found;
  };

  const compiledOf = (pattern: string): Cron => {
    const found = compiled.get(pattern);
    if (found !== undefined) compiled.delete(pattern);
    const cron = found ?? new Cron(pattern, { utcOffset: 0, paused: true });
    compiled.set(pattern, cron);
    for (const oldest of compiled.keys()) {
      if (compiled.size <= COMPILED_LIMIT) break;
      compiled.delete(oldest);
    }
    return cron;
  };

  // A second and a minute that are plain numbers are added afterwards, which is exact in UTC: so `17 3 * * *` and `42 3 * * *` share one
  // compiled pattern, and 100,000 jobs at times of their own have a few hundred.
  const ask = (pattern: string, after: number): number => {
    const { base, shiftMs } = hourly(pattern);
    const next = compiledOf(base).nextRun(new Date(after - shiftMs));
    return next === null ? Infinity : next.getTime() + shiftMs;
  };

  /**
   * Croner is asked about years in which a day matches, from that day on. It may be too late on the first such day, and that the
   * last of its year; the next one is whole.
   */
  const nextLocal = (days: DayFields | undefined, pattern: string, after: number): number => {
    if (days === undefined) return ask(pattern, after);
    let from = Math.floor(after / DAY_MS);
    for (let tries = 0; tries < 2; tries++) {
      const day = daysOf(days, from).next().value;
      if (day === undefined) return Infinity;
      const year = new Date(day * DAY_MS).getUTCFullYear();
      const next = ask(inYear(pattern, year), Math.max(after, day * DAY_MS - 1));
      if (next !== Infinity) return next;
      from = Date.UTC(year + 1, 0, 1) / DAY_MS;
    }
    return Infinity;
  };

  return {
    next(pattern, timezone, after) {
      const known = knownOf(pattern, timezone);
      for (let index = 0; index < ANSWERS_KEPT; index++) {
        const next = known.next[index] ?? 0;
        if ((known.from[index] ?? Infinity) <= after && after < next) return next;
      }
      const local = (from: number): number => nextLocal(known.days, pattern, from);
      const next = timezone === 'UTC' ? local(after) : firstTick(local, clocks, timezone, known.fixed, after);
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

/** What is kept of a compiled pattern: the rest of it is too large. */
function featuresOf(pattern: string): Features {
  const fields = compileFields(pattern);
  const fixed = fields.isFixedTime;
  if (isNickname(pattern) || isDaily(fields)) return { fixed, days: undefined };
  const { day, month, dayOfWeek, nearestWeekdays, lastDayOfMonth, lastWeekday, starDOM, starDOW, starYear, useAndLogic } = fields;
  const year = starYear ? [] : fields.year;
  const days = {
    day,
    month,
    dayOfWeek,
    nearestWeekdays,
    lastDayOfMonth,
    lastWeekday,
    starDOM,
    starDOW,
    starYear,
    useAndLogic,
    year,
  };
  return { fixed, days };
}

/** The same pattern in one year only, so that croner's search ends with it. */
function inYear(pattern: string, year: number): string {
  const fields = pattern.trim().split(/\s+/);
  if (fields.length === 5) fields.unshift('0');
  return [...fields.slice(0, 6), year].join(' ');
}

const PLAIN_NUMBER = /^\d{1,2}$/;

/** A pattern of plain second and minute as the pattern of its full hours, and how much later it falls due. Both fall due in the same hours. */
function hourly(pattern: string): { readonly base: string; readonly shiftMs: number } {
  const fields = pattern.trim().split(/\s+/);
  const [second = '', minute = ''] = fields.length === 5 ? ['0', fields[0]] : fields;
  if (isNickname(pattern) || !PLAIN_NUMBER.test(second) || !PLAIN_NUMBER.test(minute)) return { base: pattern, shiftMs: 0 };
  const rest = fields.slice(fields.length === 5 ? 1 : 2);
  return { base: ['0', '0', ...rest].join(' '), shiftMs: (Number(minute) * 60 + Number(second)) * 1_000 };
}

function isNickname(pattern: string): boolean {
  return pattern.trim().startsWith('@');
}
