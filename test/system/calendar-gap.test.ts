import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Schedule } from '../../src/core/schedule.ts';
import { createCalendar } from '../../src/system/calendar.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const NEW_YEAR = Date.UTC(2026, 0, 1);

function cron(pattern: string, timezone = 'UTC'): Schedule {
  return { kind: 'cron', pattern, timezone };
}

function gapOf(...schedules: Schedule[]): number | undefined {
  return createCalendar().shortestGap(schedules, NEW_YEAR);
}

describe('the shortest gap of one schedule', () => {
  test.each([
    ['* * * * *', MINUTE],
    ['* * * * * *', SECOND],
    ['*/7 * * * * *', 4 * SECOND],
    ['*/45 * * * *', 15 * MINUTE],
    ['0 9,17 * * 1-5', 8 * HOUR],
    ['0 9,17 * * *', 8 * HOUR],
    ['59 23,0 * * *', HOUR],
    ['0 0,23 * * *', HOUR],
    ['0 0,23 * * 1', 23 * HOUR],
    ['30 23,1 * * 1,3', 22 * HOUR],
    ['0 12 * * 1,4', 3 * DAY],
    ['0 0 1 * *', 28 * DAY],
    ['0 0 31 * *', 31 * DAY],
    ['0 0 L * *', 28 * DAY],
    ['0 0 1,31 * *', DAY],
    ['0 0 13 * +5', 28 * DAY],
    ['0 0 29 2 *', 1_461 * DAY],
    ['0 0 * * 1#1', 28 * DAY],
    ['@hourly', HOUR],
    ['@Weekly', 7 * DAY],
    ['@yearly', 365 * DAY],
    ['0 0 0 1 1 * 2027-2028', 365 * DAY],
    ['0 0 0 1 1 * 2027,2030', 1_096 * DAY],
  ])('of %s is %d ms', (pattern, expected) => {
    expect(gapOf(cron(pattern, 'Europe/Berlin'))).toBe(expected);
  });

  test('is the smallest distance that its ticks of a month show, for any time of day', () => {
    const field = (max: number): fc.Arbitrary<string> =>
      fc.uniqueArray(fc.integer({ min: 0, max }), { minLength: 1, maxLength: 4 }).map((values) => values.join(','));
    const weekday = fc.oneof(fc.constant('*'), field(6));
    fc.assert(
      fc.property(field(59), field(59), field(23), weekday, (second, minute, hour, day) => {
        const schedule = cron(`${second} ${minute} ${hour} * * ${day}`);
        const calendar = createCalendar();
        let tick = calendar.next([schedule], 'job', NEW_YEAR) ?? 0;
        let least = Infinity;
        const until = tick + 8 * DAY;
        while (tick < until) {
          const next = calendar.next([schedule], 'job', tick) ?? Infinity;
          least = Math.min(least, next - tick);
          tick = next;
        }
        expect(calendar.shortestGap([schedule], NEW_YEAR)).toBe(least);
      }),
      { numRuns: 40 },
    );
  });

  test('is the interval of every, and leaves jitter out', () => {
    expect(gapOf({ kind: 'every', everyMs: 90_000, jitterMs: 80_000 })).toBe(90_000);
  });

  test.each<[string, Schedule]>([
    ['one instant', { kind: 'at', at: NEW_YEAR + 1 }],
    ['a year with one tick', cron('0 0 0 1 1 * 2027')],
    ['a date that never comes', cron('0 0 30 2 *')],
    ['a window with one tick', { kind: 'every', everyMs: HOUR, startAt: NEW_YEAR + 1, stopAt: NEW_YEAR + HOUR + 1 }],
  ])('is none for %s', (_, schedule) => {
    expect(gapOf(schedule)).toBeUndefined();
  });

  test('is measured within the window', () => {
    const window = { startAt: NEW_YEAR + 8 * HOUR, stopAt: NEW_YEAR + DAY + 10 * HOUR };
    expect(gapOf({ kind: 'cron', pattern: '0 9,17 * * *', timezone: 'UTC', ...window })).toBe(8 * HOUR);
    expect(gapOf({ kind: 'cron', pattern: '0 9,17 * * *', timezone: 'UTC', ...window, startAt: NEW_YEAR + 10 * HOUR })).toBe(
      16 * HOUR,
    );
  });
});

describe('the shortest gap of several schedules', () => {
  test.each([
    ['ten minutes apart each day', ['0 5 * * *', '10 5 * * *'], 10 * MINUTE],
    ['a rare one beside a frequent one', ['* * * * *', '30 0 5 * * *'], 30 * SECOND],
    ['a rare one shortly after a tick of a frequent one', ['* * * * *', '20 0 5 * * *'], 20 * SECOND],
    ['a rare one shortly before the next of a frequent one', ['* * * * *', '45 0 5 * * *'], 15 * SECOND],
    ['a monthly one before a daily one', ['0 12 * * *', '55 11 1 * *'], 5 * MINUTE],
    ['a monthly one after a daily one', ['0 12 * * *', '5 12 1 * *'], 5 * MINUTE],
    ['equal instants count once', ['0 12 * * *', '0 12 * * 1'], DAY],
    ['none ever meet', ['0 12 * * 1', '0 13 * * 3'], 2 * DAY + HOUR],
    ['three of them', ['0 1 * * *', '0 9 * * *', '30 9 * * 2'], 30 * MINUTE],
  ])('is that between neighbours: %s', (_, patterns, expected) => {
    expect(gapOf(...patterns.map((pattern) => cron(pattern)))).toBe(expected);
  });

  test('holds across zones', () => {
    expect(gapOf(cron('0 9 * * *', 'Europe/Berlin'), cron('0 9 * * *', 'Europe/London'))).toBe(HOUR);
  });

  test('holds between single instants', () => {
    expect(gapOf({ kind: 'at', at: NEW_YEAR + 5 }, { kind: 'at', at: NEW_YEAR + 65 }, { kind: 'at', at: NEW_YEAR + 5 })).toBe(60);
  });

  test('counts an instant beside a pattern', () => {
    expect(gapOf({ kind: 'at', at: NEW_YEAR + HOUR - 90_000 }, cron('0 * * * *'))).toBe(90_000);
  });
});
