import { describe, expect, test } from 'vitest';
import type { Schedule } from '../../src/core/schedule.ts';
import { createCalendar } from '../../src/system/calendar.ts';

const NEW_YEAR = Date.UTC(2026, 0, 1);
const cron = (pattern: string, timezone = 'UTC'): Schedule => ({ kind: 'cron', pattern, timezone });
const faultOf = (schedule: Schedule): string | undefined => createCalendar().fault(schedule);

describe('a sound schedule', () => {
  test.each<Schedule>([
    cron('* * * * *'),
    cron('0 0 29 2 *', 'Asia/Kathmandu'),
    cron('@Hourly'),
    cron('0 0 0 1 1 * 2030'),
    cron('30 23 28 3 *', 'America/Nuuk'),
    { kind: 'every', everyMs: 1 },
    { kind: 'at', at: NEW_YEAR },
    { kind: 'cron', pattern: '* * * * *', timezone: 'UTC', jitterMs: 59_999, startAt: NEW_YEAR, stopAt: NEW_YEAR + 86_400_000 },
  ])('has no fault (%o)', (schedule) => {
    expect(faultOf(schedule)).toBeUndefined();
  });
});

describe('a fault', () => {
  test.each([
    ['61 * * * *', 'minute cannot be 61'],
    ['0 25 * * *', 'hour cannot be 25'],
    ['0 0 32 * *', 'day of month cannot be 32'],
    ['0 0 0 * *', 'day of month cannot be 0'],
    ['0 0 * 13 *', 'month cannot be 13'],
    ['0 0 * * 8', 'day of week cannot be 8'],
    ['99 * * * * *', 'second cannot be 99'],
    ['* * * * foo', 'day of week "foo" contains illegal characters'],
    ['* * * * mon#6', 'the occurrence after # must be 1 to 5, or L'],
    ['10:00 * * * *', 'minute "10:00" contains illegal characters'],
    ['*/0 * * * *', 'a step cannot be 0'],
    ['*/99 * * * *', 'a step cannot be larger than the field (60)'],
    ['5/5 * * * *', 'a step follows * or a range, as in */5 or 0-59/5 (got "5/5")'],
    ['50-10 * * * *', 'a range runs from low to high (got "50-10")'],
  ])('in %s says: %s', (pattern, words) => {
    expect(faultOf(cron(pattern))).toBe(`"${pattern}" is not a cron pattern: ${words}`);
  });

  test.each([
    ['', 'has 0 fields'],
    ['* *', 'has 2 fields'],
    ['* * * * * * * *', 'has 8 fields'],
    ['@reboot', 'ticks follow the clock, not the start of the daemon'],
    ['@fortnightly', 'there is no such nickname'],
    ['0 0 30 2 *', '"0 0 30 2 *" never falls due'],
    ['0 0 31 4,6,9,11 *', 'never falls due'],
  ])('in "%s" says: %s', (pattern, words) => {
    expect(faultOf(cron(pattern))).toContain(words);
  });

  test.each([
    ['Europe/Berln', 'timezone "Europe/Berln" is unknown; did you mean "Europe/Berlin"?'],
    ['new york', 'timezone "new york" is unknown; did you mean "America/New_York"?'],
    ['Mars/Olympus', 'timezone "Mars/Olympus" is unknown; expected an IANA name such as "Europe/Berlin"'],
    ['+01:00', 'timezone "+01:00" is an offset; expected an IANA name such as "Europe/Berlin"'],
    ['', 'timezone "" is unknown; expected an IANA name such as "Europe/Berlin"'],
  ])('in the zone "%s" says: %s', (zone, words) => {
    expect(faultOf(cron('* * * * *', zone))).toBe(words);
  });

  test.each<[Schedule, string]>([
    [{ kind: 'every', everyMs: 0 }, 'every must be a duration of at least 1ms (got 0 ms)'],
    [{ kind: 'every', everyMs: -5 }, 'every must be a duration of at least 1ms (got -5 ms)'],
    [{ kind: 'every', everyMs: Number.NaN }, 'every must be a duration of at least 1ms (got NaN ms)'],
    [{ kind: 'at', at: Number.NaN }, 'at is not an instant; expected e.g. "2030-01-31T09:00:00Z"'],
    [
      { kind: 'every', everyMs: 1, startAt: NEW_YEAR, stopAt: NEW_YEAR },
      'startAt 2026-01-01T00:00:00.000Z is not before stopAt 2026-01-01T00:00:00.000Z',
    ],
    [{ kind: 'at', at: NEW_YEAR, startAt: NEW_YEAR + 1 }, 'it never falls due from 2026-01-01T00:00:00.001Z'],
    [{ kind: 'every', everyMs: 60_000, jitterMs: 60_000 }, 'jitter 1m is not below the shortest gap between its ticks, 1m'],
    [{ kind: 'every', everyMs: 60_000, jitterMs: -1 }, 'jitter must be a duration of whole milliseconds (got -1 ms)'],
    [{ kind: 'at', at: NEW_YEAR, stopAt: Number.NaN }, 'stopAt is not an instant'],
  ])('in %o says: %s', (schedule, words) => {
    expect(faultOf(schedule)).toBe(words);
  });

  test('is one line, whatever the pattern holds', () => {
    expect(faultOf(cron('* * * *\n\u001b[31m x y z'))).not.toMatch(/\p{Cc}/u);
  });
});
