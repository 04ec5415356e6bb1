import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Horizon, nextTick, planRewind } from '../../src/core/reliving.ts';
import { followsElapsedTime, type Schedule } from '../../src/core/schedule.ts';
import { createCalendar } from '../../src/system/calendar.ts';
import { compileFields } from '../../src/system/cron-pattern.ts';
import { nextTickOfLives } from '../../src/testing/enumeration.ts';

const HOUR = 3_600_000;
const DAY = Date.UTC(2026, 9, 25);
const calendar = createCalendar();

const schedule: fc.Arbitrary<Schedule> = fc.oneof(
  fc.record({
    kind: fc.constant('cron' as const),
    pattern: fc.constantFrom('*/7 * * * *', '30 2,5 * * *', '0 */2 * * *', '15,45 1,2,3 * * *'),
    timezone: fc.constant('UTC'),
  }),
  fc.record({ kind: fc.constant('every' as const), everyMs: fc.integer({ min: 20_000, max: HOUR }) }),
  fc.record({ kind: fc.constant('at' as const), at: fc.constant(DAY + 3 * HOUR) }),
);

/** A clock that goes on for a while and is then set back, again and again. */
const course = fc.record({
  schedules: fc.array(schedule, { minLength: 1, maxLength: 3 }),
  lives: fc.array(fc.record({ lastsMs: fc.integer({ min: 1, max: 9 * HOUR }), backMs: fc.integer({ min: 1, max: 8 * HOUR }) }), {
    minLength: 1,
    maxLength: 5,
  }),
});

/** The ticks of each life, and the horizons at the end. */
function live({ schedules, lives }: typeof course extends fc.Arbitrary<infer Course> ? Course : never): {
  readonly ticks: readonly number[][];
  readonly horizons: readonly Horizon[];
} {
  const horizons: Horizon[] = [];
  const ticks: number[][] = [];
  let [now, decidedUntil] = [DAY, DAY];
  for (const { lastsMs, backMs } of lives) {
    const end = now + lastsMs;
    const ofLife: number[] = [];
    for (let tick = nextTick(calendar, schedules, 'job', horizons, decidedUntil); tick !== undefined && tick <= end;) {
      ofLife.push((decidedUntil = tick));
      tick = nextTick(calendar, schedules, 'job', horizons, tick);
    }
    ticks.push(ofLife);
    now = end - backMs;
    const rewind = planRewind(decidedUntil, horizons, now);
    if (rewind === undefined) continue;
    horizons.push(rewind.horizon);
    decidedUntil = rewind.to;
  }
  return { ticks, horizons };
}

describe('ticks of time that is lived again', () => {
  test('are never those of a life before', () => {
    fc.assert(
      fc.property(course, (asked) => {
        const all = live(asked).ticks.flat();
        expect(new Set(all).size).toBe(all.length);
      }),
      { numRuns: 300 },
    );
  });

  test('ascend within a life', () => {
    fc.assert(
      fc.property(course, (asked) => {
        for (const ofLife of live(asked).ticks) expect(ofLife).toEqual(ofLife.toSorted((a, b) => a - b));
      }),
      { numRuns: 300 },
    );
  });

  test('are those that plain enumeration finds, asked after any instant', () => {
    fc.assert(
      fc.property(course, fc.integer({ min: -9 * HOUR, max: 30 * HOUR }), (asked, afterMs) => {
        const { horizons } = live(asked);
        const found = nextTick(calendar, asked.schedules, 'job', horizons, DAY + afterMs);
        expect(found ?? Infinity).toBe(nextTickOfLives(asked.schedules, horizons, DAY + afterMs));
      }),
      { numRuns: 500 },
    );
  });
});

describe('going back', () => {
  test.each([
    [0, undefined],
    [60_000, undefined],
    [60_001, { to: DAY, horizon: { until: DAY + 60_001, correction: false } }],
    [3 * HOUR, { to: DAY, horizon: { until: DAY + 3 * HOUR, correction: true } }],
  ])('from %d ms ahead is waited out, lived again, or a correction', (aheadMs, expected) => {
    expect(planRewind(DAY + aheadMs, [], DAY)).toEqual(expected);
  });

  test('ends where instants have been lived two hundred times', () => {
    const horizons = Array.from({ length: 200 }, (_, index) => ({ until: DAY + index, correction: true }));
    expect(planRewind(DAY + HOUR, horizons, DAY - HOUR)?.to).toBe(DAY);
  });
});

test.each([
  '* * * * *',
  '*/5 2 * * *',
  '30 2 * * *',
  '0 0-23 * * *',
  '*/2 30 2 * * *',
  '0 30 2 * * *',
  '@hourly',
  '@daily',
  '@weekly',
  '30 2 * * 1-5 ',
  '0 1 2 * * * 2027',
])('the pattern %s follows elapsed time as the calendar takes it', (pattern) => {
  expect(followsElapsedTime({ kind: 'cron', pattern, timezone: 'UTC' })).toBe(!compileFields(pattern).isFixedTime);
});
