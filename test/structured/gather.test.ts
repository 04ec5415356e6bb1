import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Work } from '../../src/core/context.ts';
import { gather } from '../../src/structured/gather.ts';
import { setup } from './setup.ts';

function lasting(seconds: number): Work<number> {
  return async ({ sleep }) => {
    await sleep(seconds * 1_000);
    return seconds;
  };
}

test('tasks of 1, 3 and 2 s within 2.5 s: the first and the third give results, the second is cancelled and marked', async () => {
  using bundle = setup();
  const works = [1, 3, 2].map(lasting);
  const results = await bundle.clock.waitFor(gather(bundle.context, works, { mode: 'settled', timeoutMs: 2_500 }));
  expect(results).toMatchObject([
    { status: 'fulfilled', value: 1 },
    { status: 'cancelled', reason: { code: 'DEADLINE_EXCEEDED' }, started: true },
    { status: 'fulfilled', value: 2 },
  ]);
  expect([bundle.clock.monotonic(), bundle.clock.timers]).toEqual([2_500, 0]);
});

test('one failure does not lose the results of the others, if settled results are asked for', async () => {
  using bundle = setup();
  const no = new Error('no');
  const works = [lasting(1), () => Promise.reject<number>(no), lasting(2)];
  const results = await bundle.clock.waitFor(gather(bundle.context, works, { mode: 'settled' }));
  expect(results).toEqual([
    { status: 'fulfilled', value: 1 },
    { status: 'rejected', reason: no },
    { status: 'fulfilled', value: 2 },
  ]);
});

test('one failure cancels the others, if all are asked for, and comes out when they have ended', async () => {
  using bundle = setup();
  const { clock, context } = bundle;
  const ends: number[] = [];
  const cleansUp: Work<number> = async ({ sleep }) => {
    await sleep(5_000).catch(async () => context.sleep(300));
    return ends.push(clock.monotonic());
  };
  const fails: Work<number> = async ({ sleep }) => {
    await sleep(1_000);
    throw new Error('no');
  };
  await expect(clock.waitFor(gather(context, [cleansUp, fails, cleansUp]))).rejects.toMatchObject({
    code: 'TASK_FAILED',
    message: 'task 2: no',
    cause: { message: 'no' },
  });
  expect(ends).toEqual([1_300, 1_300]);
});

test('all within a timeout that is too short: the deadline comes out when the tasks have ended', async () => {
  using bundle = setup();
  const all = gather(bundle.context, [lasting(1), lasting(3)], { timeoutMs: 2_000 });
  await expect(bundle.clock.waitFor(all)).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  expect(bundle.clock.monotonic()).toBe(2_000);
});

test('a task that ignores its cancellation is waited for, and its value is not thrown away', async () => {
  using bundle = setup();
  const stubborn: Work<string> = async () => {
    await bundle.context.sleep(400);
    return 'late';
  };
  const results = await bundle.clock.waitFor(gather(bundle.context, [stubborn], { mode: 'settled', timeoutMs: 100 }));
  expect(results).toEqual([{ status: 'fulfilled', value: 'late' }]);
  expect(bundle.clock.monotonic()).toBe(400);
});

test('tasks whose turn has not come when the time is over are not started, and say so', async () => {
  using bundle = setup();
  const works = [lasting(1), lasting(1), lasting(1)];
  const results = await bundle.clock.waitFor(
    gather(bundle.context, works, { mode: 'settled', concurrency: 1, timeoutMs: 1_500 }),
  );
  expect(results).toMatchObject([
    { status: 'fulfilled' },
    { status: 'cancelled', started: true },
    { status: 'cancelled', started: false },
  ]);
});

test('the reason from above comes out of all, and marks the settled', async () => {
  using bundle = setup();
  const parent = bundle.context.withCancel();
  const all = gather(parent, [lasting(1)]);
  const settled = parent.gather([lasting(1)], { mode: 'settled' });
  parent.cancel('stop');
  await expect(bundle.clock.waitFor(all)).rejects.toBe('stop');
  expect(await settled).toEqual([{ status: 'cancelled', reason: 'stop', started: true }]);
});

test('a task that throws before its first await is a failure like any other', async () => {
  using bundle = setup();
  const throws = (): number => {
    throw new Error('at once');
  };
  await expect(gather(bundle.context, [throws])).rejects.toMatchObject({ message: 'task 1: at once' });
});

test('ten tasks, three at a time: never more than three are live, and the results are in the order of the input', async () => {
  using bundle = setup();
  let [live, most] = [0, 0];
  const works = Array.from({ length: 10 }, (_, index): Work<number> => async ({ sleep }) => {
    most = Math.max(most, ++live);
    await sleep(((index * 7) % 10) * 10);
    live--;
    return index;
  });
  const results = await bundle.clock.waitFor(bundle.context.gather(works, { concurrency: 3 }));
  expect([results, most]).toEqual([[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 3]);
});

test('whatever the tasks do: bounds are kept, order is kept, each is called at most once, and none is live at the end', async () => {
  const task = fc.record({ ms: fc.nat(100), fails: fc.boolean(), heeds: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(
      fc.array(task, { maxLength: 30 }),
      fc.integer({ min: 1, max: 6 }),
      fc.option(fc.nat(200), { nil: undefined }),
      async (tasks, concurrency, timeoutMs) => {
        using bundle = setup();
        let [live, most] = [0, 0];
        const calls = tasks.map(() => 0);
        const works = tasks.map(({ ms, fails, heeds }, index): Work<number> => async (context) => {
          calls[index]!++;
          most = Math.max(most, ++live);
          try {
            await (heeds ? context : bundle.context).sleep(ms);
            if (fails) throw new Error(`${index}`);
            return index;
          } finally {
            live--;
          }
        });
        const options = { concurrency, ...(timeoutMs === undefined ? {} : { timeoutMs }) };
        const results = await bundle.clock.waitFor(gather(bundle.context, works, { ...options, mode: 'settled' }));
        expect(live).toBe(0);
        expect(most).toBeLessThanOrEqual(concurrency);
        expect(results).toHaveLength(tasks.length);
        for (const [index, result] of results.entries()) {
          if (result.status === 'fulfilled') expect(result.value).toBe(index);
          if (result.status === 'rejected') expect(result.reason).toMatchObject({ message: `${index}` });
          expect(calls[index]).toBe(result.status === 'cancelled' && !result.started ? 0 : 1);
          if (timeoutMs === undefined) expect(result.status).toBe(tasks[index]!.fails ? 'rejected' : 'fulfilled');
        }
      },
    ),
    { numRuns: 150 },
  );
});
