import { expect, test } from 'vitest';
import { JOB_DEFAULTS } from '../../src/core/job.ts';
import type { RunObserver, RunOrder } from '../../src/core/ports.ts';
import type { TaskContext } from '../../src/core/task.ts';
import { RunLoop } from '../../src/engine/run-loop.ts';
import { SharedTurn } from '../../src/engine/turn.ts';
import { createVirtualClock } from '../../src/testing/virtual-clock.ts';

function setup(stepMs: number, awaitsSaves = true) {
  const clock = createVirtualClock();
  const updates: { readonly steps: number; readonly waits: boolean | undefined }[] = [];
  const observer: RunObserver = {
    stepped: ({ steps, waits }) => void updates.push({ steps, waits }),
    stopping() {},
    blocked() {},
    stalled() {},
    line() {},
  };
  const order: RunOrder = {
    job: { ...JOB_DEFAULTS, name: 'walk', task: { kind: 'function', target: undefined } },
    runId: 'run',
    tick: 0,
    fence: 1,
    attempt: 1,
    input: undefined,
    checkpoint: undefined,
    deadline: clock.now() + 1_000,
    budgetEnd: clock.monotonic() + 1_000,
    graceMs: 100,
    stepTimeoutMs: undefined,
    awaitsSaves,
  };
  const started: number[] = [];
  const handler = {
    async handleTimeoutTask(context: TaskContext) {
      started.push(context.step);
      await context.sleep(stepMs);
      return { done: context.step === 20, checkpoint: context.step };
    },
  };
  const loop = new RunLoop(() => handler, order, observer, { clock, turn: new SharedTurn(clock) });
  return { clock, loop, updates, started };
}

test('begins no step after a long one before its checkpoint is durable', async () => {
  const { clock, loop, updates, started } = setup(20);
  await clock.advance(500);
  expect(started).toEqual([1]);
  expect(updates).toEqual([{ steps: 1, waits: true }]);
  loop.saved(1);
  await clock.advance(100);
  expect(started).toEqual([1, 2]);
});

test('lets short steps go on for 50 ms at a time', async () => {
  const { clock, loop, updates, started } = setup(4);
  await clock.advance(500);
  const ahead = started.length;
  expect(ahead).toBeGreaterThan(10);
  expect(ahead).toBeLessThan(16);
  expect(updates.every(({ waits }) => waits !== true)).toBe(true);
  loop.saved(ahead - 1);
  await clock.advance(10);
  expect(started.length).toBeGreaterThan(ahead);
});

test('is ended by its budget while it waits, unfinished, with the checkpoint of its last step', async () => {
  const { clock, loop } = setup(20);
  await clock.advance(2_000);
  expect(await loop.ended).toMatchObject({ outcome: 'unfinished', steps: 1, checkpoint: '1' });
});

test('is ended by a stop while it waits', async () => {
  const { clock, loop } = setup(20);
  await clock.advance(100);
  loop.stop({ kind: 'cancel', by: 'test' });
  await clock.advance(1);
  expect(await loop.ended).toMatchObject({ outcome: 'cancelled', steps: 1 });
});

test('waits for nothing when nobody tells what is durable', async () => {
  const { clock, loop } = setup(20, false);
  await clock.advance(500);
  expect(await loop.ended).toMatchObject({ outcome: 'succeeded', steps: 20 });
});
