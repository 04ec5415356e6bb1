/**
 * Ranges: many ticks with one outcome, kept as one row. After a downtime of ten years a job each second has three hundred million missed
 * ticks; they are decided and stored as what they have in common, and listed one by one only for whoever asks, and only as far as asked.
 */
import { newestTicks } from './newest-ticks.ts';
import type { RangeRecord, TickQuery, TickRecord } from './ledger.ts';
import type { Calendar } from './ports.ts';
import { nextTick } from './reliving.ts';
import type { Instant } from './time.ts';

/** All ticks t of a job's schedules with from < t ≤ to; there may be none. */
export interface TickRange {
  readonly from: Instant;
  readonly to: Instant;
}

/**
 * The ticks of a job, those in ranges included, newest first.
 *
 * @param rows what `ticks` of the ledger answers to the query
 * @param ranges what `ranges` of the ledger answers to it
 * @param calendar gives the ticks of a range, by the schedules under which it was decided
 * @param query the query
 * @returns at most `query.limit` ticks; the cost follows from that number and not from the length of a range
 */
export function listTicks(
  rows: readonly TickRecord[],
  ranges: readonly RangeRecord[],
  calendar: Pick<Calendar, 'next'>,
  query: TickQuery,
): readonly TickRecord[] {
  const { limit } = query;
  let listed = [...rows];
  for (const range of ranges) {
    // Ranges come by their ends: what ends before the last tick that has a place has nothing to add.
    if (listed.length >= limit && range.to < (listed[limit - 1] as TickRecord).tick) break;
    listed = [...listed, ...ticksOfRange(calendar, range, query)].sort((a, b) => b.tick - a.tick).slice(0, limit);
  }
  return listed;
}

/**
 * The ticks of one range.
 *
 * @param calendar gives the ticks
 * @param range as the ledger keeps it
 * @param query `from` inclusive and `to` exclusive cut it; `limit` bounds the answer
 * @returns the newest ones, newest first
 */
export function ticksOfRange(
  calendar: Pick<Calendar, 'next'>,
  range: RangeRecord,
  query: Pick<TickQuery, 'from' | 'to' | 'limit'>,
): TickRecord[] {
  const { job, schedules, horizons = [], outcome, reason, runId, decidedAt } = range;
  const after = Math.max(range.from, (query.from ?? -Infinity) - 1);
  const until = Math.min(range.to, (query.to ?? Infinity) - 1);
  const next = (at: Instant): Instant | undefined => nextTick(calendar, schedules, job, horizons, at);
  const rest = { outcome, ...(reason === undefined ? {} : { reason }), ...(runId === undefined ? {} : { runId }), decidedAt };
  return newestTicks(next, after, until, query.limit)
    .reverse()
    .map((tick) => ({ job, tick, ...rest }));
}

/** How many ticks a range was found to hold. */
export interface RangeCount {
  readonly count: number;
  /** Where to go on: present when the range holds more than were counted. */
  readonly countedTo?: Instant | undefined;
}

/**
 * Counts the ticks of a range, a bounded number at a time.
 *
 * @param calendar gives the ticks
 * @param range with the schedules under which it was decided
 * @param most ticks to count in this call
 * @param from where an earlier call stopped; the beginning unless given
 * @returns the count of this call
 */
export function countTicks(
  calendar: Pick<Calendar, 'next'>,
  range: TickRange & Pick<RangeRecord, 'job' | 'schedules' | 'horizons'>,
  most: number,
  from: Instant = range.from,
): RangeCount {
  let count = 0;
  let counted = from;
  for (;;) {
    const tick = nextTick(calendar, range.schedules, range.job, range.horizons ?? [], counted);
    if (tick === undefined || tick > range.to) return { count };
    if (count === most) return { count, countedTo: counted };
    count++;
    counted = tick;
  }
}
