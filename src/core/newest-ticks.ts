/**
 * The last ticks before an instant, from a calendar that only knows the way forward. `next` never falls as its argument grows, so the
 * newest tick is found by halving the time in which it lies: some forty questions for ten years, however many ticks these hold.
 */
import type { Instant } from './time.ts';

/** The first tick after an instant. It must be the same set of ticks each time. */
export type NextTick = (after: Instant) => Instant | undefined;

/**
 * Finds the newest ticks of a stretch of time without walking through it.
 *
 * @param next the ticks
 * @param after exclusive
 * @param until inclusive
 * @param count how many are wanted
 * @returns ascending; fewer than `count` when the stretch holds no more. About three questions for each tick of an even schedule
 */
export function newestTicks(next: NextTick, after: Instant, until: Instant, count: number): Instant[] {
  const ticks: Instant[] = [];
  let end = until;
  let stride = 1;
  while (ticks.length < count) {
    const tick = newestTick(next, after, end, stride);
    if (tick === undefined) break;
    // Neighbours lie about as far apart as these two.
    stride = Math.max(1, (ticks.at(-1) ?? until) - tick);
    ticks.push(tick);
    end = tick - 1;
  }
  return ticks.reverse();
}

/** Goes back in strides that double until there is a tick, then halves what is left. */
function newestTick(next: NextTick, after: Instant, end: Instant, stride: number): Instant | undefined {
  let high = end;
  let low = high;
  let found: Instant | undefined;
  for (let step = stride; found === undefined; step *= 2) {
    if (low <= after) return undefined;
    low = Math.max(after, end - step);
    const tick = next(low);
    if (tick !== undefined && tick <= end) found = tick;
    else high = low;
  }
  // `found` is a tick; there is none in high + 1 … end.
  for (;;) {
    const later = next(found);
    if (later === undefined || later > end) return found;
    found = later;
    const middle = Math.floor((found + high) / 2);
    if (middle <= found) continue;
    const tick = next(middle);
    if (tick !== undefined && tick <= end) found = tick;
    else high = middle;
  }
}
