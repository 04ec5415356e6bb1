import { expect, test } from 'vitest';
import type { TaskContext } from '../../src/core/task.ts';
import type { EventMap } from '../../src/engine/events.ts';
import { createInlineRunner } from '../../src/runner/inline.ts';
import type { AttemptScript } from '../../src/testing/script.ts';
import { jobOf, makeEngine, MINUTE, SECOND, startEngine } from './engine.ts';

const stubborn =
  (forceDelayMs: number | undefined): (() => AttemptScript) =>
  () => ({
    steps: [{ takesMs: Infinity }],
    forceDelayMs,
  });

test('steps are told by their run, and nobody is told who has not asked by name', async () => {
  const job = jobOf('a', { task: { kind: 'function', target: undefined } });
  const engine = makeEngine({
    runner: (clock) =>
      createInlineRunner(clock, () => ({
        handleTimeoutTask: async ({ step, sleep }: Pick<TaskContext, 'step' | 'sleep'>) => {
          await sleep(30);
          return step === 100;
        },
      })),
  });
  const told: EventMap['stepsFinished'][] = [];
  engine.scheduler.events.on('stepsFinished', (event) => void told.push(event));
  await engine.clock.waitFor(engine.scheduler.start([job]));
  await engine.clock.advance(MINUTE + 10 * SECOND);
  const run = { job: 'a', runId: engine.of('runStarted')[0]?.runId, fence: 1 };
  expect(told.every((event) => Object.entries(run).every(([name, value]) => event[name as 'job'] === value))).toBe(true);
  expect(told.reduce((sum, { count }) => sum + count, 0)).toBe(100);
  expect(told.reduce((sum, { totalMs }) => sum + totalMs, 0)).toBe(3_000);
  expect(told.length).toBeGreaterThan(1);
  expect(engine.told.map(({ type }): string => type)).not.toContain('stepsFinished');
});

test('the steps of a run that tells nothing else are known while it is live, and cost no write', async () => {
  const job = jobOf('a', { task: { kind: 'function', target: undefined } });
  const engine = await startEngine([job], {
    runner: (clock) =>
      createInlineRunner(clock, () => ({
        handleTimeoutTask: async ({ sleep }: Pick<TaskContext, 'sleep'>) => {
          await sleep(100);
          return false;
        },
      })),
  });
  await engine.clock.advance(MINUTE + SECOND);
  const turns = engine.store.turns.length;
  await engine.clock.advance(10 * SECOND);
  expect(engine.scheduler.state.find('a')?.live?.steps).toBeGreaterThanOrEqual(95);
  expect(engine.store.turns.length).toBe(turns);
});

test('a commit tells how long it took, and how long it was waited for', async () => {
  const engine = await startEngine([jobOf('a')]);
  const told: EventMap['storeCommitted'][] = [];
  using _ = engine.scheduler.events.on('storeCommitted', (event) => void told.push(event));
  engine.store.hold();
  await engine.clock.advance(MINUTE + 2 * SECOND);
  const asked = engine.scheduler.trigger('a');
  await engine.clock.advance(3 * SECOND);
  engine.store.letGo();
  await engine.clock.waitFor(asked);
  expect(told).toEqual([
    { forMs: 5 * SECOND, waitedMs: 0 },
    { forMs: 0, waitedMs: 3 * SECOND },
  ]);
});

test('force is told once, when the grace is over', async () => {
  const engine = await startEngine([jobOf('a')], { script: stubborn(3 * SECOND) });
  await engine.clock.advance(MINUTE + 50 * SECOND);
  expect(engine.of('runForced')).toMatchObject([{ job: 'a', fence: 1, stage: 'grace' }]);
  expect(engine.of('runEnded')).toMatchObject([{ outcome: 'killed' }]);
});

test('force that worked at once is told with the end', async () => {
  const engine = await startEngine([jobOf('a')], { script: stubborn(0) });
  await engine.clock.advance(MINUTE + 50 * SECOND);
  expect(engine.of('runForced')).toMatchObject([{ stage: 'grace' }]);
});

test('a shutdown in a hurry tells that it used force', async () => {
  const engine = await startEngine([jobOf('a', { graceMs: MINUTE })], { script: stubborn(SECOND) });
  await engine.clock.advance(MINUTE + SECOND);
  await engine.clock.waitFor(engine.scheduler.stop(MINUTE, AbortSignal.abort()));
  expect(engine.of('runForced')).toMatchObject([{ stage: 'hurry' }]);
});

test('a run that ends when it is asked to needs no force', async () => {
  const engine = await startEngine([jobOf('a')], { script: () => ({ ...stubborn(0)(), stopDelayMs: 10 }) });
  await engine.clock.advance(MINUTE + 50 * SECOND);
  expect(engine.of('runEnded')).toMatchObject([{ outcome: 'timedOut' }]);
  expect(engine.of('runForced')).toEqual([]);
});
