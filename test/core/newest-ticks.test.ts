import fc from 'fast-check';
import { expect, test } from 'vitest';
import { newestTicks } from '../../src/core/newest-ticks.ts';
import type { Schedule } from '../../src/core/schedule.ts';
import { createCalendar } from '../../src/system/calendar.ts';

const HOUR = 3_600_000;
/** Days around changes of the clock, a leap day, a plain one. */
const DAYS = ['2026-03-28', '2026-03-29', '2026-10-24', '2026-10-25', '2028-02-28', '2026-07-04'].map((day) => Date.parse(day));
const ZONES = ['UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kolkata'];
const PATTERNS = [
  '*/5 * * * *',
  '30 2 * * *',
  '*/20 * * * * *',
  '0 */3 * * *',
  '15,45 1,2,3 * * *',
  '0 0 1 * *',
  '7 * * * 0',
  '* * * 28-29 2 *',
];

const schedule: fc.Arbitrary<Schedule> = fc
  .record({
    base: fc.oneof(
      fc.record({
        kind: fc.constant('cron' as const),
        pattern: fc.constantFrom(...PATTERNS),
        timezone: fc.constantFrom(...ZONES),
      }),
      fc.record({ kind: fc.constant('every' as const), everyMs: fc.integer({ min: 900, max: 5 * HOUR }) }),
      fc.record({ kind: fc.constant('at' as const), at: fc.constantFrom(...DAYS).map((day) => day + 5 * HOUR) }),
    ),
    jitterMs: fc.constantFrom(undefined, undefined, 30_000, 600_000),
  })
  .map(({ base, jitterMs }) => (jitterMs === undefined ? base : { ...base, jitterMs }));

test('are those that plain enumeration finds, on any schedules, over changes of the clock and with jitter', () => {
  const calendar = createCalendar();
  const asked = fc.record({
    schedules: fc.array(schedule, { minLength: 1, maxLength: 3 }),
    day: fc.constantFrom(...DAYS),
    startMs: fc.integer({ min: 0, max: 30 * HOUR }),
    lengthMs: fc.integer({ min: 0, max: 30 * HOUR }),
    count: fc.integer({ min: 1, max: 40 }),
  });
  fc.assert(
    fc.property(asked, ({ schedules, day, startMs, lengthMs, count }) => {
      const next = (after: number): number | undefined => calendar.next(schedules, 'job', after);
      const [after, until] = [day + startMs, day + startMs + lengthMs];
      const all: number[] = [];
      for (let tick = next(after); tick !== undefined && tick <= until && all.length < 5_000; tick = next(tick)) all.push(tick);
      fc.pre(all.length < 5_000);
      expect(newestTicks(next, after, until, count)).toEqual(all.slice(-count));
    }),
    { numRuns: 150 },
  );
});

test.each([
  ['a job each second', { kind: 'every', everyMs: 1_000 }, 1, 60],
  ['a hundred ticks of it', { kind: 'every', everyMs: 1_000 }, 100, 320],
  ['a burst of a day in each year', { kind: 'cron', pattern: '* * * 1 1 *', timezone: 'Europe/Berlin' }, 100, 320],
  ['one tick in ten years', { kind: 'at', at: Date.UTC(2017, 5, 1) }, 5, 150],
] as const)('take few questions about ten years of %s', (_, of, count, most) => {
  const calendar = createCalendar();
  let questions = 0;
  const next = (after: number): number | undefined => {
    questions++;
    return calendar.next([of], 'job', after);
  };
  const until = Date.UTC(2026, 6, 1) + 1;
  expect(newestTicks(next, Date.UTC(2016, 6, 1), until, count).length).toBeGreaterThan(0);
  expect(questions).toBeLessThan(most);
});
