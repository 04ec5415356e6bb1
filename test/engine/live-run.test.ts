import { expect, test } from 'vitest';
import type { AttemptEnd, Runner } from '../../src/core/ports.ts';
import { createInlineRunner } from '../../src/runner/inline.ts';
import { jobOf, makeEngine, MINUTE, SECOND, startEngine, takes } from './engine.ts';

const RETRY = { attempts: 3, delayMs: 2 * SECOND, factor: 2, maxDelayMs: MINUTE, jitter: 0 };

test('retries happen inside the budget and go on from the last checkpoint', async () => {
  const engine = await startEngine([jobOf('a', { retry: RETRY })], {
    script: ({ attempt }) => ({
      steps: [
        { takesMs: SECOND, checkpoint: `of ${attempt}` },
        { takesMs: SECOND, throws: 'no' },
      ],
    }),
  });
  await engine.clock.advance(MINUTE + 59 * SECOND);
  expect(engine.orders.map(({ attempt, checkpoint }) => [attempt, checkpoint])).toEqual([
    [1, undefined],
    [2, '"of 1"'],
    [3, '"of 2"'],
  ]);
  expect(new Set(engine.orders.map(({ budgetEnd }) => budgetEnd)).size).toBe(1);
  expect(engine.of('runEnded')).toMatchObject([{ outcome: 'failed', attempts: 3, steps: 6, error: { message: 'no' } }]);
  expect(engine.of('runRetrying').map(({ delayMs }) => delayMs)).toEqual([2 * SECOND, 4 * SECOND]);
});

test('a retry whose delay would spend the budget is not made', async () => {
  const engine = await startEngine([jobOf('a', { retry: { ...RETRY, delayMs: 45 * SECOND } })], {
    script: () => ({ steps: [{ takesMs: SECOND, throws: 'no' }] }),
  });
  await engine.clock.advance(MINUTE + 30 * SECOND);
  expect(engine.of('runEnded')).toMatchObject([{ outcome: 'failed', attempts: 1 }]);
});

test('a failure stands when the event loop is held over the wait for the retry and the end of the budget', async () => {
  const engine = await startEngine([jobOf('a', { retry: RETRY })], {
    script: () => ({ steps: [{ takesMs: SECOND, throws: 'no' }] }),
  });
  await engine.clock.advance(MINUTE + 2 * SECOND);
  engine.clock.hold(50 * SECOND);
  await engine.clock.advance(SECOND);
  expect(engine.of('runEnded')).toMatchObject([{ outcome: 'failed', attempts: 1, error: { message: 'no' } }]);
});

test('a cancel while the run waits for its retry ends it there', async () => {
  const engine = await startEngine([jobOf('a', { retry: RETRY })], {
    script: () => ({ steps: [{ takesMs: SECOND, throws: 'no' }] }),
  });
  await engine.clock.advance(MINUTE + 2 * SECOND);
  engine.scheduler.cancel('a', 'me');
  await engine.clock.advance(SECOND);
  expect(engine.of('runEnded')).toMatchObject([{ outcome: 'cancelled', reason: 'cancelled by me', attempts: 1 }]);
});

test('a stop that comes between the end of an attempt and its retry is not lost', async () => {
  const ends: ((end: AttemptEnd) => void)[] = [];
  const runner: Runner = {
    start: () => ({ ended: new Promise((resolve) => ends.push(resolve)), stop() {}, windDown() {}, force() {} }),
    async [Symbol.asyncDispose]() {},
  };
  const engine = await startEngine([jobOf('a', { retry: RETRY })], { runner: () => runner });
  await engine.clock.advance(MINUTE);
  ends[0]?.({ outcome: 'failed', steps: 1, checkpoint: undefined });
  engine.scheduler.cancel('a', 'me');
  await engine.clock.advance(30 * SECOND);
  expect(engine.of('runEnded')).toMatchObject([{ outcome: 'failed', attempts: 1 }]);
});

test('a run that cancels its own job in its first step is stopped', async () => {
  const engine = makeEngine({
    runner: (clock) =>
      createInlineRunner(clock, () => ({
        handleTimeoutTask: async () => {
          engine.scheduler.cancel('a', 'itself');
          return false;
        },
      })),
  });
  await engine.scheduler.start([jobOf('a', { isolation: 'inline' })]);
  await engine.clock.advance(MINUTE);
  expect(engine.of('runEnded')).toMatchObject([{ outcome: 'cancelled', reason: 'cancelled by itself', steps: 1 }]);
  expect(engine.of('runStopping')).toHaveLength(1);
});

test('a listener that cancels a run as it starts is heeded', async () => {
  const engine = await startEngine([jobOf('a')], { script: () => takes(20 * SECOND) });
  using _listener = engine.scheduler.events.on('runStarted', () => void engine.scheduler.cancel('a', 'listener'));
  await engine.clock.advance(MINUTE + SECOND);
  expect(engine.of('runEnded')).toMatchObject([{ outcome: 'cancelled', reason: 'cancelled by listener' }]);
});

test('the first reason to stop wins', async () => {
  const engine = await startEngine([jobOf('a', { graceMs: 10 * SECOND })], {
    script: () => ({ steps: [{ takesMs: 50 * SECOND }], stopDelayMs: 9 * SECOND }),
  });
  await engine.clock.advance(MINUTE + 35 * SECOND);
  engine.scheduler.cancel('a', 'first');
  engine.scheduler.cancel('a', 'second');
  await engine.clock.advance(20 * SECOND);
  expect(engine.of('runStopping')).toMatchObject([{ reason: 'cancelled by first' }]);
  expect(engine.of('runEnded')).toMatchObject([{ outcome: 'cancelled', reason: 'cancelled by first' }]);
});

test('no step starts after the budget, and the next tick goes on from the checkpoint', async () => {
  const steps = Array.from({ length: 20 }, (_, index) => ({ takesMs: 7 * SECOND, checkpoint: index }));
  const engine = await startEngine([jobOf('a')], { script: () => ({ steps, stopDelayMs: 0 }) });
  await engine.clock.advance(2 * MINUTE);
  expect(engine.steps.filter(({ at }) => at < 2 * MINUTE).map(({ at }) => at - MINUTE)).toEqual(
    [0, 7, 14, 21, 28, 35].map((s) => s * SECOND),
  );
  expect(engine.of('runEnded')).toMatchObject([{ outcome: 'timedOut', reason: 'budget' }]);
  expect(engine.orders.map(({ checkpoint }) => checkpoint)).toEqual([undefined, '4']);
});

test('a run that is blocked keeps its slot, says so, and frees it on the proof', async () => {
  const engine = await startEngine([jobOf('a', { isolation: 'inline' })], {
    script: () => ({ steps: [{ takesMs: 150 * SECOND }] }),
  });
  await engine.clock.advance(3 * MINUTE);
  expect(engine.of('runBlocked')).toHaveLength(1);
  expect(engine.scheduler.statistics()).toMatchObject({ live: 1, blocked: 1 });
  expect((await engine.ticks('a')).map(({ outcome }) => outcome)).toEqual(['ran', 'skipped', 'skipped']);
  await engine.clock.advance(MINUTE);
  expect((await engine.ticks('a')).map(({ outcome }) => outcome)).toEqual(['ran', 'skipped', 'skipped', 'ran']);
});

test('a runner that throws fails the run and frees its slot', async () => {
  const runner: Runner = {
    start() {
      throw new Error('no such program');
    },
    async [Symbol.asyncDispose]() {},
  };
  const engine = await startEngine([jobOf('a')], { runner: () => runner });
  await engine.clock.advance(2 * MINUTE);
  expect(engine.of('runEnded')).toMatchObject([
    { outcome: 'failed', error: { message: 'no such program' } },
    { outcome: 'failed' },
  ]);
});
