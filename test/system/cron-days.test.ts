import { Cron } from 'croner';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createCalendar } from '../../src/system/calendar.ts';
import { daysOf } from '../../src/system/cron-days.ts';
import { compileFields } from '../../src/system/cron-pattern.ts';

const DAY = 86_400_000;
const NEW_YEAR = Date.UTC(2026, 0, 1);

const number = (min: number, max: number): fc.Arbitrary<string> => fc.integer({ min, max }).map(String);
const numbers = (min: number, max: number): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 2, arbitrary: fc.constant('*') },
    number(min, max),
    fc.array(number(min, max), { minLength: 1, maxLength: 3 }).map((values) => values.join(',')),
    fc.integer({ min: 2, max: 7 }).map((step) => `*/${step}`),
  );
const date = fc.oneof(numbers(1, 31), fc.constantFrom('L', 'LW', 'L,15', '15W', '1W', '31W', '30W,2', '29,L', '?'));
const month = fc.oneof(numbers(1, 12), fc.constantFrom('JAN', 'feb', '2,4,6'));
const weekday = fc.oneof(
  numbers(0, 7),
  fc.constantFrom('MON', '1#1', '5L', 'FRI#5', '+1', '+5', '+1#4', 'mon-fri', '+SUN,3#2', '?'),
);
const year = fc.constantFrom('*', '*', '*', '2026-2028', '2030', '*/4');

describe('the days of a pattern', () => {
  test("are croner's, day by day", () => {
    fc.assert(
      fc.property(
        date,
        month,
        weekday,
        year,
        fc.integer({ min: -4_000, max: 12_000 }),
        (...[dates, months, weekdays, years, offset]) => {
          const pattern = `0 0 0 ${dates} ${months} ${weekdays} ${years}`;
          const cron = new Cron(pattern, { paused: true, utcOffset: 0 });
          const from = NEW_YEAR / DAY + offset;
          const found = [...daysOf(compileFields(pattern), from, 1)].filter((day) => day < from + 400);
          const expected: number[] = [];
          for (let day = from; day < from + 400; day++) if (cron.match(new Date(day * DAY))) expected.push(day);
          const lastYear = new Date(from * DAY).getUTCFullYear() + 1;
          expect(found).toEqual(expected.filter((day) => new Date(day * DAY).getUTCFullYear() <= lastYear));
        },
      ),
      { numRuns: 300 },
    );
  });

  test('lead the calendar to the tick that croner finds by itself', () => {
    const zone = fc.constantFrom(
      'UTC',
      'Europe/Berlin',
      'America/New_York',
      'Australia/Lord_Howe',
      'Asia/Kathmandu',
      'Pacific/Kiritimati',
      'Pacific/Pago_Pago',
    );
    const time = fc.constantFrom('0 0', '59 23', '*/20 *', '30 2', '0 */6');
    fc.assert(
      fc.property(
        time,
        date,
        month,
        weekday,
        zone,
        fc.integer({ min: 0, max: 400 * DAY }),
        (clock, dates, months, weekdays, timezone, offset) => {
          const pattern = `${clock} ${dates} ${months} ${weekdays}`;
          const after = NEW_YEAR + offset;
          const alone = new Cron(pattern, { paused: true, timezone, fixedTimeRule: 'no-wildcard' })
            .nextRun(new Date(after))
            ?.getTime();
          // What croner finds beyond a hundred years is none for the calendar.
          fc.pre(alone === undefined || alone < after + 99 * 365 * DAY);
          expect(createCalendar().next([{ kind: 'cron', pattern, timezone }], 'job', after)).toBe(alone);
        },
      ),
      { numRuns: 150 },
    );
  });

  test.each(['0 0 1W * +1#5', '0 0 30 2 +1', '*/5 2 29 2 +7#1', '*/5 * 31 4,6,9,11 *', '0 0 0 30 2 * 2024-9999'])(
    'are known not to come within a moment: %s',
    (pattern) => {
      const before = performance.now();
      expect(createCalendar().fault({ kind: 'cron', pattern, timezone: 'Europe/Berlin' })).toBe(`"${pattern}" never falls due`);
      // Croner alone needs up to five seconds; a few milliseconds are usual here.
      expect(performance.now() - before).toBeLessThan(500);
    },
  );
});
