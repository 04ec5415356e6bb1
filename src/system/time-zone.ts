/** Zones: their names, and the days that their clocks jump over. */
import type { Instant } from '../core/time.ts';

/** A name that is fewer letters than this away, and less than half of them, is offered as what was meant. */
const NEAR = 4;

/**
 * Checks the name of a zone.
 *
 * @param timezone what a user wrote
 * @returns what is wrong with it, with the nearest name if one is near; `undefined` when it is an IANA zone
 */
export function zoneFault(timezone: string): string | undefined {
  if (/^[+-]/.test(timezone)) return `timezone "${timezone}" is an offset; expected an IANA name such as "Europe/Berlin"`;
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: timezone });
    return undefined;
  } catch {
    const meant = nearestZone(timezone);
    return `timezone "${timezone}" is unknown; ${meant === undefined ? 'expected an IANA name such as "Europe/Berlin"' : `did you mean "${meant}"?`}`;
  }
}

function nearestZone(timezone: string): string | undefined {
  const wanted = timezone.toLowerCase().slice(0, 64).replaceAll(' ', '_');
  let nearest: string | undefined;
  let least = Math.min(NEAR, wanted.length / 2);
  for (const name of [...Intl.supportedValuesOf('timeZone'), 'UTC']) {
    const whole = name.toLowerCase();
    const city = whole.slice(whole.lastIndexOf('/') + 1);
    const away = Math.min(distance(wanted, whole), distance(wanted, city) + 0.5);
    if (away < least) [nearest, least] = [name, away];
  }
  return nearest;
}

/** Letters to add, drop or change (Levenshtein). */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let i = 1; i <= one.length; i++) {
    const next = [i];
    for (let j = 1; j <= other.length; j++) {
      const change = (row[j - 1] ?? 0) + (one[i - 1] === other[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[other.length] ?? Infinity;
}

/** A step of the clock that ends on another day than it began: local times from `from` to the end of that day do not exist. */
export interface LostEvening {
  /** The first instant after the step. */
  readonly at: Instant;
  /** Local times as if they were UTC: the first that is lost, and the first of the day on which the step ends. */
  readonly from: number;
  readonly until: number;
}

const DAY_MS = 86_400_000;
/** No zone has changed its clock twice within a week since 1970. */
const STRIDE_MS = 7 * DAY_MS;
const YEARS_KEPT = 4_096;

/**
 * Finds steps of the clock across midnight: Greenland and Scoresbysund each spring (23:00 to 0:00), Samoa once for a whole day.
 * Croner passes over fixed times that such a step swallows (it looks for the end of the gap on the same day only); see
 * `cron-pattern`.
 *
 * @returns a function from zone and year (UTC) to the steps in that year, ascending; nearly always none. It keeps what it found
 */
export function createLostEvenings(): (timezone: string, year: number) => readonly LostEvening[] {
  const zones = new Map<string, Zone>();
  let yearCount = 0;
  return (timezone, year) => {
    if (yearCount >= YEARS_KEPT) {
      zones.clear();
      yearCount = 0;
    }
    const zone = zones.get(timezone) ?? { offsetAt: offsetsOf(timezone), years: new Map() };
    zones.set(timezone, zone);
    const known = zone.years.get(year);
    if (known !== undefined) return known;
    const found = findLostEvenings(zone.offsetAt, year);
    zone.years.set(year, found);
    yearCount++;
    return found;
  };
}

interface Zone {
  readonly offsetAt: (at: Instant) => number;
  readonly years: Map<number, readonly LostEvening[]>;
}

function findLostEvenings(offsetAt: (at: Instant) => number, year: number): LostEvening[] {
  const found: LostEvening[] = [];
  const end = Date.UTC(year + 1, 0, 1);
  let start = Date.UTC(year, 0, 1);
  let before = offsetAt(start);
  while (start < end) {
    const stop = Math.min(end, start + STRIDE_MS);
    const after = offsetAt(stop);
    if (after > before) {
      const at = firstWith(offsetAt, before, start, stop);
      const from = at + before;
      const until = Math.floor((at + after) / DAY_MS) * DAY_MS;
      if (from < until) found.push({ at, from, until });
    }
    start = stop;
    before = after;
  }
  return found;
}

/** The first instant, to the second, at which the offset is no longer `before`. */
function firstWith(offsetAt: (at: Instant) => number, before: number, start: Instant, stop: Instant): Instant {
  let early = start;
  let late = stop;
  while (late - early > 1_000) {
    const middle = early + Math.floor((late - early) / 2_000) * 1_000;
    if (offsetAt(middle) === before) early = middle;
    else late = middle;
  }
  return late;
}

function offsetsOf(timezone: string): (at: Instant) => number {
  const format = new Intl.DateTimeFormat('en-US', { timeZone: timezone, timeZoneName: 'longOffset' });
  return (at) => {
    const [, sign, hours, minutes, seconds] = /GMT([+-])(\d+):(\d+)(?::(\d+))?/.exec(format.format(at)) ?? [];
    const offsetS = Number(hours ?? 0) * 3_600 + Number(minutes ?? 0) * 60 + Number(seconds ?? 0);
    return (sign === '-' ? -offsetS : offsetS) * 1_000;
  };
}
