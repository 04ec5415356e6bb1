import { expect, it, onTestFinished } from 'vitest';
import type { Runner } from '../../src/core/ports.ts';
import { createWorkerRunner, type WorkerRunnerOptions } from '../../src/runner/worker.ts';
import { describeRunner } from './conformance.ts';
import { clock, fixture, orderOf, TASKS, Witness } from './setup.ts';

describeRunner('worker', {
  create: () => createWorkerRunner({ clock, concurrency: 2 }),
  task: (temper) => fixture(temper),
  hasForce: true,
  survivesCrashes: true,
  ownsProcesses: false,
});

function setup(options: Partial<WorkerRunnerOptions> = {}): {
  runner: Runner;
  run: (name: string, job?: string, module?: string) => Promise<unknown>;
} {
  const runner = createWorkerRunner({ clock, concurrency: 2, ...options });
  onTestFinished(async () => runner[Symbol.asyncDispose]());
  return {
    runner,
    async run(name, job = 'conform', module = TASKS) {
      const { outcome, error, result } = await runner.start(orderOf(fixture(name, module), { job }), new Witness()).ended;
      return error?.message ?? (result === undefined ? outcome : (JSON.parse(result) as unknown));
    },
  };
}

it('hands input, tick, fence and attempt to a plain function, and its result back', async () => {
  const { runner } = setup();
  const order = orderOf(fixture('plainFunction'), {}, { input: { list: [1, 'two'] }, attempt: 3 });
  const { result } = await runner.start(order, new Witness()).ended;
  expect(JSON.parse(result ?? '')).toEqual({
    runId: order.runId,
    input: { list: [1, 'two'] },
    fence: 7,
    attempt: 3,
    tick: order.tick,
  });
});

it('builds a class for each attempt', async () => {
  const { run } = setup({ concurrency: 1 });
  expect([await run('Counter'), await run('Counter')]).toEqual([2, 2]);
});

it('keeps a thread warm: a job is served again by the thread that served it last', async () => {
  const { run } = setup();
  const module = new URL('./fixtures/thread.ts', import.meta.url).pathname;
  // Two at once make two threads; each job then returns to its own.
  const [first, second] = await Promise.all([run('tellsThread', 'first', module), run('tellsThread', 'second', module)]);
  expect(first).not.toBe(second);
  expect([await run('tellsThread', 'first', module), await run('tellsThread', 'second', module)]).toEqual([first, second]);
  expect([await run('tellsThread', 'second', module), await run('tellsThread', 'first', module)]).toEqual([second, first]);
});

it('ends a thread that was idle for long, and starts another when needed', async () => {
  const { run } = setup({ maxIdleMs: 20 });
  const module = new URL('./fixtures/thread.ts', import.meta.url).pathname;
  const first = await run('tellsThread', 'job', module);
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(await run('tellsThread', 'job', module)).not.toBe(first);
});

it('runs no more at once than its concurrency, and the others in turn', async () => {
  const { run } = setup({ concurrency: 1 });
  const module = new URL('./fixtures/thread.ts', import.meta.url).pathname;
  const threads = await Promise.all([1, 2, 3].map((n) => run('tellsThread', `job-${n}`, module)));
  expect(new Set(threads).size).toBe(1);
});

it('ends a run that never got a thread when it is stopped', async () => {
  const { runner } = setup({ concurrency: 1 });
  const busy = runner.start(orderOf(fixture('waitsLong')), new Witness());
  const waiting = runner.start(orderOf(fixture('doneAtOnce')), new Witness());
  waiting.stop({ kind: 'cancel', by: 'test' });
  expect(await waiting.ended).toMatchObject({ outcome: 'cancelled', steps: 0 });
  busy.windDown();
  expect((await busy.ended).outcome).toBe('unfinished');
});

it('does not use a thread again that is blocked by what a run left behind', async () => {
  const { run } = setup({ concurrency: 1 });
  expect(await run('blocksAfterEnd')).toBe('succeeded');
  await new Promise((resolve) => setTimeout(resolve, 20));
  const startedAt = clock.monotonic();
  expect(await run('doneAtOnce')).toBe('succeeded');
  expect(clock.monotonic() - startedAt).toBeLessThan(4_000);
});

it('ends a program for which a thread waits in native code', async () => {
  const { runner } = setup();
  const witness = new Witness();
  const attempt = runner.start(orderOf(fixture('waitsForProgram'), { graceMs: 100 }), witness);
  await witness.untilLine('waiting');
  attempt.stop({ kind: 'cancel', by: 'test' });
  expect((await attempt.ended).outcome).toBe('killed');
});

it('fails a run that needs more memory than its thread may have', async () => {
  const { run } = setup({ heapLimitMb: 32 });
  expect(await run('fillsMemory')).toMatch(/^job conform: the run's thread ended on its own with exit code 1 .*memory/);
  expect(await run('doneAtOnce')).toBe('succeeded');
});

it('names job and module when the module cannot be imported, and tries anew when it can', async () => {
  const { run } = setup();
  expect(await run('default', 'conform', '/nowhere/task.ts')).toMatch(
    /^job conform: module \/nowhere\/task\.ts cannot be imported: /,
  );
  expect(await run('doneAtOnce')).toBe('succeeded');
});

it('names job, module and export when there is no such export, and says what there is', async () => {
  const { run } = setup();
  expect(await run('missing')).toMatch(/^job conform: module .*tasks\.ts has no export missing; it exports .*doneAtOnce/);
});

it('names job, module and export when the export is no task', async () => {
  const { run } = setup();
  expect(await run('notATask')).toMatch(/^job conform: export notATask of module .*tasks\.ts is of type number; expected /);
});

it('finds a module by a bare specifier', async () => {
  const { run } = setup();
  expect(await run('setTimeout', 'conform', 'node:timers')).not.toMatch(/import/);
});

it('fails a run whose input is not JSON, without asking a thread', async () => {
  const { runner } = setup();
  const ended = await runner.start(orderOf(fixture('doneAtOnce'), {}, { input: 1n }), new Witness()).ended;
  expect(ended).toMatchObject({ outcome: 'failed', error: { code: 'TASK_INVALID' } });
  expect(ended.error?.message).toMatch(/^job conform: the run cannot be handed over: /);
});

it('stops what is live by force when it is disposed', async () => {
  const runner = createWorkerRunner({ clock, concurrency: 1 });
  const witness = new Witness();
  const attempt = runner.start(orderOf(fixture('ignoresSignal'), { graceMs: 3_600_000 }), witness);
  await witness.untilLine('ignoring');
  await runner[Symbol.asyncDispose]();
  expect(await attempt.ended).toMatchObject({ outcome: 'killed', stop: { kind: 'shutdown' } });
});

it('shares reports among fast steps and loses none of the last checkpoints of a run that exits', async () => {
  const { runner } = setup();
  const witness = new Witness();
  const ended = await runner.start(orderOf(fixture('exitsAfterManySteps')), witness).ended;
  expect(ended).toMatchObject({ outcome: 'failed', checkpoint: '20000' });
  expect(witness.steps.length).toBeLessThan(5_000);
});
