import { expect, test } from 'vitest';
import { overdueAt } from '../../src/core/overdue.ts';
import { createCalendar } from '../../src/system/calendar.ts';

const calendar = createCalendar();
const START = 1_767_225_600_000;
const MINUTE = 60_000;
const minutely = { name: 'report', schedules: [{ kind: 'every', everyMs: MINUTE }] } as const;

test('a job is overdue when the run of the second tick after its last good end has had its budget and grace', () => {
  expect(overdueAt({ ...minutely, budgetMs: 20_000, graceMs: 1_000 }, START + 10, START, calendar)).toBe(
    START + 2 * MINUTE + 21_000,
  );
});

test('budget and grace that the job leaves open follow from its ticks', () => {
  expect(overdueAt(minutely, START + 10, START, calendar)).toBe(START + 2 * MINUTE + 59_000);
});

test('ticks while nobody was there to run them count as if they fell due when somebody came', () => {
  const attendedSince = START + 60 * MINUTE;
  expect(overdueAt({ ...minutely, budgetMs: 20_000, graceMs: 1_000 }, START, attendedSince, calendar)).toBe(
    attendedSince + 21_000,
  );
});

test('a job without a schedule, or with one tick to come, is never overdue', () => {
  expect(overdueAt({ name: 'report', schedules: [] }, START, START, calendar)).toBeUndefined();
  expect(overdueAt({ name: 'report', schedules: [{ kind: 'at', at: START + 1 }] }, START, START, calendar)).toBeUndefined();
});
