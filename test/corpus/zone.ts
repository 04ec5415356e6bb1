/** What a zone's clock showed, read from `Intl` alone. */

/** From `from` (inclusive) the clock shows UTC + `offset`, until the next segment begins. All in milliseconds. */
export interface Segment {
  readonly from: number;
  readonly offset: number;
  /** Local times before this were shown, or skipped, before the segment began (local times as if they were UTC). */
  readonly seen: number;
}

/** A zone over the years of the corpus and some before and after, so that the next tick of a rare pattern can be told. */
export interface ZoneReading {
  readonly zone: string;
  readonly segments: readonly Segment[];
}

/** The first and the last instant that are read. */
export const READ_FROM: number = Date.UTC(2019, 9, 1);
export const READ_UNTIL: number = Date.UTC(2043, 0, 1);

/** Shorter than the shortest time between two changes of one zone in these years (four weeks: Fiji). */
const STRIDE_MS = 2 * 86_400_000;

const READINGS = new Map<string, ZoneReading>();

/**
 * Reads the clock of a zone every other day, and narrows each change down to its second. A zone is read once.
 *
 * @param zone IANA name
 * @returns its segments, ascending
 */
export function readZone(zone: string): ZoneReading {
  const known = READINGS.get(zone) ?? readSegments(zone);
  READINGS.set(zone, known);
  return known;
}

function readSegments(zone: string): ZoneReading {
  const offsetAt = offsetsIn(zone);
  const segments: Segment[] = [{ from: READ_FROM, offset: offsetAt(READ_FROM), seen: -Infinity }];
  let offset = offsetAt(READ_FROM);
  for (let at = READ_FROM; at < READ_UNTIL; at += STRIDE_MS) {
    const later = offsetAt(at + STRIDE_MS);
    if (later === offset) continue;
    const from = firstOther(offsetAt, offset, at, at + STRIDE_MS);
    segments.push({ from, offset: later, seen: Math.max(segments.at(-1)?.seen ?? -Infinity, from + offset) });
    offset = later;
  }
  return { zone, segments };
}

/** What the wall clock of a zone shows, as if it were UTC. */
export function createWallClock(zone: string): (at: number) => number {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  });
  // "03/29/2026, 01:59:59"
  return (at) => {
    const text = format.format(at);
    const number = (from: number, to: number): number => Number(text.slice(from, to));
    return Date.UTC(number(6, 10), number(0, 2) - 1, number(3, 5), number(12, 14), number(15, 17), number(18, 20));
  };
}

function offsetsIn(zone: string): (at: number) => number {
  const wallClock = createWallClock(zone);
  return (at) => wallClock(at) - at;
}

function firstOther(offsetAt: (at: number) => number, offset: number, early: number, late: number): number {
  let [low, high] = [early, late];
  while (high - low > 1_000) {
    const middle = Math.floor((low + high) / 2_000) * 1_000;
    if (offsetAt(middle) === offset) low = middle;
    else high = middle;
  }
  return high;
}
