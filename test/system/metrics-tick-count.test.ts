import { describe, expect, test } from 'vitest';
import type { Calendar } from '../../src/core/ports.ts';
import type { Schedule } from '../../src/core/schedule.ts';
import { type CountedRange, TickCount } from '../../src/system/metrics-tick-count.ts';
import { createVirtualClock, type VirtualClock } from '../../src/testing/virtual-clock.ts';

interface Bundle {
  readonly clock: VirtualClock;
  readonly ticks: TickCount;
  readonly counts: number[];
  /** How often the calendar was asked at each instant of the clock. */
  readonly asked: Map<number, number>;
}

/** A calendar with a tick each second. */
function setup(): Bundle {
  const clock = createVirtualClock();
  const asked = new Map<number, number>();
  const calendar: Pick<Calendar, 'next'> = {
    next(schedules, _, after) {
      asked.set(clock.monotonic(), (asked.get(clock.monotonic()) ?? 0) + 1);
      return schedules.length === 0 ? undefined : (Math.floor(after / 1_000) + 1) * 1_000;
    },
  };
  return { clock, ticks: new TickCount(clock, calendar), counts: [], asked };
}

const EACH_SECOND: readonly Schedule[] = [{ kind: 'every', everyMs: 1_000 }];

function rangeOf(seconds: number, schedules: readonly Schedule[] = EACH_SECOND): CountedRange {
  return { job: 'a', from: 0, to: seconds * 1_000, schedules };
}

describe('counting the ticks of ranges', () => {
  test('takes one after the other', async () => {
    const { clock, ticks, counts } = setup();
    for (const seconds of [500, 3, 120]) ticks.count(rangeOf(seconds), (count) => void counts.push(count));
    expect(counts).toEqual([]);
    await clock.run();
    expect(counts).toEqual([500, 3, 120]);
  });

  test('finds none where the job has no schedule any more', async () => {
    const { clock, ticks, counts } = setup();
    ticks.count(rangeOf(500, []), (count) => void counts.push(count));
    await clock.run();
    expect(counts).toEqual([0]);
  });

  test('asks the calendar for no more than a few ticks at a time, and for ten thousand in all', async () => {
    const { clock, ticks, counts, asked } = setup();
    ticks.count(rangeOf(100_000_000), (count) => void counts.push(count));
    await clock.run();
    expect(counts).toEqual([100_000_000]);
    expect(Math.max(...asked.values())).toBeLessThanOrEqual(41);
    expect([...asked.values()].reduce((sum, count) => sum + count, 0)).toBeLessThan(10_500);
  });

  test('reckons from one slice when twenty thousand ranges wait', () => {
    const { ticks, counts } = setup();
    for (let index = 0; index < 20_001; index++) ticks.count(rangeOf(7_000), (count) => void counts.push(count));
    expect(counts).toEqual([7_000]);
    ticks[Symbol.dispose]();
  });

  test('tells nobody after its disposal, and leaves no timer behind', async () => {
    const { clock, ticks, counts } = setup();
    ticks.count(rangeOf(500), (count) => void counts.push(count));
    await clock.advance(25);
    ticks[Symbol.dispose]();
    expect(clock.timers).toBe(0);
    await clock.run();
    expect(counts).toEqual([]);
  });
});
