import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Schedule } from '../../src/core/schedule.ts';
import { hashOf } from '../../src/core/tick.ts';
import { createCalendar } from '../../src/system/calendar.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const NEW_YEAR = Date.UTC(2026, 0, 1);

function cron(
  pattern: string,
  timezone = 'UTC',
  window: { startAt?: number; stopAt?: number; jitterMs?: number } = {},
): Schedule {
  return { kind: 'cron', pattern, timezone, ...window };
}

/** Ticks after an instant, as ISO texts. */
function ticks(schedules: readonly Schedule[], after: string | number, count: number): string[] {
  return instants(schedules, typeof after === 'string' ? Date.parse(after) : after, count).map((tick) =>
    new Date(tick).toISOString(),
  );
}

function instants(schedules: readonly Schedule[], after: number, count: number, job = 'job'): number[] {
  const calendar = createCalendar();
  const found: number[] = [];
  let at: number | undefined = after;
  while (found.length < count && (at = calendar.next(schedules, job, at)) !== undefined) found.push(at);
  return found;
}

describe('cron patterns', () => {
  test.each([
    ['*/15 * * * *', '2026-01-01T00:15:00.000Z', '2026-01-01T00:30:00.000Z'],
    ['*/20 * * * * *', '2026-01-01T00:00:20.000Z', '2026-01-01T00:00:40.000Z'],
    ['0 30 4 1 * * 2030-2031', '2030-01-01T04:30:00.000Z', '2030-02-01T04:30:00.000Z'],
    ['0 9 * * MON-FRI', '2026-01-01T09:00:00.000Z', '2026-01-02T09:00:00.000Z'],
    ['0 0 13 * 5', '2026-01-02T00:00:00.000Z', '2026-01-09T00:00:00.000Z'],
    ['0 0 L * *', '2026-01-31T00:00:00.000Z', '2026-02-28T00:00:00.000Z'],
    ['0 0 * * 7', '2026-01-04T00:00:00.000Z', '2026-01-11T00:00:00.000Z'],
    ['@hourly', '2026-01-01T01:00:00.000Z', '2026-01-01T02:00:00.000Z'],
    ['@DAILY', '2026-01-02T00:00:00.000Z', '2026-01-03T00:00:00.000Z'],
    ['@midnight', '2026-01-02T00:00:00.000Z', '2026-01-03T00:00:00.000Z'],
    ['@Weekly', '2026-01-04T00:00:00.000Z', '2026-01-11T00:00:00.000Z'],
    ['@monthly', '2026-02-01T00:00:00.000Z', '2026-03-01T00:00:00.000Z'],
    ['@yearly', '2027-01-01T00:00:00.000Z', '2028-01-01T00:00:00.000Z'],
    ['@annually', '2027-01-01T00:00:00.000Z', '2028-01-01T00:00:00.000Z'],
  ])('falls due as %s says', (pattern, first, second) => {
    expect(ticks([cron(pattern)], NEW_YEAR, 2)).toEqual([first, second]);
  });

  test('leaves out the instant that it is asked about, and finds one a millisecond later', () => {
    expect(ticks([cron('0 * * * *')], '2026-01-01T01:00:00.000Z', 1)).toEqual(['2026-01-01T02:00:00.000Z']);
    expect(ticks([cron('0 * * * *')], '2026-01-01T00:59:59.999Z', 1)).toEqual(['2026-01-01T01:00:00.000Z']);
  });

  test('finds nothing beyond a hundred years, and what comes within them', () => {
    expect(ticks([cron('0 0 0 1 1 * 2130')], NEW_YEAR, 1)).toEqual([]);
    expect(ticks([cron('0 0 0 1 1 * 2130')], '2050-01-01T00:00:00Z', 1)).toEqual(['2130-01-01T00:00:00.000Z']);
  });

  test('comes to an end on a date that does not exist', () => {
    expect(ticks([cron('0 0 30 2 *', 'Europe/Berlin')], NEW_YEAR, 1)).toEqual([]);
  });
});

describe('changes of the clock', () => {
  test.each([
    ['30 2 * * *', 'Europe/Berlin', '2026-03-28T12:00Z', ['2026-03-29T01:00:00.000Z', '2026-03-30T00:30:00.000Z']],
    ['30 2 * * *', 'America/New_York', '2026-03-07T12:00Z', ['2026-03-08T07:00:00.000Z', '2026-03-09T06:30:00.000Z']],
    ['15 2 * * *', 'Australia/Lord_Howe', '2026-10-03T00:00Z', ['2026-10-03T15:30:00.000Z', '2026-10-04T15:15:00.000Z']],
    ['30 0 * * *', 'America/Sao_Paulo', '2018-11-03T12:00Z', ['2018-11-04T03:00:00.000Z', '2018-11-05T02:30:00.000Z']],
    ['30 2 * * *', 'Africa/Casablanca', '2026-03-21T12:00Z', ['2026-03-22T02:00:00.000Z', '2026-03-23T01:30:00.000Z']],
  ])('runs %s in %s at the first valid instant after a gap', (pattern, zone, after, expected) => {
    expect(ticks([cron(pattern, zone)], after, 2)).toEqual(expected);
  });

  test('runs a fixed time that a gap swallows across midnight at the first instant of the next day', () => {
    expect(ticks([cron('30 23 * * *', 'America/Nuuk')], '2026-03-28T12:00Z', 2)).toEqual([
      '2026-03-29T01:00:00.000Z',
      '2026-03-30T00:30:00.000Z',
    ]);
  });

  test('runs the fixed time of a day that a zone skipped once, at the start of the day after', () => {
    expect(ticks([cron('0 9 30 * *', 'Pacific/Apia')], '2011-12-01T00:00Z', 2)).toEqual([
      '2011-12-30T10:00:00.000Z',
      '2012-01-29T19:00:00.000Z',
    ]);
  });

  test('passes over a wildcard time in a gap, and calls it a fault if it has no other', () => {
    expect(ticks([cron('*/20 2 29 3 *', 'Europe/Berlin')], '2026-01-01T00:00Z', 1)).toEqual(['2027-03-29T00:00:00.000Z']);
    expect(createCalendar().fault(cron('0 */20 2 29 3 * 2026', 'Europe/Berlin'))).toMatch('never falls due');
  });

  test('repeats the last wildcard times of all in a repeated hour', () => {
    expect(ticks([cron('0 */30 2 25 10 * 2026', 'Europe/Berlin')], '2026-10-24T00:00Z', 5)).toEqual([
      '2026-10-25T00:00:00.000Z',
      '2026-10-25T00:30:00.000Z',
      '2026-10-25T01:00:00.000Z',
      '2026-10-25T01:30:00.000Z',
    ]);
  });

  test('runs midnight once where the skipped day and the day after both ask for it', () => {
    expect(ticks([cron('0 0 * * *', 'Pacific/Apia')], '2011-12-29T12:00Z', 2)).toEqual([
      '2011-12-30T10:00:00.000Z',
      '2011-12-31T10:00:00.000Z',
    ]);
  });

  test.each([
    ['30 2 * * *', 'Europe/Berlin', '2026-10-24T12:00Z', ['2026-10-25T00:30:00.000Z', '2026-10-26T01:30:00.000Z']],
    ['30 1 * * *', 'America/New_York', '2026-10-31T12:00Z', ['2026-11-01T05:30:00.000Z', '2026-11-02T06:30:00.000Z']],
    ['45 1 * * *', 'Australia/Lord_Howe', '2026-04-04T00:00Z', ['2026-04-04T14:45:00.000Z', '2026-04-05T15:15:00.000Z']],
  ])('runs %s in %s once in a repeated hour', (pattern, zone, after, expected) => {
    expect(ticks([cron(pattern, zone)], after, 2)).toEqual(expected);
  });

  test('follows elapsed time with a wildcard pattern, through a repeated hour and over a gap', () => {
    const half = [cron('*/30 * * * *', 'Europe/Berlin')];
    expect(gaps(instants(half, Date.parse('2026-10-24T22:00Z'), 12))).toEqual(Array.from({ length: 11 }, () => 30 * MINUTE));
    expect(gaps(instants(half, Date.parse('2026-03-28T22:00Z'), 12))).toEqual(Array.from({ length: 11 }, () => 30 * MINUTE));
  });

  test('agrees with a minute by minute reading of the zone, whatever the pattern', () => {
    const field = (max: number): fc.Arbitrary<string> =>
      fc.oneof(
        fc.constant('*'),
        fc.integer({ min: 2, max: Math.ceil(max / 2) }).map((step) => `*/${step}`),
        fc.uniqueArray(fc.integer({ min: 0, max }), { minLength: 1, maxLength: 3 }).map((values) => values.join(',')),
        fc
          .tuple(fc.integer({ min: 0, max }), fc.integer({ min: 0, max }))
          .map(([one, other]) => `${Math.min(one, other)}-${Math.max(one, other)}`),
      );
    const nearMidnight = fc.constantFrom('0', '0,1', '1', '1-3', '2', '23', '22-23', '2,23', '*', '*/2');
    fc.assert(
      fc.property(
        fc.constantFrom(...WINDOWS),
        field(59),
        fc.oneof(nearMidnight, field(23)),
        fc.nat(),
        (window, minute, hour, offset) => {
          const expected = reading(window, minute, hour);
          const after = window.from + (offset % (DAY / 1_000)) * 1_000;
          const calendar = createCalendar();
          const found: number[] = [];
          let at: number | undefined = after;
          while (
            (at = calendar.next([cron(`${minute} ${hour} * * *`, window.zone)], 'job', at)) !== undefined &&
            at < window.until
          )
            found.push(at);
          expect(found).toEqual(expected.filter((tick) => tick > after));
        },
      ),
      { numRuns: 80 },
    );
  });
});

describe('every and at', () => {
  test('anchors every to the epoch, so that ticks are the same after a restart', () => {
    expect(instants([{ kind: 'every', everyMs: 7_000 }], 20_000, 3)).toEqual([21_000, 28_000, 35_000]);
    expect(instants([{ kind: 'every', everyMs: 7_000 }], 21_000, 2)).toEqual([28_000, 35_000]);
  });

  test('falls due at its one instant and never again', () => {
    expect(instants([{ kind: 'at', at: NEW_YEAR }], NEW_YEAR - 1, 3)).toEqual([NEW_YEAR]);
    expect(instants([{ kind: 'at', at: NEW_YEAR }], NEW_YEAR, 3)).toEqual([]);
  });

  test('merges several schedules, equal instants once', () => {
    const schedules: Schedule[] = [
      cron('0 * * * *'),
      { kind: 'every', everyMs: 30 * MINUTE },
      { kind: 'at', at: NEW_YEAR + 40 * MINUTE },
    ];
    expect(instants(schedules, NEW_YEAR, 4).map((tick) => (tick - NEW_YEAR) / MINUTE)).toEqual([30, 40, 60, 90]);
  });

  test('never falls due without a schedule', () => {
    expect(instants([], 0, 1)).toEqual([]);
  });
});

describe('windows', () => {
  test.each<Schedule>([cron('0 * * * *'), { kind: 'every', everyMs: HOUR }])(
    'counts a tick at startAt and none at stopAt (%o)',
    (schedule) => {
      const bounded: Schedule = { ...schedule, startAt: NEW_YEAR + 2 * HOUR, stopAt: NEW_YEAR + 4 * HOUR };
      expect(instants([bounded], 0, 9)).toEqual([NEW_YEAR + 2 * HOUR, NEW_YEAR + 3 * HOUR]);
    },
  );

  test('holds no moved tick before startAt or at stopAt', () => {
    const schedule: Schedule = { kind: 'every', everyMs: 1_000, jitterMs: 999, startAt: NEW_YEAR, stopAt: NEW_YEAR + 3_100 };
    const found = Array.from({ length: 50 }, (_, index) => instants([schedule], 0, 9, `job-${index}`));
    expect(found.flat().every((tick) => tick >= NEW_YEAR && tick < NEW_YEAR + 3_100)).toBe(true);
    expect(new Set(found.map((ticks) => ticks.length))).toEqual(new Set([3, 4]));
  });
});

describe('jitter', () => {
  test('moves each tick by a hash of job and tick, the same everywhere', () => {
    const { high, low } = hashOf(`job@${NEW_YEAR + MINUTE}`);
    const shift = (high * 2 ** 21 + (low >>> 11)) % 10_000;
    expect(instants([cron('* * * * *', 'UTC', { jitterMs: 10_000 })], NEW_YEAR + 30_000, 1)).toEqual([NEW_YEAR + MINUTE + shift]);
  });

  test('gives each moved tick once and in order, from wherever it is asked, even when jitter reorders them', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5_000 }),
        fc.integer({ min: 1, max: 20_000 }),
        fc.integer({ min: 0, max: 100_000 }),
        fc.stringMatching(/^[a-z]{1,8}$/),
        (everyMs, jitterMs, after, job) => {
          fc.pre(jitterMs / everyMs < 500);
          const schedule: Schedule = { kind: 'every', everyMs, jitterMs };
          const until = after + 3 * everyMs + jitterMs;
          const expected = new Set<number>();
          for (let base = Math.floor((after - jitterMs) / everyMs) * everyMs; base <= until; base += everyMs) {
            const { high, low } = hashOf(`${job}@${base}`);
            const moved = base + ((high * 2 ** 21 + (low >>> 11)) % jitterMs);
            if (moved > after && moved <= until) expected.add(moved);
          }
          const sorted = [...expected].toSorted((one, other) => one - other);
          expect(instants([schedule], after, sorted.length, job)).toEqual(sorted);
        },
      ),
    );
  });

  test('spreads jobs that share a schedule', () => {
    const calendar = createCalendar();
    const schedule = [cron('* * * * *', 'UTC', { jitterMs: 50_000 })];
    const first = new Set(Array.from({ length: 100 }, (_, index) => calendar.next(schedule, `job-${index}`, NEW_YEAR)));
    expect(first.size).toBeGreaterThan(90);
  });
});

describe('cost', () => {
  test('holds few compiled patterns, however many there are', () => {
    const calendar = createCalendar();
    const before = heapAfterCollection();
    for (let index = 0; index < 1_440; index++)
      calendar.next([cron(`${index % 60} ${Math.floor(index / 60)} * * *`)], 'job', NEW_YEAR);
    const grownBytes = heapAfterCollection() - before;
    expect(calendar.next([cron('0 0 * * *')], 'job', NEW_YEAR)).toBe(NEW_YEAR + DAY);
    // All of them would hold 1,440 × 83 kB = 120 MB.
    expect(grownBytes).toBeLessThan(20 * 2 ** 20);
  });

  test('gives the same answers to many who ask in any order as to one who asks in turn', () => {
    const calendar = createCalendar();
    const schedule = [cron('*/7 3,5 * * *', 'Europe/Berlin')];
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 * DAY }), (offset) => {
        expect(calendar.next(schedule, 'job', NEW_YEAR + offset)).toBe(createCalendar().next(schedule, 'job', NEW_YEAR + offset));
      }),
    );
  });
});

function heapAfterCollection(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}

function gaps(found: readonly number[]): number[] {
  return found.slice(1).map((tick, index) => tick - (found[index] ?? 0));
}

interface Window {
  readonly zone: string;
  readonly from: number;
  readonly until: number;
  /** Local time of each minute, as if it were UTC. */
  readonly local: readonly number[];
}

/** Two days before and after a change of the clock. */
const WINDOWS: readonly Window[] = [
  ['Europe/Berlin', '2026-03-29'],
  ['Europe/Berlin', '2026-10-25'],
  ['America/New_York', '2026-03-08'],
  ['America/New_York', '2026-11-01'],
  ['Australia/Lord_Howe', '2026-04-05'],
  ['Australia/Lord_Howe', '2026-10-04'],
  ['Africa/Casablanca', '2026-02-15'],
  ['Africa/Casablanca', '2026-03-22'],
  ['Pacific/Apia', '2011-12-30'],
  ['America/Sao_Paulo', '2018-11-04'],
  ['America/Sao_Paulo', '2018-02-18'],
  ['America/Nuuk', '2026-03-29'],
  ['America/Nuuk', '2026-10-25'],
  ['America/Scoresbysund', '2026-03-29'],
  ['Asia/Kathmandu', '2026-06-01'],
].map(([zone = '', day = '']) => {
  const from = Date.parse(`${day}T00:00Z`) - 2 * DAY;
  const until = from + 4 * DAY;
  const format = new Intl.DateTimeFormat('en-US', { timeZone: zone, dateStyle: 'short', timeStyle: 'medium', hourCycle: 'h23' });
  const local: number[] = [];
  for (let at = from - DAY; at < until; at += MINUTE) local.push(Date.parse(`${format.format(at).replace(',', '')} UTC`));
  return { zone, from, until, local };
});

/** The rules of DESIGN section 6, minute by minute. */
function reading(window: Window, minute: string, hour: string): number[] {
  const minutes = valuesOf(minute, 59);
  const hours = valuesOf(hour, 23);
  const matches = (local: number): boolean =>
    minutes.has(new Date(local).getUTCMinutes()) && hours.has(new Date(local).getUTCHours());
  const fixed = !/[*/]/.test(minute + hour);
  const found: number[] = [];
  let highest = -Infinity;
  window.local.forEach((local, index) => {
    const at = window.from - DAY + index * MINUTE;
    const previous = window.local[index - 1] ?? local - MINUTE;
    let due = matches(local) && (!fixed || local > highest);
    if (fixed) for (let lost = previous + MINUTE; lost < local; lost += MINUTE) due ||= lost > highest && matches(lost);
    if (due) found.push(at);
    highest = Math.max(highest, local);
  });
  return found.filter((tick) => tick >= window.from && tick < window.until);
}

function valuesOf(field: string, max: number): Set<number> {
  const values = new Set<number>();
  for (const part of field.split(',')) {
    const [range = '', step = '1'] = part.split('/');
    const [low = '', high = low] = range === '*' ? ['0', String(max)] : range.split('-');
    for (let value = Number(low); value <= Number(high); value += Number(step)) values.add(value);
  }
  return values;
}
