/** One pattern at one change of a clock: what a calendar says is compared with the oracle. */
import { tickAfter, ticksBetween } from './oracle.ts';
import type { Pattern } from './pattern.ts';
import type { Turn } from './turns.ts';
import type { ZoneReading } from './zone.ts';

/** The first tick after an instant; `undefined` or too far away for the oracle if there is none. */
export type Ask = (pattern: string, zone: string, after: number) => number | undefined;

/** A question that was answered differently. */
export interface Difference {
  readonly turn: Turn;
  readonly pattern: string;
  readonly after: number;
  readonly expected: number | undefined;
  readonly found: number | undefined;
}

/** What one trial came to. */
export interface Trial {
  readonly questions: number;
  readonly difference: Difference | undefined;
}

const HOUR_MS = 3_600_000;
const REACH_MS = 36 * HOUR_MS;
/** Around a change: patterns with more times a day than this are looked at in a narrower window. */
const DENSE = 3_000;
const DENSE_REACH_MS = 3 * HOUR_MS;
/** Up to as many ticks are all asked for; of more, those next to the ends of the changed time. */
const WHOLE = 16;
const NEIGHBOURS = 3;

/**
 * Asks for every tick from 36 hours before a change to 36 hours after it, one after another, and then, of a calendar that has not
 * been asked yet, at instants that are no ticks. If a pattern has more than 16 ticks in that time, only those next to the beginning and the
 * end of the time that is skipped or repeated are asked for, unless `whole`.
 *
 * @param ask the calendar on trial
 * @param askAside another one, which knows nothing of the questions to the first
 * @param turn the change
 * @param pattern as the oracle reads it
 * @param reading the zone of the change
 * @param whole whether to ask for every tick, however many they are
 * @returns the number of questions, and the first difference
 */
export function tryPattern(ask: Ask, askAside: Ask, turn: Turn, pattern: Pattern, reading: ZoneReading, whole: boolean): Trial {
  const reach = pattern.times.length > DENSE ? DENSE_REACH_MS : REACH_MS;
  const ticks = ticksBetween(pattern, reading, turn.at - reach, turn.at + reach);
  let questions = 0;
  const compare = (asked: Ask, after: number, expected: number | undefined): Difference | undefined => {
    questions++;
    const found = asked(pattern.text, turn.zone, after);
    const isSame = expected === undefined ? found === undefined || found >= LAST_SURE : found === expected;
    return isSame ? undefined : { turn, pattern: pattern.text, after, expected, found };
  };
  let difference: Difference | undefined;
  for (const index of whole || ticks.length <= WHOLE ? ticks.keys() : nearby(ticks, turn)) {
    difference ??= compare(ask, ticks[index - 1] ?? turn.at - reach, ticks[index]);
  }
  const last = ticks.at(-1) ?? turn.at - reach;
  difference ??= compare(ask, last, tickAfter(pattern, reading, last));
  const half = Math.floor((turn.localUntil - turn.localFrom) / 2_000) * 1_000;
  for (const after of [turn.at + half + 1, turn.at, turn.at - half - 1]) {
    difference ??= compare(askAside, after, ticks.find((tick) => tick > after) ?? tickAfter(pattern, reading, after));
  }
  return { questions, difference };
}

/** The oracle knows of no tick before this. */
const LAST_SURE = Date.UTC(2042, 11, 1);

/** Ticks next to the change, and next to where its skipped or repeated time begins and ends. */
function nearby(ticks: readonly number[], turn: Turn): Set<number> {
  const length = turn.localUntil - turn.localFrom;
  const found = new Set<number>();
  for (const place of [turn.at - length, turn.at, turn.at + length]) {
    const middle = ticks.findIndex((tick) => tick >= place);
    const from = Math.max(0, (middle === -1 ? ticks.length : middle) - NEIGHBOURS);
    for (let index = from; index < Math.min(ticks.length, from + 2 * NEIGHBOURS); index++) found.add(index);
  }
  return found;
}
