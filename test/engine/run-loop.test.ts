import { expect, test } from 'vitest';
import type { AttemptEnd, LiveAttempt, RunObserver, RunOrder } from '../../src/core/ports.ts';
import type { TaskContext } from '../../src/core/task.ts';
import { RunLoop } from '../../src/engine/run-loop.ts';
import { SharedTurn } from '../../src/engine/turn.ts';
import { createVirtualClock, type VirtualClock } from '../../src/testing/virtual-clock.ts';
import { jobOf, SECOND } from './engine.ts';

interface Bundle {
  readonly clock: VirtualClock;
  readonly loop: LiveAttempt;
  readonly told: string[];
  readonly end: () => Promise<AttemptEnd>;
}

function setup(find: () => unknown, own: Partial<RunOrder> = {}): Bundle {
  const clock = createVirtualClock();
  const told: string[] = [];
  const order: RunOrder = {
    job: jobOf('a'),
    runId: 'r',
    tick: 0,
    fence: 1,
    attempt: 1,
    input: undefined,
    checkpoint: undefined,
    deadline: 0,
    budgetEnd: 10 * SECOND,
    graceMs: SECOND,
    stepTimeoutMs: undefined,
    ...own,
  };
  const observer = {
    stepped: ({ checkpoint, durations }: Parameters<RunObserver['stepped']>[0]): void => {
      if (durations === undefined) told.push(`checkpoint ${checkpoint}`);
    },
    stopping: ({ kind }: { kind: string }): void => void told.push(`stopping ${kind}`),
    blocked: (what: string): void => void told.push(`blocked ${what}`),
    stalled: (): void => void told.push('stalled'),
    line: (): void => {},
  };
  const loop = new RunLoop(find, order, observer, { clock, turn: new SharedTurn(clock), lateNote: 'late' });
  return { clock, loop, told, end: () => clock.waitFor(loop.ended) };
}

function steps(handle: (context: TaskContext) => unknown): () => unknown {
  return () => ({ handleTimeoutTask: handle });
}

test('a step that is under way when the budget ends is asked to stop, and no other follows', async () => {
  let calls = 0;
  const { end, clock, told } = setup(
    steps(async ({ sleep }) => {
      calls++;
      await sleep(4 * SECOND);
      return false;
    }),
  );
  expect(await end()).toMatchObject({ outcome: 'timedOut', steps: 3, stop: { kind: 'budget' }, error: undefined });
  expect([calls, clock.monotonic(), told]).toEqual([3, 10 * SECOND, ['stopping budget']]);
});

test('a step that comes back in good order although asked to stop leaves its run unfinished', async () => {
  const { end, clock } = setup(
    steps(async () => {
      await Promise.resolve();
      await new Promise<void>((resolve) => void clock.setTimer(10.5 * SECOND, resolve));
      return { done: false, checkpoint: 'kept' };
    }),
  );
  expect(await end()).toMatchObject({ outcome: 'unfinished', checkpoint: '"kept"' });
});

test('a budget that is spent between steps leaves the run unfinished without a stop', async () => {
  const { end, told, clock } = setup(steps(() => ({ done: false, checkpoint: 1, waitMs: 60 * SECOND })));
  expect(await end()).toMatchObject({ outcome: 'unfinished', stop: undefined, steps: 1 });
  expect([clock.monotonic(), told]).toEqual([10 * SECOND, ['checkpoint 1']]);
});

test('a checkpoint is what it was when its step came back', async () => {
  const state = { at: 1 };
  const { end, told } = setup(
    steps(({ step }) => {
      if (step === 1) return { done: false, checkpoint: state };
      state.at = 99;
      throw new Error('no');
    }),
  );
  expect(await end()).toMatchObject({ outcome: 'failed', checkpoint: '{"at":1}' });
  expect(told).toEqual(['checkpoint {"at":1}']);
});

test.each([undefined, null, 1, 'done', [], {}, { done: 'yes' }, { done: true, waitMs: -1 }, { done: false, progress: {} }])(
  'a step that returns %j fails its run, named, with what is legal',
  async (returned) => {
    const { end } = setup(steps(() => returned));
    const { outcome, error } = await end();
    expect(outcome).toBe('failed');
    expect(error?.code).toBe('STEP_RESULT_INVALID');
    expect(error?.message).toMatch(/^job a: a step returned .*legal are: true \(done\)/);
  },
);

test('a throw before the first await is a failure like any other', async () => {
  const { end } = setup(() => {
    throw new Error('at once');
  });
  expect(await end()).toMatchObject({ outcome: 'failed', error: { message: 'at once' } });
});

test('a task that is never found spends the budget and is then late', async () => {
  const { loop, clock, told } = setup(() => new Promise(() => {}));
  void loop.ended.then(() => told.push('proved'));
  await clock.advance(20 * SECOND);
  expect(told).toEqual(['stopping budget', 'blocked late']);
});

test.each([[false], [{ done: false }], [{ done: false, waitMs: 0 }]])(
  'a run whose steps come back with %j and nothing done is flagged as stalled, and slowed down',
  async (returned) => {
    let calls = 0;
    const { end, told } = setup(
      steps(() => {
        calls++;
        return returned;
      }),
    );
    expect(await end()).toMatchObject({ outcome: 'unfinished', stalled: true });
    expect(told).toEqual(['stalled']);
    expect(calls).toBeLessThan(5_000_300);
  },
);

test('the first reason to stop wins', async () => {
  const { loop, end, told } = setup(steps(({ sleep }) => sleep(8 * SECOND)));
  loop.stop({ kind: 'cancel', by: 'me' });
  loop.stop({ kind: 'shutdown' });
  expect(await end()).toMatchObject({ outcome: 'cancelled', stop: { by: 'me' } });
  expect(told).toEqual(['stopping cancel']);
});

test('a step that takes longer than its limit is asked to stop', async () => {
  const { end, clock } = setup(
    steps(async ({ sleep, step }) => {
      await sleep(step * SECOND);
      return { done: false, checkpoint: step };
    }),
    { stepTimeoutMs: 2_500 },
  );
  expect(await end()).toMatchObject({ outcome: 'timedOut', stop: { kind: 'stepTimeout', limitMs: 2_500 }, checkpoint: '2' });
  expect(clock.monotonic()).toBe(5_500);
});

test('steps that return at once let others have their turn', async () => {
  const clock = createVirtualClock();
  const turn = new SharedTurn({ ...clock, monotonic: () => clock.monotonic(), defer: (callback) => clock.defer(callback) });
  expect(turn.isSpent(0)).toBe(false);
  expect(turn.isSpent(4.9)).toBe(false);
  expect(turn.isSpent(5)).toBe(true);
  const woken: string[] = [];
  void turn.giveWay().then(() => woken.push('a'));
  void turn.giveWay().then(() => woken.push('b'));
  await clock.step();
  expect(woken).toEqual(['a', 'b']);
});
