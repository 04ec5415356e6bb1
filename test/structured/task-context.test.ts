import { expect, test } from 'vitest';
import type { Context } from '../../src/core/context.ts';
import type { TaskContext } from '../../src/core/task.ts';
import { createRoot } from '../../src/structured/context.ts';
import { createVirtualClock, runTick } from '../../src/testing/kit.ts';

test('what a step derives ends with the budget at the latest, and the run is judged by its own stop', async () => {
  const clock = createVirtualClock();
  let seen: unknown;
  const task = async ({ withTimeout }: TaskContext): Promise<void> => {
    using child = withTimeout(60_000);
    await child.sleep(50_000).catch((error: unknown) => {
      seen = error;
      throw error;
    });
  };
  expect(await runTick(task, { clock, budget: '10s' })).toMatchObject({
    outcome: 'timedOut',
    stop: { kind: 'budget' },
    error: undefined,
  });
  expect(seen).toMatchObject({ code: 'RUN_STOPPED' });
});

test('a timeout of a step of its own is a failure of that step, and not of the run', async () => {
  const task = async ({ withTimeout, sleep }: TaskContext): Promise<unknown> => {
    using child = withTimeout(1_000);
    const cut = await child.sleep(5_000).catch((error: { code: string }) => error.code);
    await sleep(1_000);
    return cut;
  };
  const clock = createVirtualClock();
  expect(await runTick(task, { clock })).toMatchObject({ outcome: 'succeeded', result: 'DEADLINE_EXCEEDED' });
  expect([clock.monotonic(), clock.timers]).toEqual([2_000, 0]);
});

test('derived contexts see the values of the run, and their own', async () => {
  const task = ({ withValue, value }: TaskContext): unknown[] => [
    withValue('own', 2).value('run'),
    withValue('own', 2).value('own'),
    value('own'),
  ];
  const outcome = await runTick(task, { clock: createVirtualClock(), values: new Map([['run', 1]]) });
  expect(outcome.result).toEqual([1, 2, null]);
});

test('a group and a gather of a step are cut short with the run, and have ended when it ends', async () => {
  const clock = createVirtualClock();
  const ends: number[] = [];
  const helper = async ({ sleep }: Context): Promise<void> => {
    await sleep(60_000).finally(() => ends.push(clock.monotonic()));
  };
  const task = async (context: TaskContext): Promise<void> => {
    await using group = context.group();
    void group.start(helper);
    await context.gather([helper, helper], { concurrency: 2 });
  };
  expect(await runTick(task, { clock, budget: '10s' })).toMatchObject({ outcome: 'timedOut', error: undefined });
  expect(ends).toEqual([10_000, 10_000, 10_000]);
});

test('a lock that a step waits for is given up with the run', async () => {
  const clock = createVirtualClock();
  using other = createRoot({ clock });
  using _held = await other.lock('shared');
  const impatient = await runTick(({ lock }: TaskContext) => lock('shared'), { clock, budget: '5s' });
  expect([impatient.outcome, impatient.error, clock.monotonic()]).toEqual(['timedOut', undefined, 5_000]);
});

test('what a step left behind is cancelled when its run is over', async () => {
  const clock = createVirtualClock();
  let left: Context | undefined;
  const task = (context: TaskContext): void => {
    left = context.withTimeout(60_000);
  };
  expect(await runTick(task, { clock })).toMatchObject({ outcome: 'succeeded' });
  expect(left?.signal.aborted).toBe(true);
  expect(clock.timers).toBe(0);
});

test('a context that is made explicitly detached outlives the run', async () => {
  let detached: Context | undefined;
  const task = (context: TaskContext): void => {
    detached = context.detached();
  };
  await runTick(task, { clock: createVirtualClock() });
  expect(detached?.signal.aborted).toBe(false);
});

test('a context that is derived after the stop is cancelled from its start', async () => {
  const task = async ({ sleep, withCancel }: TaskContext): Promise<void> => {
    await sleep(60_000).catch(() => undefined);
    withCancel().signal.throwIfAborted();
  };
  const outcome = await runTick(task, { clock: createVirtualClock(), budget: '1s' });
  expect(outcome).toMatchObject({ outcome: 'timedOut', error: undefined });
});
