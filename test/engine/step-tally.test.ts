import { expect, test } from 'vitest';
import type { RunObserver, RunOrder } from '../../src/core/ports.ts';
import { addDurations, classOf, STEP_BOUNDS_MS, type StepDurations } from '../../src/core/step-durations.ts';
import type { TaskContext } from '../../src/core/task.ts';
import { AsyncTasks } from '../../src/engine/async-task.ts';
import { RunLoop } from '../../src/engine/run-loop.ts';
import { SharedTurn } from '../../src/engine/turn.ts';
import { createVirtualClock } from '../../src/testing/virtual-clock.ts';
import { HOUR, jobOf, SECOND } from './engine.ts';

type Handle = (context: TaskContext) => unknown;

/** Runs a handler to its end. @returns all reports added up, and how many there were while it ran */
async function durationsOf(find: () => unknown, clock = createVirtualClock()): Promise<[StepDurations | undefined, number]> {
  const told: StepDurations[] = [];
  const order: RunOrder = {
    job: jobOf('a'),
    runId: 'r',
    tick: 0,
    fence: 1,
    attempt: 1,
    input: undefined,
    checkpoint: undefined,
    deadline: HOUR,
    budgetEnd: HOUR,
    graceMs: SECOND,
    stepTimeoutMs: undefined,
  };
  const observer: RunObserver = {
    stepped: ({ durations }) => void (durations === undefined || told.push(durations)),
    stopping() {},
    blocked() {},
    stalled() {},
    line() {},
  };
  const loop = new RunLoop(find, order, observer, { clock, turn: new SharedTurn(clock) });
  const { durations } = await clock.waitFor(loop.ended);
  return [[...told, durations].reduce(addDurations, undefined), told.length];
}

function steps(handle: Handle): () => unknown {
  return () => ({ handleTimeoutTask: handle });
}

/** Counts in classes, those without any left out. */
function classes(durations: StepDurations | undefined): Record<string, number> {
  const named = durations?.buckets.map((count, index): [string, number] => [String(STEP_BOUNDS_MS[index] ?? 'more'), count]);
  return Object.fromEntries(named?.filter(([, count]) => count > 0) ?? []);
}

test('each step falls into the class of its duration, the first and the last included', async () => {
  const took = [300, 0, 4, 70, 0, 0, 2_000, 61_000, 1, 5];
  const [durations] = await durationsOf(
    steps(async ({ step, sleep }) => {
      await sleep(took[step - 1] ?? 0);
      return step === took.length;
    }),
  );
  expect(durations).toMatchObject({ count: 10, totalMs: 63_380 });
  expect(classes(durations)).toEqual({ 1: 4, 5: 2, 100: 1, 500: 1, 5000: 1, more: 1 });
});

test.each([
  ['checkpoints', (done: boolean) => ({ done, checkpoint: 1 })],
  ['progress', (done: boolean) => ({ done, progress: { completed: 1 } })],
  ['nothing', (done: boolean) => done],
])('steps that come back with %s are counted once each, and the time between them is not', async (_, back) => {
  const [durations] = await durationsOf(
    steps(async ({ step, sleep }) => {
      await sleep(20);
      return back(step === 100);
    }),
  );
  expect([durations?.count, durations?.totalMs, classes(durations)]).toEqual([100, 2_000, { 50: 100 }]);
});

test('a wait between steps is no part of a step', async () => {
  const [durations] = await durationsOf(steps(({ step }) => ({ done: step === 3, waitMs: 10 * SECOND })));
  expect(durations).toMatchObject({ count: 3, totalMs: 0 });
});

test('a step that throws is counted', async () => {
  const [durations] = await durationsOf(
    steps(async ({ sleep }) => {
      await sleep(30);
      throw new Error('no');
    }),
  );
  expect(durations).toMatchObject({ count: 1, totalMs: 30 });
});

test('steps that return at once are counted together', async () => {
  let left = 100_000;
  const [durations] = await durationsOf(steps(() => --left === 0));
  expect([durations?.count, classes(durations)]).toEqual([100_000, { 1: 100_000 }]);
});

test('what is gathered is told about once a second', async () => {
  const [durations, told] = await durationsOf(
    steps(async ({ step, sleep }) => {
      await sleep(40);
      return step === 250;
    }),
  );
  expect(durations).toMatchObject({ count: 250, totalMs: 10 * SECOND });
  expect(told).toBeGreaterThanOrEqual(8);
  expect(told).toBeLessThanOrEqual(10);
});

test('the steps of a loop within a step are counted in its place', async () => {
  const clock = createVirtualClock();
  const inner = async ({ step, sleep }: TaskContext): Promise<boolean> => {
    await sleep(600);
    return step === 5;
  };
  const task = new AsyncTasks(clock).timeoutTask({ handleTimeoutTask: inner }, { budget: '1h' });
  const [durations] = await durationsOf(() => task, clock);
  expect([durations?.count, durations?.totalMs, classes(durations)]).toEqual([5, 3_000, { 1000: 5 }]);
});

test('an attempt without a step has nothing to tell', async () => {
  const [durations] = await durationsOf(() => {
    throw new Error('no such module');
  });
  expect(durations).toBeUndefined();
});

test('a class includes its bound', () => {
  expect([0, 1, 1.001, 60_000, 60_001].map(classOf)).toEqual([0, 0, 1, 9, 10]);
});
