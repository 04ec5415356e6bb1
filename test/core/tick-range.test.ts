import { expect, test } from 'vitest';
import type { RangeRecord, TickQuery, TickRecord } from '../../src/core/ledger.ts';
import type { Schedule } from '../../src/core/schedule.ts';
import { countTicks, listTicks, ticksOfRange } from '../../src/core/tick-range.ts';
import { createCalendar } from '../../src/system/calendar.ts';

const calendar = createCalendar();
const schedules: readonly Schedule[] = [{ kind: 'every', everyMs: 10 }];
const YEAR = 365 * 86_400_000;

function rangeOf(from: number, to: number, own: Partial<RangeRecord> = {}): RangeRecord {
  return { job: 'a', from, to, outcome: 'missed', reason: 'window', schedules, decidedAt: 9, ...own };
}

function rowOf(tick: number): TickRecord {
  return { job: 'a', tick, outcome: 'ran', runId: `run-${tick}`, decidedAt: 9 };
}

/** What a ledger would answer, merged. */
function listOf(rows: readonly TickRecord[], ranges: readonly RangeRecord[], query: Partial<TickQuery>): readonly TickRecord[] {
  const asked = { job: 'a', limit: 10_000, ...query };
  const within = (first: number, last: number): boolean => last >= (asked.from ?? -Infinity) && first < (asked.to ?? Infinity);
  const kept = rows.filter(({ tick }) => within(tick, tick)).toSorted((a, b) => b.tick - a.tick);
  const reaching = ranges.filter(({ from, to }) => within(from + 1, to)).toSorted((a, b) => b.to - a.to);
  return listTicks(kept.slice(0, asked.limit), reaching.slice(0, asked.limit), calendar, asked);
}

test('ticks in ranges are listed between rows, newest first', () => {
  const ranges = [rangeOf(15, 35), rangeOf(35, 59, { outcome: 'folded', runId: 'run-60' })];
  const listed = listOf([rowOf(10), rowOf(60), rowOf(70)], ranges, {});
  expect(listed.map(({ tick, outcome }) => `${tick} ${outcome}`)).toEqual([
    '70 ran',
    '60 ran',
    '50 folded',
    '40 folded',
    '30 missed',
    '20 missed',
    '10 ran',
  ]);
  expect(listed[2]).toEqual({ job: 'a', tick: 50, outcome: 'folded', reason: 'window', runId: 'run-60', decidedAt: 9 });
});

test.each([
  [{ from: 20, to: 60 }, [50, 40, 30, 20]],
  [{ from: 31, to: 50 }, [40]],
  [{ to: 20 }, [10]],
  [{ limit: 3 }, [70, 60, 50]],
  [{ limit: 1, to: 50 }, [40]],
])('a query of %o cuts rows and ranges alike', (query, expected) => {
  const listed = listOf([rowOf(10), rowOf(60), rowOf(70)], [rangeOf(15, 35), rangeOf(35, 59)], query);
  expect(listed.map(({ tick }) => tick)).toEqual(expected);
});

test('many ranges are listed one after the other', () => {
  const ranges = Array.from({ length: 250 }, (_, index) => rangeOf(index * 20, index * 20 + 20));
  const listed = listOf([], ranges, {});
  expect(listed.map(({ tick }) => tick)).toEqual(Array.from({ length: 500 }, (_, index) => (500 - index) * 10));
});

test('the newest ticks of ten years are listed at once', () => {
  const seconds = rangeOf(0, 10 * YEAR, { schedules: [{ kind: 'every', everyMs: 1_000 }] });
  const ticks = ticksOfRange(calendar, seconds, { limit: 3 });
  expect(ticks.map(({ tick }) => 10 * YEAR - tick)).toEqual([0, 1_000, 2_000]);
});

test('a count goes on where it stopped', () => {
  const range = rangeOf(0, 95);
  const first = countTicks(calendar, range, 6);
  expect(first).toEqual({ count: 6, countedTo: 60 });
  expect(countTicks(calendar, range, 6, first.countedTo)).toEqual({ count: 3 });
  expect(countTicks(calendar, range, 9)).toEqual({ count: 9 });
});
