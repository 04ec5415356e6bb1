import { expect, test } from 'vitest';
import { type Wake, WakeTimer } from '../../src/engine/wake-timer.ts';
import { createVirtualClock, type VirtualClock } from '../../src/testing/virtual-clock.ts';

const START = 1_000_000;

function setup(): {
  readonly clock: VirtualClock;
  readonly timer: WakeTimer;
  readonly wakes: (Wake & { readonly at: number })[];
} {
  const clock = createVirtualClock({ start: START });
  const wakes: (Wake & { at: number })[] = [];
  const timer = new WakeTimer(clock, (wake) => void wakes.push({ ...wake, at: clock.monotonic() }));
  return { clock, timer, wakes };
}

test('wakes at the instant that it was armed for', async () => {
  const { clock, timer, wakes } = setup();
  timer.arm(START + 12_345);
  await clock.advance(30_000);
  expect(wakes).toEqual([{ at: 12_345, now: START + 12_345, steppedMs: 0, stalledMs: 0 }]);
});

test('sleeps for 30 s at the most, and with nothing due too', async () => {
  const { clock, timer, wakes } = setup();
  timer.arm(START + 3_600_000);
  await clock.advance(30_000);
  timer.arm(undefined);
  await clock.advance(30_000);
  expect(wakes.map(({ at }) => at)).toEqual([30_000, 60_000]);
});

test('wakes at once for an instant that has passed', async () => {
  const { clock, timer, wakes } = setup();
  timer.arm(START - 5_000);
  await clock.advance(0);
  expect(wakes).toHaveLength(1);
});

test('has one alarm at a time', async () => {
  const { clock, timer, wakes } = setup();
  timer.arm(START + 1_000);
  timer.arm(START + 2_000);
  await clock.advance(10_000);
  expect(wakes.map(({ at }) => at)).toEqual([2_000]);
});

test.each([7_200_000, -7_200_000])('tells a step of the wall clock by %d ms, once', async (stepMs) => {
  const { clock, timer, wakes } = setup();
  timer.arm(START + 60_000);
  clock.stepWall(stepMs);
  await clock.advance(30_000);
  timer.arm(undefined);
  await clock.advance(30_000);
  expect(wakes.map(({ steppedMs }) => steppedMs)).toEqual([stepMs, 0]);
});

test('takes slewing for no step', async () => {
  const { clock, timer, wakes } = setup();
  timer.arm(START + 60_000);
  clock.stepWall(900);
  await clock.advance(30_000);
  expect(wakes).toMatchObject([{ steppedMs: 0 }]);
});

test('tells how much later than asked it wakes', async () => {
  const { clock, timer, wakes } = setup();
  timer.arm(START + 5_000);
  clock.hold(9_000);
  await clock.advance(0);
  expect(wakes).toMatchObject([{ stalledMs: 4_000 }]);
});

test('does not wake after it was cancelled', async () => {
  const { clock, timer, wakes } = setup();
  timer.arm(START + 5_000);
  timer.cancel();
  await clock.advance(60_000);
  expect(wakes).toEqual([]);
});

test('takes a leap smear, and slewing for hours, for no step', async () => {
  const { clock, timer, wakes } = setup();
  for (let wake = 0; wake < 400; wake++) {
    timer.arm(undefined);
    clock.stepWall(wake < 200 ? 900 : -900);
    await clock.advance(30_000);
  }
  expect(wakes).toHaveLength(400);
  expect(wakes.filter(({ steppedMs }) => steppedMs !== 0)).toEqual([]);
});

test('takes many small steps in short time for the step that they are', async () => {
  const { clock, timer, wakes } = setup();
  for (let wake = 0; wake < 90; wake++) {
    timer.arm(clock.now() + 100);
    clock.stepWall(-900);
    await clock.advance(1_100);
  }
  const told = wakes.reduce((sum, { steppedMs }) => sum + steppedMs, 0);
  expect(told).toBeLessThan(-60_000);
  expect(told).toBeGreaterThanOrEqual(-81_000);
});
