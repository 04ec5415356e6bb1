import { expect, test } from 'vitest';
import { type Job, JOB_DEFAULTS } from '../../src/core/job.ts';
import type { LiveAttempt, RunOrder } from '../../src/core/ports.ts';
import type { AttemptScript } from '../../src/testing/script.ts';
import { createScriptedRunner } from '../../src/testing/scripted-runner.ts';
import { createVirtualClock, type VirtualClock } from '../../src/testing/virtual-clock.ts';

const JOB: Job = { ...JOB_DEFAULTS, name: 'a', task: { kind: 'function', target: undefined } };
const STEP = { takesMs: 100, checkpoint: 1 };

interface Bundle {
  readonly clock: VirtualClock;
  readonly attempt: LiveAttempt;
  /** What the observer and the watch were told, with the instant. */
  readonly told: string[];
  readonly live: () => number;
}

function setup(script: AttemptScript, order: Partial<RunOrder> = {}): Bundle {
  const clock = createVirtualClock();
  const told: string[] = [];
  const tell = (text: string): number => told.push(`${clock.monotonic()} ${text}`);
  const runner = createScriptedRunner(clock, () => script, {
    began: () => tell('began'),
    stepBegan: (_, step) => tell(`step ${step}`),
    stepEnded: (_, checkpoint) => tell(`came back ${checkpoint}`),
    ended: (_, end) => tell(`proved ${end.outcome}`),
  });
  const attempt = runner.start(
    {
      job: JOB,
      runId: 'r',
      tick: 0,
      fence: 1,
      attempt: 1,
      input: undefined,
      checkpoint: undefined,
      deadline: clock.now() + 1_000,
      budgetEnd: 1_000,
      graceMs: 50,
      stepTimeoutMs: undefined,
      ...order,
    },
    {
      stepped: ({ checkpoint }) => tell(`stepped ${checkpoint}`),
      stopping: ({ kind }) => tell(`stopping ${kind}`),
      blocked: (what) => tell(`blocked ${what}`),
      stalled: () => tell('stalled'),
      line: () => {},
    },
  );
  return { clock, attempt, told, live: () => runner.live().length };
}

test('takes the time that its steps take, and hands their checkpoints on', async () => {
  const { clock, attempt, told } = setup({ steps: [STEP, { takesMs: 20, checkpoint: { at: 2 } }] });
  expect(await clock.waitFor(attempt.ended)).toMatchObject({ outcome: 'succeeded', steps: 2, checkpoint: '{"at":2}' });
  expect(told).toEqual([
    '0 began',
    '0 step 1',
    '100 came back 1',
    '100 stepped 1',
    '100 step 2',
    '120 came back {"at":2}',
    '120 proved succeeded',
  ]);
});

test('clears the checkpoint when the last step gives none', async () => {
  const { clock, attempt } = setup({ steps: [STEP, { takesMs: 20 }] }, { checkpoint: '"old"' });
  expect(await clock.waitFor(attempt.ended)).toMatchObject({ outcome: 'succeeded', checkpoint: undefined });
});

test('keeps the last good checkpoint when a step throws', async () => {
  const { clock, attempt } = setup({ steps: [STEP, { takesMs: 20, throws: 'no' }] });
  expect(await clock.waitFor(attempt.ended)).toMatchObject({ outcome: 'failed', checkpoint: '1', error: { message: 'no' } });
});

test('starts no step after the budget', async () => {
  const { clock, attempt, told } = setup({ steps: Array.from({ length: 20 }, () => ({ takesMs: 500, checkpoint: 1 })) });
  expect(await clock.waitFor(attempt.ended)).toMatchObject({ outcome: 'unfinished', steps: 2 });
  expect(told.filter((line) => line.includes('step ')).at(-1)).toBe('500 step 2');
});

test('ends a wait between steps with the budget', async () => {
  const { clock, attempt } = setup({ steps: [{ ...STEP, waitMs: 5_000 }, STEP] });
  expect(await clock.waitFor(attempt.ended)).toMatchObject({ outcome: 'unfinished', steps: 1 });
  expect(clock.monotonic()).toBe(1_000);
});

test('stops a step that overruns, and lets it give up in its own time', async () => {
  const { clock, attempt } = setup({ steps: [{ takesMs: Infinity }], stopDelayMs: 30, forceDelayMs: 0 });
  expect(await clock.waitFor(attempt.ended)).toMatchObject({ outcome: 'timedOut', stop: { kind: 'budget' } });
  expect(clock.monotonic()).toBe(1_030);
});

test('uses force when grace is over, and ends on the proof', async () => {
  const { clock, attempt, told } = setup({ steps: [{ takesMs: Infinity }], forceDelayMs: 200 });
  expect(await clock.waitFor(attempt.ended)).toMatchObject({ outcome: 'killed' });
  expect(told.slice(-3)).toEqual(['1000 stopping budget', '1050 blocked the proof is late', '1250 proved killed']);
});

test('stays blocked without force until the step comes back', async () => {
  const { clock, attempt, told, live } = setup({ steps: [{ takesMs: 7_000 }] });
  await clock.advance(6_999);
  expect([told.at(-1), live()]).toEqual(['1050 blocked there is no force', 1]);
  expect(await clock.waitFor(attempt.ended)).toMatchObject({ outcome: 'timedOut' });
  expect([clock.monotonic(), live()]).toEqual([7_000, 0]);
});

test('keeps the first reason to stop', async () => {
  const { clock, attempt, told } = setup({ steps: [{ takesMs: Infinity }], forceDelayMs: 0 });
  attempt.stop({ kind: 'cancel', by: 'me' });
  attempt.stop({ kind: 'shutdown' });
  attempt.force();
  expect(await clock.waitFor(attempt.ended)).toMatchObject({ outcome: 'killed', stop: { kind: 'cancel', by: 'me' } });
  expect(told.filter((line) => line.includes('stopping'))).toEqual(['0 stopping cancel']);
});

test('stops a step that takes longer than its limit', async () => {
  const { clock, attempt } = setup({ steps: [STEP, { takesMs: 800 }], stopDelayMs: 0 }, { stepTimeoutMs: 300 });
  expect(await clock.waitFor(attempt.ended)).toMatchObject({ outcome: 'timedOut', stop: { kind: 'stepTimeout' } });
  expect(clock.monotonic()).toBe(400);
});

test('winds down after the step that is under way', async () => {
  const { clock, attempt } = setup({ steps: [STEP, STEP] });
  attempt.windDown();
  expect(await clock.waitFor(attempt.ended)).toMatchObject({ outcome: 'unfinished', steps: 1, checkpoint: '1' });
});
