/** Zones: their names, and how their clocks step. */
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

/** A change of a zone's clock. Offsets are milliseconds ahead of UTC; local times are written as if they were UTC. */
export interface Step {
  /** The first instant after the step. */
  readonly at: Instant;
  readonly before: number;
  readonly after: number;
}

/** How the clocks of zones go. */
export interface ZoneClocks {
  /** @returns what the zone's clock is ahead of UTC */
  offsetAt(timezone: string, at: Instant): number;
  /** @returns the zone's first step after `after` and not after `until`; `undefined` when there is none */
  stepBetween(timezone: string, after: Instant, until: Instant): Step | undefined;
}

const DAY_MS = 86_400_000;
/** No zone has changed its clock twice in less than a week since 1970 (exactly a week: the north of Brazil in 2000). */
const STRIDE_MS = 7 * DAY_MS;
/** Zones are read in stretches of a year of weeks: 53 readings of 4 µs, kept. */
const STRETCH_MS = 52 * STRIDE_MS;
/** A stretch is about 300 bytes. */
const STRETCHES_KEPT = 4_096;

interface Stretch {
  /** At its beginning. */
  readonly offset: number;
  readonly steps: readonly Step[];
}

/**
 * Reads zones by `Intl`, a year at a time, and keeps what it read.
 *
 * @returns the clocks of all zones; names have to be sound, see {@link zoneFault}
 */
export function createZoneClocks(): ZoneClocks {
  const zones = new Map<string, Zone>();
  let kept = 0;
  const stretchOf = (timezone: string, index: number): Stretch => {
    const known = zones.get(timezone)?.stretches.get(index);
    if (known !== undefined) return known;
    if (kept >= STRETCHES_KEPT) {
      zones.clear();
      kept = 0;
    }
    const zone = zones.get(timezone) ?? { offsetAt: offsetsOf(timezone), stretches: new Map<number, Stretch>() };
    zones.set(timezone, zone);
    const stretch = readStretch(zone.offsetAt, index * STRETCH_MS);
    zone.stretches.set(index, stretch);
    kept++;
    return stretch;
  };
  return {
    offsetAt(timezone, at) {
      const { offset, steps } = stretchOf(timezone, Math.floor(at / STRETCH_MS));
      return steps.findLast((step) => step.at <= at)?.after ?? offset;
    },
    stepBetween(timezone, after, until) {
      // The step at the beginning of a stretch belongs to the one before.
      for (let index = Math.floor(after / STRETCH_MS); index * STRETCH_MS < until; index++) {
        const step = stretchOf(timezone, index).steps.find(({ at }) => at > after);
        if (step !== undefined) return step.at <= until ? step : undefined;
      }
      return undefined;
    },
  };
}

interface Zone {
  readonly offsetAt: (at: Instant) => number;
  readonly stretches: Map<number, Stretch>;
}

function readStretch(offsetAt: (at: Instant) => number, from: Instant): Stretch {
  const steps: Step[] = [];
  const offset = offsetAt(from);
  let before = offset;
  for (let start = from; start < from + STRETCH_MS; start += STRIDE_MS) {
    const after = offsetAt(start + STRIDE_MS);
    if (after !== before) steps.push({ at: firstWithout(offsetAt, before, start, start + STRIDE_MS), before, after });
    before = after;
  }
  return { offset, steps };
}

/** The first instant, to the second, at which the offset is no longer `before`. */
function firstWithout(offsetAt: (at: Instant) => number, before: number, start: Instant, stop: Instant): Instant {
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
