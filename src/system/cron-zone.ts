/**
 * From the local times of a pattern to instants, where clocks are put forward and back (DESIGN section 6).
 *
 * Croner reads patterns in UTC, as if no clock ever changed, and here its answers meet the zone. That is five to nine times faster
 * than croner's own zones (it formats dates at each step of its search), and right where those are not: a fixed time that a gap
 * swallows across midnight. `npm run corpus` holds it against an oracle; docs/dst.md has the figures.
 *
 * Between two steps of a clock, local time is the instant plus an offset. At a step, two things can happen:
 * - A gap. A fixed time inside it falls due at the step; what has a wildcard does not fall due there at all.
 * - Local times come again. What has a wildcard falls due again; a fixed time does not, for it had its turn.
 */
import type { Instant } from '../core/time.ts';
import type { ZoneClocks } from './time-zone.ts';

/** Farther than this from a step, it has no influence: more than a day skipped or repeated, and the offset from UTC. */
const REACH_MS = 3 * 86_400_000;
/** Steps looked at for one answer. A wildcard time whose only days are those of gaps never comes; this is a hundred years of them. */
const MOVES_LIMIT = 400;

/** The first local time of a pattern after another, both as if they were UTC; `Infinity` when there is none. */
export type NextLocal = (after: number) => number;

/**
 * The first tick of a pattern in a zone.
 *
 * @param nextLocal the pattern's local times
 * @param clocks how the zone's clock goes
 * @param timezone IANA name
 * @param fixed whether its time of day has no wildcard
 * @param after exclusive
 * @returns the first tick after `after`, however far away; `Infinity` when there is none
 */
export function firstTick(nextLocal: NextLocal, clocks: ZoneClocks, timezone: string, fixed: boolean, after: Instant): number {
  let at = after;
  let offset = clocks.offsetAt(timezone, at);
  // No local time in lower … local is a match that is still to come.
  let lower = at + offset;
  if (fixed) lower = Math.max(lower, shownBefore(clocks, timezone, at) - 1);
  let local = nextLocal(lower);
  for (let moves = 0; moves < MOVES_LIMIT; moves++) {
    const step = clocks.stepBetween(timezone, at, at + REACH_MS);
    if (step === undefined) {
      if (local - offset <= at + REACH_MS || local === Infinity) return local - offset;
      at = Math.max(at + REACH_MS, local - REACH_MS);
      offset = clocks.offsetAt(timezone, at);
      continue;
    }
    if (local - offset < step.at) return local - offset;
    if (fixed && local < step.at + step.after) return step.at;
    const shown = step.at + step.after - 1;
    const next = fixed ? Math.max(lower, step.at + step.before - 1, shown) : shown;
    if (next < lower || next >= local) local = nextLocal(next);
    at = step.at;
    offset = step.after;
    lower = next;
  }
  return Infinity;
}

/** The end of the local times that the clock showed already, before it was put back; `-Infinity` if it was not lately. */
function shownBefore(clocks: ZoneClocks, timezone: string, at: Instant): number {
  let end = -Infinity;
  let step = clocks.stepBetween(timezone, at - REACH_MS, at);
  while (step !== undefined) {
    end = Math.max(end, step.at + step.before);
    step = clocks.stepBetween(timezone, step.at, at);
  }
  return end;
}
