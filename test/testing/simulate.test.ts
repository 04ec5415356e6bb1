import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Schedule } from '../../src/core/schedule.ts';
import { createCalendar } from '../../src/system/calendar.ts';
import { nextTickAfter } from '../../src/testing/enumeration.ts';
import { createRandom } from '../../src/testing/random.ts';
import { simulate } from '../../src/testing/simulate.ts';

const calendar = createCalendar();
const FROM = 1_767_225_600_000;

const pattern = fc
  .tuple(fc.option(fc.nat(59)), fc.constantFrom('*', '*/7', '0', '15,45'), fc.constantFrom('*', '*/5', '3', '8,20'))
  .map(([second, minute, hour]) => (second === null ? `${minute} ${hour} * * *` : `${second} ${minute} ${hour} * * *`));
const schedule: fc.Arbitrary<Schedule> = fc.oneof(
  fc.record({ kind: fc.constant('every' as const), everyMs: fc.integer({ min: 1_000, max: 10_000_000 }) }),
  fc.record({ kind: fc.constant('at' as const), at: fc.integer({ min: FROM, max: FROM + 86_400_000 }) }),
  pattern.map((text) => ({ kind: 'cron' as const, pattern: text, timezone: 'UTC' })),
);

test('the plain enumeration and the calendar agree on every tick', () => {
  fc.assert(
    fc.property(fc.array(schedule, { minLength: 1, maxLength: 3 }), fc.nat(86_400_000), (schedules, offset) => {
      let after = FROM + offset;
      for (let count = 0; count < 5; count++) {
        const tick = calendar.next(schedules, 'a', after) ?? Infinity;
        expect(nextTickAfter(schedules, after)).toBe(tick);
        if (tick === Infinity) return;
        after = tick;
      }
    }),
  );
});

test('a seed gives the same numbers each time, and another seed others', () => {
  const numbers = (seed: number): number[] => {
    const random = createRandom(seed);
    return Array.from({ length: 20 }, () => random.next());
  };
  expect(numbers(7)).toEqual(numbers(7));
  expect(numbers(7)).not.toEqual(numbers(8));
  expect(numbers(7).every((number) => number >= 0 && number < 1)).toBe(true);
});

test('whole numbers come from the whole range, and from nowhere else', () => {
  const random = createRandom(1);
  const seen = new Set(Array.from({ length: 1_000 }, () => random.int(3, 6)));
  expect([...seen].toSorted((a, b) => a - b)).toEqual([3, 4, 5, 6]);
});

test('a simulation takes the same course each time', async () => {
  const [first, second] = [await simulate({ seed: 42, hours: 20, calendar }), await simulate({ seed: 42, hours: 20, calendar })];
  expect(first).toMatchObject({ violation: undefined });
  expect([second.runs, second.ticks]).toEqual([first.runs, first.ticks]);
  expect(first.runs).toBeGreaterThan(10);
});

test('a calendar that forgets a tick is caught', async () => {
  let asked = 0;
  const forgetful = {
    ...calendar,
    next: (...[schedules, job, after]: Parameters<typeof calendar.next>) => {
      const tick = calendar.next(schedules, job, after);
      return ++asked % 50 === 0 && tick !== undefined ? calendar.next(schedules, job, tick) : tick;
    },
  };
  const { violation } = await simulate({ seed: 1, hours: 50, calendar: forgetful });
  expect(['accounted', 'no stall']).toContain(violation?.promise);
});
