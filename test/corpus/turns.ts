/** The moments that the corpus looks at: every change of a zone's clock from 2020 to 2037. */
import type { ZoneReading } from './zone.ts';

/** A change of a clock; or, for a zone without any, a moment at which nothing happens. */
export interface Turn {
  readonly zone: string;
  /** The first instant after the change. */
  readonly at: number;
  /** Local times, as if they were UTC, that are skipped or repeated: from … until. An hour of them if nothing happens. */
  readonly localFrom: number;
  readonly localUntil: number;
  readonly kind: 'gap' | 'overlap' | 'still';
}

const HOUR_MS = 3_600_000;
export const FIRST: number = Date.UTC(2020, 0, 1);
export const END: number = Date.UTC(2038, 0, 1);

/** Leap days, and the turn of a year, for zones whose clock never changes. */
const STILL = Date.UTC(2028, 1, 29, 2);

/**
 * Lists the changes of a zone's clock.
 *
 * @param reading the zone's clock
 * @returns its changes from 2020 to 2037, ascending; one still moment if there are none
 */
export function turnsOf({ zone, segments }: ZoneReading): Turn[] {
  const turns: Turn[] = [];
  for (const [index, segment] of segments.entries()) {
    const before = segments[index - 1];
    if (before === undefined || segment.from < FIRST || segment.from >= END) continue;
    const [old, fresh] = [segment.from + before.offset, segment.from + segment.offset];
    const kind = fresh > old ? 'gap' : 'overlap';
    turns.push({ zone, at: segment.from, localFrom: Math.min(old, fresh), localUntil: Math.max(old, fresh), kind });
  }
  if (turns.length > 0) return turns;
  const at = STILL - (segments[0]?.offset ?? 0);
  return [{ zone, at, localFrom: STILL, localUntil: STILL + HOUR_MS, kind: 'still' }];
}
