/**
 * Ranges: many ticks with one outcome, kept as one row. After a downtime of ten years a job each second has three hundred million missed
 * ticks; they are decided and stored as what they have in common, and listed one by one only for whoever asks, and only as far as asked.
 */
import type { JobName } from './job.ts';
import { newestTicks } from './newest-ticks.ts';
import type { Calendar, RangeRecord, TickQuery, TickRecord } from './ports.ts';
import type { Instant } from './time.ts';

/** All ticks t of a job's schedule with from < t ≤ to; there may be none. */
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
  const listed: TickRecord[] = [];
  let row = 0;
  for (const range of ranges) {
    while (row < rows.length && (rows[row] as TickRecord).tick > range.to) listed.push(rows[row++] as TickRecord);
    if (listed.length >= query.limit) break;
    for (const tick of ticksOfRange(calendar, range, { ...query, limit: query.limit - listed.length })) listed.push(tick);
  }
  return [...listed, ...rows.slice(row)].slice(0, query.limit);
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
  const { job, schedules, outcome, reason, runId, decidedAt } = range;
  const after = Math.max(range.from, (query.from ?? -Infinity) - 1);
  const until = Math.min(range.to, (query.to ?? Infinity) - 1);
  const next = (at: Instant): Instant | undefined => calendar.next(schedules, job, at);
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
  range: TickRange & Pick<RangeRecord, 'schedules'> & { readonly job: JobName },
  most: number,
  from: Instant = range.from,
): RangeCount {
  let count = 0;
  let counted = from;
  for (;;) {
    const tick = calendar.next(range.schedules, range.job, counted);
    if (tick === undefined || tick > range.to) return { count };
    if (count === most) return { count, countedTo: counted };
    count++;
    counted = tick;
  }
}
