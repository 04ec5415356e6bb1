/**
 * When a pattern falls due in a zone, by DESIGN section 6 and from first principles. Nothing is shared with `src/` or with croner.
 *
 * A pattern with a wildcard in its time of day follows elapsed time: it is due whenever the wall clock shows a time that matches;
 * in a repeated hour twice, in a skipped hour never. A fixed time is due when the wall clock reaches it or jumps past it for the
 * first time: once in a repeated hour, and after a gap at the first instant that exists.
 */
import type { Pattern } from './pattern.ts';
import { READ_UNTIL, type Segment, type ZoneReading } from './zone.ts';

const DAY_MS = 86_400_000;

/**
 * All ticks after `after` and before `until`.
 *
 * @param pattern what falls due
 * @param reading the zone's clock
 * @param after exclusive
 * @param until exclusive
 * @returns ticks, ascending
 */
export function ticksBetween(pattern: Pattern, reading: ZoneReading, after: number, until: number): number[] {
  const ticks: number[] = [];
  for (const tick of ticksAfter(pattern, reading, after)) {
    if (tick >= until) break;
    ticks.push(tick);
  }
  return ticks;
}

/**
 * The first tick after an instant.
 *
 * @param pattern what falls due
 * @param reading the zone's clock
 * @param after exclusive
 * @returns the tick; `undefined` if there is none while the zone is known
 */
export function tickAfter(pattern: Pattern, reading: ZoneReading, after: number): number | undefined {
  for (const tick of ticksAfter(pattern, reading, after)) return tick;
  return undefined;
}

function* ticksAfter(pattern: Pattern, reading: ZoneReading, after: number): Generator<number, undefined> {
  const { segments } = reading;
  for (const [index, segment] of segments.entries()) {
    const end = segments[index + 1]?.from ?? READ_UNTIL;
    if (end <= after) continue;
    const start = segment.from + segment.offset;
    const isOpening = pattern.fixed && segment.from > after && hasTimeBetween(pattern, segment.seen, start);
    if (isOpening) yield segment.from;
    for (const local of timesFrom(pattern, firstLocal(pattern, segment, after), end + segment.offset)) {
      const tick = local - segment.offset;
      if (tick > after && !(isOpening && tick === segment.from)) yield tick;
    }
  }
  return undefined;
}

/** Where to begin to look in a segment, as local time. */
function firstLocal(pattern: Pattern, segment: Segment, after: number): number {
  const local = Math.max(segment.from, after) + segment.offset;
  return pattern.fixed ? Math.max(local, segment.seen) : local;
}

function hasTimeBetween(pattern: Pattern, from: number, until: number): boolean {
  if (from >= until) return false;
  return timesFrom(pattern, from, until).next().done !== true;
}

/** Local times that match, from `from` on and before `until`. */
function* timesFrom(pattern: Pattern, from: number, until: number): Generator<number, undefined> {
  const { times } = pattern;
  const firstDay = Math.floor(from / DAY_MS);
  for (let day = firstDay; day * DAY_MS < until; day++) {
    if (!pattern.isDue(day)) continue;
    let index = day === firstDay ? firstIndex(times, (from - day * DAY_MS) / 1_000) : 0;
    for (; index < times.length; index++) {
      const local = day * DAY_MS + (times[index] ?? 0) * 1_000;
      if (local >= until) return undefined;
      yield local;
    }
  }
  return undefined;
}

/** The index of the first time that is not before `second`. */
function firstIndex(times: readonly number[], second: number): number {
  let [low, high] = [0, times.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times[middle] ?? 0) < second) low = middle + 1;
    else high = middle;
  }
  return low;
}
