import { expect, test } from 'vitest';
import type { TaskGroup } from '../../src/core/context.ts';
import { openGroup, runGroup } from '../../src/structured/task-group.ts';
import { type Bundle, setup } from './setup.ts';

/** Says when it was cleaned up, which takes it 100 ms. */
function careful(
  { context: root, clock }: Bundle,
  course: string[],
  name: string,
  ms: number,
): Parameters<TaskGroup['start']>[0] {
  return async (context) => {
    try {
      await context.sleep(ms);
      course.push(`${name} done at ${clock.monotonic()}`);
    } catch (error) {
      await root.sleep(100);
      course.push(`${name} cleaned up at ${clock.monotonic()}`);
      throw error;
    }
  };
}

test('the block ends when its tasks have ended', async () => {
  using bundle = setup();
  const course: string[] = [];
  const block = async (): Promise<void> => {
    await using group = openGroup(bundle.context);
    void group.start(careful(bundle, course, 'a', 300));
    void group.start(careful(bundle, course, 'b', 100));
  };
  await bundle.clock.waitFor(block());
  expect(course).toEqual(['b done at 100', 'a done at 300']);
});

test('the first failure cancels its siblings, all clean up, and it comes out with its context', async () => {
  using bundle = setup();
  const course: string[] = [];
  const boom = new Error('boom');
  const block = async (): Promise<void> => {
    await using group = bundle.context.group();
    void group.start(careful(bundle, course, 'a', 1_000));
    void group.start(async ({ sleep }) => {
      await sleep(200);
      throw boom;
    }, 'import of page 7');
    void group.start(careful(bundle, course, 'c', 1_000));
  };
  const failure = await bundle.clock.waitFor(block().catch((error: unknown) => error));
  expect(failure).toMatchObject({ code: 'TASK_FAILED', message: 'import of page 7: boom', facts: { task: 'import of page 7' } });
  expect((failure as Error).cause).toBe(boom);
  expect(course).toEqual(['a cleaned up at 300', 'c cleaned up at 300']);
});

test('a failure during the clean-up hides nothing: the first one comes out', async () => {
  using bundle = setup();
  const group = openGroup(bundle.context);
  void group.start(() => Promise.reject(new Error('first')));
  void group.start(async ({ sleep }) => sleep(100).catch(() => Promise.reject(new Error('second'))));
  await expect(bundle.clock.waitFor(group.wait())).rejects.toMatchObject({ message: 'task 1: first' });
});

test('three tasks of 5 s that are cancelled at 2 s all say so, and the group ends only then', async () => {
  using bundle = setup();
  const { clock, context } = bundle;
  const course: string[] = [];
  const group = openGroup(context);
  for (const name of ['a', 'b', 'c']) void group.start(careful(bundle, course, name, 5_000));
  clock.setTimer(2_000, () => group.cancel());
  await clock.waitFor(group.wait());
  expect(course).toEqual(['a cleaned up at 2100', 'b cleaned up at 2100', 'c cleaned up at 2100']);
  expect(clock.monotonic()).toBe(2_100);
});

test('a group that is cut short from above throws the reason from above', async () => {
  using bundle = setup();
  const parent = bundle.context.withTimeout(500);
  const group = parent.group();
  void group.start(({ sleep }) => sleep(1_000));
  const thrown: unknown = await bundle.clock.waitFor(group.wait().catch((error: unknown) => error));
  expect(thrown).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  expect(parent.signal.reason).toBe(thrown);
});

test('tasks that tasks have started are awaited too', async () => {
  using bundle = setup();
  const group = openGroup(bundle.context);
  let ended = 0;
  void group.start(async ({ sleep }) => {
    await sleep(10);
    void group.start(async (context) => {
      await context.sleep(10);
      ended++;
    });
    ended++;
  });
  await bundle.clock.waitFor(group.wait());
  expect([ended, group.live]).toEqual([2, 0]);
});

test('gives each task its own result, and a failure that was awaited once is not thrown again by the end of the block', async () => {
  using bundle = setup();
  await using group = openGroup(bundle.context);
  const sum = group.start(() => 1 + 1);
  const failed = group.start((): number => {
    throw new Error('no');
  });
  expect(await sum).toBe(2);
  await expect(failed).rejects.toThrow('no');
  await expect(group.wait()).rejects.toMatchObject({ code: 'TASK_FAILED' });
});

test('starts nothing once it is cancelled, and refuses once it has ended', async () => {
  using bundle = setup();
  const group = openGroup(bundle.context);
  group.cancel('enough');
  let started = false;
  await expect(group.start(() => (started = true))).rejects.toBe('enough');
  await group[Symbol.asyncDispose]();
  expect(() => group.start(() => 1)).toThrow(expect.objectContaining({ code: 'SCOPE_CLOSED' }));
  expect(started).toBe(false);
});

test('a function that throws takes its tasks down with it, and its error comes out when they have ended', async () => {
  using bundle = setup();
  const course: string[] = [];
  const boom = new Error('body');
  const run = runGroup(bundle.context, async (group) => {
    void group.start(careful(bundle, course, 'a', 1_000));
    await bundle.context.sleep(50);
    throw boom;
  });
  await expect(bundle.clock.waitFor(run)).rejects.toBe(boom);
  expect(course).toEqual(['a cleaned up at 150']);
});

test('a function that awaits a task that fails gives that task its name', async () => {
  using bundle = setup();
  const run = runGroup(bundle.context, async (group) => group.start(() => Promise.reject(new Error('no')), 'upload'));
  await expect(run).rejects.toMatchObject({ code: 'TASK_FAILED', message: 'upload: no' });
});

test('a function gives what it returns when all tasks have ended', async () => {
  using bundle = setup();
  const course: string[] = [];
  const run = runGroup(bundle.context, (group) => {
    void group.start(careful(bundle, course, 'a', 100));
    return 7;
  });
  expect(await bundle.clock.waitFor(run)).toBe(7);
  expect(course).toEqual(['a done at 100']);
});
