import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { StepResult, TaskContext, TimeoutTaskHandler } from '../../src/core/task.ts';
import { createVirtualClock, type LoggedLine, runTick } from '../../src/testing/kit.ts';
import { timeoutTask } from '../../src/library.ts';

/** Ten items, a second each. */
class TenItems implements TimeoutTaskHandler<number> {
  readonly handled: number[] = [];

  async handleTimeoutTask(context: TaskContext<number>): Promise<StepResult<number>> {
    await context.sleep(1_000);
    const item = (context.checkpoint ?? 0) + 1;
    this.handled.push(item);
    return item === 10 ? { done: true, result: 'all ten' } : { done: false, checkpoint: item };
  }
}

test('runs a handler to its end in no time', async () => {
  const clock = createVirtualClock();
  const outcome = await runTick(new TenItems(), { clock });
  expect(outcome).toMatchObject({ outcome: 'succeeded', steps: 10, result: 'all ten', checkpoint: undefined });
  expect(clock.monotonic()).toBe(10_000);
});

test('spends the budget, and goes on from the checkpoint', async () => {
  const task = new TenItems();
  const first = await runTick(task, { budget: '4500ms', clock: createVirtualClock() });
  expect(first).toMatchObject({ outcome: 'timedOut', checkpoint: 4, stop: { kind: 'budget' } });
  const second = await runTick(task, { budget: '1m', checkpoint: first.checkpoint, clock: createVirtualClock() });
  expect(second).toMatchObject({ outcome: 'succeeded', steps: 6 });
  expect(task.handled).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
});

test('dies after the steps that it was told to, and hands out what was saved', async () => {
  const task = new TenItems();
  const died = await runTick(task, { killAtStep: 3 });
  expect(died).toMatchObject({ outcome: 'killed', steps: 3, checkpoint: 3, error: undefined });
  await runTick(task, { checkpoint: died.checkpoint });
  expect(task.handled).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
});

test('ends as it would when it is done before its death', async () => {
  expect(await runTick(new TenItems(), { killAtStep: 10 })).toMatchObject({ outcome: 'succeeded', steps: 10 });
});

test('takes a class, a function that returns a handler, and a plain function', async () => {
  expect(await runTick(TenItems, { killAtStep: 2 })).toMatchObject({ outcome: 'killed', checkpoint: 2 });
  expect(await runTick(() => new TenItems(), { killAtStep: 2 })).toMatchObject({ outcome: 'killed', checkpoint: 2 });
  expect(await runTick(async ({ input }: TaskContext) => ({ got: input }), { input: 7 })).toMatchObject({
    outcome: 'succeeded',
    result: { got: 7 },
  });
});

test('runs an AsyncTask by the virtual clock, its own bounds included', async () => {
  const clock = createVirtualClock();
  const outcome = await runTick(timeoutTask(new TenItems(), { budget: '2500ms' }), { clock });
  expect(outcome).toMatchObject({ outcome: 'timedOut', checkpoint: 2 });
  expect(clock.monotonic()).toBe(2_500);
});

test('tells the task what it was given', async () => {
  const seen = await runTick(
    (context: TaskContext) => [context.job, context.tick, context.attempt, context.fence, context.value('key')],
    {
      job: 'import',
      tick: 5,
      attempt: 2,
      fence: 9,
      values: new Map([['key', 'value']]),
    },
  );
  expect(seen.result).toEqual(['import', 5, 2, 9, 'value']);
});

test('collects what the task logs', async () => {
  const lines: LoggedLine[] = [];
  await runTick(({ log }: TaskContext) => log.warn('careful', { at: 1 }), { onLine: (line) => lines.push(line) });
  expect(lines).toEqual([{ level: 'warn', text: 'careful', fields: { at: 1 } }]);
});

test('cancels the run when its signal aborts', async () => {
  const clock = createVirtualClock();
  const controller = new AbortController();
  clock.setTimer(1_500, () => controller.abort());
  expect(await runTick(new TenItems(), { clock, signal: controller.signal })).toMatchObject({
    outcome: 'cancelled',
    checkpoint: 1,
  });
});

test('stops a step that takes longer than its limit', async () => {
  expect(await runTick(new TenItems(), { stepTimeout: '800ms' })).toMatchObject({
    outcome: 'timedOut',
    stop: { kind: 'stepTimeout' },
  });
});

test('makes an outcome of what a step throws, and of a step that returns nothing', async () => {
  const failed = await runTick({ handleTimeoutTask: () => Promise.reject(new Error('no')) });
  expect(failed).toMatchObject({ outcome: 'failed', error: { message: 'no' } });
  const silent = await runTick({ handleTimeoutTask: () => undefined }, { job: 'silent' });
  expect(silent).toMatchObject({
    outcome: 'failed',
    error: { code: 'STEP_RESULT_INVALID', message: expect.stringContaining('job silent') },
  });
});

test('says so when a task can never end', async () => {
  await expect(runTick(() => new Promise(() => {}))).rejects.toThrow('nothing is left to do');
});

test('gives real files their time before it jumps', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tickwise-kit-'));
  const copies: TimeoutTaskHandler<number> = {
    async handleTimeoutTask({ checkpoint = 0 }) {
      await writeFile(join(folder, `${checkpoint}`), await readFile(import.meta.filename));
      return checkpoint === 20 ? true : { done: false, checkpoint: checkpoint + 1 };
    },
  };
  const outcome = await runTick(copies, { budget: '10ms' });
  await rm(folder, { recursive: true });
  expect(outcome).toMatchObject({ outcome: 'succeeded', steps: 21 });
});
