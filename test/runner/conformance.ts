/** What every runner promises, whatever is between it and the task. Each runner's own tests call `describeRunner`. */
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Task } from '../../src/core/job.ts';
import type { AttemptEnd, LiveAttempt, Runner, RunOrder } from '../../src/core/ports.ts';
import { addDurations } from '../../src/core/step-durations.ts';
import { clock, isAlive, orderOf, PidFile, Witness } from './setup.ts';

/** The tempers of tasks that a runner may be asked to cope with; see `fixtures/tasks.ts` for their meaning. */
export type Temper =
  | 'doneAtOnce'
  | 'threeSteps'
  | 'continues'
  | 'waitsLong'
  | 'blocksThread'
  | 'ignoresSignal'
  | 'honoursSignal'
  | 'finishesInGrace'
  | 'throwsAtOnce'
  | 'throwsLater'
  | 'exits'
  | 'rejectsUnseen'
  | 'floods'
  | 'writes'
  | 'returnsNothing'
  | 'returnsNumber'
  | 'returnsCycle'
  | 'stalls'
  | 'slowStep'
  | 'leavesGrandchild'
  | 'stopsItself';

/** A runner that shall conform. */
export interface Subject {
  readonly create: () => Runner;
  readonly task: (temper: Temper) => Task;
  /** It can end a task that does not cooperate. */
  readonly hasForce: boolean;
  /** A task that crashes takes neither daemon nor test along. */
  readonly survivesCrashes: boolean;
  /** Processes that a run leaves behind are part of the run. */
  readonly ownsProcesses: boolean;
  /** Where there is no force: lets the tasks that ignore their signal settle. */
  readonly release?: () => void;
  /** Tempers that tasks of this kind cannot have. */
  readonly without?: readonly Temper[];
}

/** What SPEC section 2 allows beyond budget and grace. */
const MARGIN_MS = 2_000;

interface Started {
  readonly order: RunOrder;
  readonly attempt: LiveAttempt;
  readonly witness: Witness;
  /** Waits for the end and checks what holds for every end. */
  readonly end: () => Promise<AttemptEnd>;
}

/** Declares the suite. */
export function describeRunner(name: string, subject: Subject): void {
  const has = (temper: Temper): boolean => !(subject.without ?? []).includes(temper);
  const may = (temper: Temper, when = true) => (has(temper) && when ? it : it.skip);
  const { hasForce, survivesCrashes, ownsProcesses } = subject;

  function setup(): {
    runner: Runner;
    start: (temper: Temper, bounds?: Parameters<typeof orderOf>[1], more?: Partial<RunOrder>) => Started;
  } {
    const runner = subject.create();
    onTestFinished(async () => runner[Symbol.asyncDispose]());
    return {
      runner,
      start(temper, bounds, more) {
        const order = orderOf(subject.task(temper), bounds, more);
        const witness = new Witness();
        const attempt = runner.start(order, witness);
        return { order, attempt, witness, end: () => proven(order, attempt, witness) };
      },
    };
  }

  describe(`runner ${name}`, () => {
    may('doneAtOnce')('succeeds with a task that is done at once', async () => {
      const { start } = setup();
      expect(await start('doneAtOnce').end()).toMatchObject({ outcome: 'succeeded', steps: 1, checkpoint: undefined });
    });

    may('continues')('tells how long each step took, once', async () => {
      const { start } = setup();
      const { end, witness } = start('continues', { budgetMs: 1_500 });
      const { steps, durations } = await end();
      const told = [...witness.steps.map((update) => update.durations), durations].reduce(addDurations, undefined);
      expect(steps).toBeGreaterThan(1);
      expect(told?.count).toBe(steps);
      expect(told?.totalMs).toBeGreaterThan(9 * steps);
      // Each step waits for 10 ms, which a timer may cut by a fraction.
      expect(told?.buckets.slice(0, 2)).toEqual([0, 0]);
    });

    may('threeSteps')('goes on step by step until done, and tells each checkpoint', async () => {
      const { start } = setup();
      const { end, witness } = start('threeSteps');
      expect(await end()).toMatchObject({
        outcome: 'succeeded',
        steps: 3,
        checkpoint: '30',
        progress: { completed: 3, total: 3 },
        result: '{"steps":3}',
      });
      expect(witness.steps.map(({ checkpoint }) => checkpoint)).toEqual(expect.arrayContaining(['10', '20']));
      expect(witness.stops).toEqual([]);
    });

    may('continues')('is unfinished when the budget is spent between steps, and goes on from the checkpoint', async () => {
      const { start } = setup();
      const first = await start('continues', { budgetMs: 1_500 }).end();
      expect(first.outcome).toBe('unfinished');
      const reached = Number(first.checkpoint);
      expect(reached).toBeGreaterThan(1);
      const second = await start('continues', { budgetMs: 1_500 }, { checkpoint: first.checkpoint }).end();
      expect(Number(second.checkpoint)).toBeGreaterThan(reached);
    });

    may('waitsLong')('does not wait beyond the budget for the next step', async () => {
      const { start } = setup();
      expect(await start('waitsLong', { budgetMs: 1_000 }).end()).toMatchObject({
        outcome: 'unfinished',
        steps: 1,
        checkpoint: '1',
      });
    });

    may('waitsLong')('cuts a wait between steps short when it is wound down', async () => {
      const { start } = setup();
      const { attempt, end, witness } = start('waitsLong');
      await witness.until(() => witness.steps.length > 0);
      attempt.windDown();
      expect(await end()).toMatchObject({ outcome: 'unfinished', stop: undefined, checkpoint: '1' });
    });

    may('blocksThread', hasForce)('kills a task that blocks its thread for ever, and keeps its last checkpoint', async () => {
      using file = new PidFile();
      const { start } = setup();
      const { end, witness } = start('blocksThread', { budgetMs: 4_000, graceMs: 200 }, { input: { pidFile: file.path } });
      expect(await end()).toMatchObject({ outcome: 'killed', stop: { kind: 'budget' }, checkpoint: '1' });
      expect(witness.stops).toEqual([{ kind: 'budget' }]);
      expect(file.pids().filter((pid) => pid !== process.pid && isAlive(pid))).toEqual([]);
    });

    may('ignoresSignal', hasForce)('kills a task that ignores its signal, and then serves the next run', async () => {
      using file = new PidFile();
      const { start } = setup();
      const { end, attempt, witness } = start('ignoresSignal', { graceMs: 200 }, { input: { pidFile: file.path } });
      await witness.untilLine('ignoring');
      attempt.stop({ kind: 'cancel', by: 'test' });
      expect(await end()).toMatchObject({ outcome: 'killed', stop: { kind: 'cancel', by: 'test' } });
      expect(file.pids().filter((pid) => pid !== process.pid && isAlive(pid))).toEqual([]);
      expect((await start('doneAtOnce').end()).outcome).toBe('succeeded');
    });

    may('ignoresSignal', !hasForce)('says blocked, and does not end, until a task that cannot be forced settles', async () => {
      const { start } = setup();
      const { attempt, witness } = start('ignoresSignal', { graceMs: 50 });
      await witness.untilLine('ignoring');
      attempt.stop({ kind: 'cancel', by: 'test' });
      let isOver = false;
      void attempt.ended.then(() => (isOver = true));
      await witness.until(() => witness.blocks.length > 0);
      attempt.force();
      await new Promise((resolve) => setImmediate(resolve));
      expect(isOver).toBe(false);
      subject.release?.();
      expect(await attempt.ended).toMatchObject({ outcome: 'cancelled', stop: { kind: 'cancel', by: 'test' } });
    });

    may('honoursSignal')('is cancelled by whoever asks, within the grace', async () => {
      const { start } = setup();
      const { end, attempt, witness } = start('honoursSignal', { graceMs: 10_000 });
      await witness.untilLine('working');
      attempt.stop({ kind: 'cancel', by: 'test' });
      expect(await end()).toMatchObject({ outcome: 'cancelled', stop: { kind: 'cancel', by: 'test' }, error: undefined });
    });

    may('honoursSignal')('times out when a step overruns the budget and ends within the grace', async () => {
      const { start } = setup();
      expect(await start('honoursSignal', { budgetMs: 1_000, graceMs: 5_000 }).end()).toMatchObject({
        outcome: 'timedOut',
        stop: { kind: 'budget' },
      });
    });

    may('ignoresSignal', hasForce)('lets the first reason win, and tells it once', async () => {
      const { start } = setup();
      const { end, attempt, witness } = start('ignoresSignal', { budgetMs: 1_200, graceMs: 600 });
      await witness.untilLine('ignoring');
      attempt.stop({ kind: 'cancel', by: 'first' });
      attempt.stop({ kind: 'cancel', by: 'second' });
      attempt.stop({ kind: 'shutdown' });
      expect(await end()).toMatchObject({ outcome: 'killed', stop: { kind: 'cancel', by: 'first' } });
      expect(witness.stops).toEqual([{ kind: 'cancel', by: 'first' }]);
    });

    may('ignoresSignal', hasForce)('cuts the grace short when it is forced', async () => {
      const { start } = setup();
      const { end, attempt, witness } = start('ignoresSignal', { graceMs: 3_600_000 });
      await witness.untilLine('ignoring');
      attempt.stop({ kind: 'shutdown' });
      attempt.force();
      expect(await end()).toMatchObject({ outcome: 'killed', stop: { kind: 'shutdown' } });
    });

    may('finishesInGrace')('is unfinished when a step comes back in good order within the grace', async () => {
      const { start } = setup();
      const ended = await start('finishesInGrace', { budgetMs: 1_000, graceMs: 5_000 }).end();
      expect(ended).toMatchObject({ outcome: 'unfinished', stop: { kind: 'budget' }, checkpoint: '7' });
    });

    may('throwsAtOnce')('fails with what a step throws before its first await', async () => {
      const { start } = setup();
      const { outcome, error } = await start('throwsAtOnce').end();
      expect({ outcome, error }).toMatchObject({
        outcome: 'failed',
        error: { name: 'RangeError', message: 'before the first await' },
      });
    });

    may('throwsLater')('fails with what a later step throws, and keeps the checkpoint of the one before', async () => {
      const { start } = setup();
      expect(await start('throwsLater').end()).toMatchObject({
        outcome: 'failed',
        steps: 2,
        checkpoint: '1',
        error: { message: 'in the second step' },
      });
    });

    may('exits', survivesCrashes)('fails with the exit code when a task exits, and keeps its last checkpoint', async () => {
      const { start } = setup();
      const ended = await start('exits').end();
      expect(ended).toMatchObject({ outcome: 'failed', checkpoint: '2', error: { code: 'RUN_CRASHED' } });
      expect(ended.error?.message).toContain('exit code 2');
      expect((await start('doneAtOnce').end()).outcome).toBe('succeeded');
    });

    may('rejectsUnseen', survivesCrashes)('fails a run that leaves a rejection unhandled', async () => {
      const { start } = setup();
      const ended = await start('rejectsUnseen').end();
      expect(ended).toMatchObject({ outcome: 'failed', error: { code: 'RUN_CRASHED' } });
      expect(ended.error?.message).toContain('nobody listens');
      expect((await start('doneAtOnce').end()).outcome).toBe('succeeded');
    });

    may('writes', survivesCrashes)('tells what a task writes, line by line', async () => {
      const { start } = setup();
      const { end, witness } = start('writes');
      await end();
      const told = witness.lines.map(({ level, source, text }) => `${level} ${source} ${text}`);
      expect(told).toEqual([
        'info stdout to stdout',
        'warn stderr to stderr',
        'info task to the log',
        'debug task with what cannot be sent',
        'info stdout in two pieces',
        'info stdout and without a line break',
      ]);
      expect(witness.lines[2]?.fields).toEqual({ answer: 42 });
    });

    may('floods', survivesCrashes)('keeps head and tail of a flood, and says that it did', async () => {
      const { start } = setup();
      const { end, witness } = start('floods');
      expect((await end()).outcome).toBe('succeeded');
      const texts = witness.lines.map(({ text }) => text);
      expect(texts[0]).toMatch(/^step 1 line 0 /);
      expect(texts.at(-1)).toMatch(/^step 5 line 19999 /);
      expect(texts.filter((text) => /left out|omitted/.test(text))).toHaveLength(1);
      expect(texts.join('\n').length).toBeLessThan(66_560);
      expect(texts.join('\n').length).toBeGreaterThan(50_000);
    });

    may('returnsNothing')('fails a step that returns nothing, naming the job and what is legal', async () => {
      const { start } = setup();
      const ended = await start('returnsNothing').end();
      expect(ended).toMatchObject({ outcome: 'failed', error: { code: 'STEP_RESULT_INVALID' } });
      expect(ended.error?.message).toMatch(/^job conform: .*legal are/);
    });

    may('returnsNumber')('fails a step that returns what is no step result', async () => {
      const { start } = setup();
      expect(await start('returnsNumber').end()).toMatchObject({ outcome: 'failed', error: { code: 'STEP_RESULT_INVALID' } });
    });

    may('returnsCycle')('fails a step whose checkpoint is not JSON', async () => {
      const { start } = setup();
      expect(await start('returnsCycle').end()).toMatchObject({ outcome: 'failed', error: { code: 'CHECKPOINT_INVALID' } });
    });

    may('stalls')('flags a run whose steps come back with nothing and take no time', async () => {
      const { start } = setup();
      const { end, witness } = start('stalls', { budgetMs: 2_000 });
      expect(await end()).toMatchObject({ outcome: 'unfinished', stalled: true });
      expect(witness.stalls).toBe(1);
    });

    may('slowStep')('stops a step that takes longer than the step timeout', async () => {
      const { start } = setup();
      const ended = await start('slowStep', { stepTimeoutMs: 200, graceMs: 5_000 }).end();
      expect(ended).toMatchObject({ outcome: 'timedOut', steps: 2, stop: { kind: 'stepTimeout', limitMs: 200 } });
    });

    may('blocksThread', hasForce)('applies the step timeout to a step that blocks its thread', async () => {
      const { start } = setup();
      const { end, witness } = start('blocksThread', { stepTimeoutMs: 800, graceMs: 100 });
      await witness.untilLine('about to block');
      const blockedAt = clock.monotonic();
      await witness.until(() => witness.stops.length > 0);
      expect(clock.monotonic() - blockedAt).toBeLessThan(800 * 1.25 + 250);
      expect(await end()).toMatchObject({ outcome: 'killed', stop: { kind: 'stepTimeout', limitMs: 800 } });
    });

    may('leavesGrandchild', ownsProcesses)(
      'ends what a run left behind, though it left the session and ignores SIGTERM',
      async () => {
        using file = new PidFile();
        const { start } = setup();
        const { end, witness } = start('leavesGrandchild', { graceMs: 300 }, { input: { pidFile: file.path } });
        expect(await end()).toMatchObject({ outcome: 'succeeded', stop: undefined });
        expect(file.pids()).toHaveLength(1);
        expect(file.pids().filter(isAlive)).toEqual([]);
        expect(witness.lines.map(({ text }) => text).join('\n')).toMatch(/left/);
        expect((await start('doneAtOnce').end()).outcome).toBe('succeeded');
      },
    );

    may('stopsItself', ownsProcesses)('kills a process that was stopped by SIGSTOP', async () => {
      using file = new PidFile();
      const { start } = setup();
      const { end } = start('stopsItself', { budgetMs: 1_000, graceMs: 200 }, { input: { pidFile: file.path } });
      expect(await end()).toMatchObject({ outcome: 'killed', stop: { kind: 'budget' } });
      expect(file.pids().filter(isAlive)).toEqual([]);
    });

    may('doneAtOnce')('starts no step when the budget is spent before it begins', async () => {
      const { start } = setup();
      // Long enough for a host to import the module on a machine that is busy with other things.
      const bounds = { budgetMs: 0, graceMs: 20_000 };
      expect(await start('doneAtOnce', bounds).end()).toMatchObject({ outcome: 'unfinished', steps: 0 });
    });

    may('doneAtOnce')('shrugs at stop, windDown and force after the end', async () => {
      const { start } = setup();
      const { attempt, end, witness } = start('doneAtOnce');
      const ended = await end();
      attempt.stop({ kind: 'shutdown' });
      attempt.windDown();
      attempt.force();
      expect(await attempt.ended).toBe(ended);
      expect(witness.stops).toEqual([]);
    });
  });
}

async function proven(order: RunOrder, attempt: LiveAttempt, witness: Witness): Promise<AttemptEnd> {
  const ended = await attempt.ended;
  expect(clock.monotonic(), 'ended by budget + grace + 2 s').toBeLessThan(order.budgetEnd + order.graceMs + MARGIN_MS);
  expect(witness.stops.length, 'the stop is told once').toBeLessThanOrEqual(1);
  if (witness.stops.length > 0) expect(ended.stop).toEqual(witness.stops[0]);
  const calls = witness.calls;
  await new Promise((resolve) => setImmediate(resolve));
  expect(witness.calls, 'nothing is told after the end').toBe(calls);
  return ended;
}
