import { afterAll, expect, test } from 'vitest';
import { setup } from './setup.ts';

const bench = setup();
afterAll(() => bench[Symbol.dispose]());

const schedulesOf = (schedule: unknown): unknown => bench.job(JSON.stringify({ schedule, task: { shell: 'true' } })).schedules;
const zoned = { kind: 'cron', timezone: 'Europe/Vienna' };

test.each([
  ['*/5 * * * *', [{ ...zoned, pattern: '*/5 * * * *' }]],
  ['30 0 3 * * MON-FRI', [{ ...zoned, pattern: '30 0 3 * * MON-FRI' }]],
  ['0 0 9 1 1 * 2099', [{ ...zoned, pattern: '0 0 9 1 1 * 2099' }]],
  ['  0 9 * * *  ', [{ ...zoned, pattern: '0 9 * * *' }]],
  ['@hourly', [{ ...zoned, pattern: '@hourly' }]],
  ['@every 90s', [{ kind: 'every', everyMs: 90_000 }]],
  ['2030-01-31T09:00:00Z', [{ kind: 'at', at: Date.UTC(2030, 0, 31, 9) }]],
  ['2030-01-31T09:00:00.250+01:00', [{ kind: 'at', at: Date.UTC(2030, 0, 31, 8, 0, 0, 250) }]],
  ['2030-01-31 09:00-0530', [{ kind: 'at', at: Date.UTC(2030, 0, 31, 14, 30) }]],
  ['2028-02-29T00:00:00z', [{ kind: 'at', at: Date.UTC(2028, 1, 29) }]],
  [{ cron: '0 9 * * *', timezone: 'Asia/Tokyo' }, [{ kind: 'cron', pattern: '0 9 * * *', timezone: 'Asia/Tokyo' }]],
  [
    { every: '1h30m', jitter: '10m', startAt: '2027-01-01T00:00:00Z', stopAt: '2028-01-01T00:00:00+00:00' },
    [{ kind: 'every', everyMs: 5_400_000, jitterMs: 600_000, startAt: Date.UTC(2027, 0), stopAt: Date.UTC(2028, 0) }],
  ],
  [{ at: '2030-01-31T09:00:00Z' }, [{ kind: 'at', at: Date.UTC(2030, 0, 31, 9) }]],
  [
    ['@daily', { every: '5m' }],
    [
      { ...zoned, pattern: '@daily' },
      { kind: 'every', everyMs: 300_000 },
    ],
  ],
])('reads %j', (schedule, expected) => {
  expect(schedulesOf(schedule)).toEqual(expected);
});

test('takes the zone of the file where a schedule names none', () => {
  const job = '{"schedule": "@daily", "task": {"shell": "true"}}';
  const [one] = bench.parse(`{"timezone": "America/New_York", "jobs": {"a": ${job}}}`).jobs;
  expect(one?.schedules).toMatchObject([{ timezone: 'America/New_York' }]);
});

test('reads a job without a schedule as one that is only triggered', () => {
  expect(bench.job('{"task": {"shell": "true"}}').schedules).toEqual([]);
});
