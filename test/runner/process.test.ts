import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import type { AttemptEnd, Runner } from '../../src/core/ports.ts';
import { createProcessRunner, hostEnvironment, type ProcessRunnerOptions } from '../../src/runner/process.ts';
import { createProcessTrees } from '../../src/runner/process-tree.ts';
import { describeRunner } from './conformance.ts';
import { clock, fixture, isAlive, orderOf, PidFile, Witness } from './setup.ts';

describeRunner('process', {
  create: () => createProcessRunner({ clock, concurrency: 2 }),
  task: (temper) => fixture(temper),
  hasForce: true,
  survivesCrashes: true,
  ownsProcesses: true,
});

function setup(options: Partial<ProcessRunnerOptions> = {}): {
  runner: Runner;
  run: (name: string, bounds?: Parameters<typeof orderOf>[1], input?: unknown) => Promise<AttemptEnd>;
} {
  const runner = createProcessRunner({ clock, concurrency: 1, ...options });
  onTestFinished(async () => runner[Symbol.asyncDispose]());
  return { runner, run: (name, bounds, input) => runner.start(orderOf(fixture(name), bounds, { input }), new Witness()).ended };
}

it('keeps a child warm, also after a run that started a program and waited for it', async () => {
  using file = new PidFile();
  const { run } = setup();
  for (const task of ['tellsPid', 'runsProgram', 'runsProgram', 'tellsPid']) await run(task, {}, { pidFile: file.path });
  expect(file.pids()).toHaveLength(4);
  expect(new Set(file.pids()).size).toBe(1);
});

it('replaces a child whose run left a process behind', async () => {
  using file = new PidFile();
  const { run } = setup();
  await run('leavesGrandchild', { graceMs: 100 }, { pidFile: file.path });
  const before = await run('tellsPid');
  const after = await run('tellsPid');
  expect(before.result).toBe(after.result);
  expect(file.pids().filter(isAlive)).toEqual([]);
});

it('proves the end without a cgroup too', async () => {
  using file = new PidFile();
  await using trees = createProcessTrees({ useCgroup: false });
  const runner = createProcessRunner({ clock, concurrency: 1, trees });
  const order = orderOf(fixture('leavesGrandchild'), { graceMs: 100 }, { input: { pidFile: file.path } });
  expect((await runner.start(order, new Witness()).ended).outcome).toBe('succeeded');
  expect(file.pids().filter(isAlive)).toEqual([]);
  await runner[Symbol.asyncDispose]();
});

it('kills a child that ignores SIGTERM', async () => {
  using file = new PidFile();
  const { run } = setup();
  expect(await run('ignoresTerminate', { budgetMs: 800, graceMs: 200 }, { pidFile: file.path })).toMatchObject({
    outcome: 'killed',
  });
  expect(file.pids().filter(isAlive)).toEqual([]);
});

it('names the signal of a child that crashed, and keeps its last checkpoint', async () => {
  const { run } = setup();
  const ended = await run('killsItself');
  expect(ended).toMatchObject({ outcome: 'failed', checkpoint: '1', error: { code: 'RUN_CRASHED' } });
  expect(ended.error?.message).toMatch(/ended on its own with signal SIGSEGV/);
});

it('ends a child that writes garbage to its channel', async () => {
  const { run } = setup();
  const ended = await run('breaksProtocol');
  expect(ended).toMatchObject({ outcome: 'failed', error: { code: 'RUN_CRASHED' } });
  expect(ended.error?.message).toMatch(/something else than messages/);
});

it('tells what is written past Node: by descriptor, and by another program', async () => {
  const { runner } = setup();
  const witness = new Witness();
  await runner.start(orderOf(fixture('writesRaw')), witness).ended;
  expect(witness.lines.map(({ source, text }) => `${source} ${text}`)).toEqual(['stdout by descriptor', 'stdout by program']);
});

it('cuts a line that never ends', async () => {
  const { runner } = setup();
  const witness = new Witness();
  await runner.start(orderOf(fixture('oneLongLine')), witness).ended;
  expect(Math.max(...witness.lines.map(({ text }) => text.length))).toBeLessThanOrEqual(8_192);
  expect(witness.lines.map(({ text }) => text).join('').length).toBeLessThan(66_560);
});

it("gives a child the run's id and none of the daemon's secrets", async () => {
  process.env['TICKWISE_TEST_SECRET'] = 'hush';
  process.env['NODE_AUTH_TOKEN'] = 'hush';
  onTestFinished(() => {
    delete process.env['TICKWISE_TEST_SECRET'];
    delete process.env['NODE_AUTH_TOKEN'];
  });
  const { runner } = setup();
  const order = orderOf(fixture('tellsEnvironment'));
  const { result } = await runner.start(order, new Witness()).ended;
  const environment = JSON.parse(result ?? '{}') as Record<string, string>;
  expect(environment).toMatchObject({ PATH: process.env['PATH'], TICKWISE_RUN_ID: order.runId });
  expect(environment['TICKWISE_HOST_ID']).toMatch(/^host-/);
  expect(Object.values(environment)).not.toContain('hush');
});

it('passes on how Node is set up, and not what it keeps for its own children', () => {
  const base = {
    NODE_ENV: 'test',
    NODE_CHANNEL_FD: '3',
    NODE_UNIQUE_ID: '1',
    NODE_AUTH_TOKEN: 'x',
    HOME: '/root',
    DATABASE_URL: 'x',
  };
  expect(hostEnvironment(base)).toEqual({ NODE_ENV: 'test', HOME: '/root' });
});

it('lets a warm child be found by the node id of its daemon', async () => {
  const nodeId = `node-${process.pid}-${clock.now()}`;
  const { run } = setup({ nodeId });
  const { result } = await run('tellsPid');
  await using trees = createProcessTrees({ useCgroup: false });
  expect(await trees.findRun(nodeId, 'TICKWISE_NODE_ID').members()).toContain(Number(result));
});

interface Daemon {
  readonly child: ChildProcess;
  untilLine(text: string): Promise<void>;
}

function startDaemon(flags: string[], ...args: string[]): Daemon {
  const program = fileURLToPath(new URL('./fixtures/daemon.ts', import.meta.url));
  const child = spawn(process.execPath, [...flags, program, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const seen: string[] = [];
  const lines = createInterface({ input: child.stdout }).on('line', (line) => seen.push(line));
  return {
    child,
    async untilLine(text) {
      while (!seen.includes(text)) await once(lines, 'line');
    },
  };
}

async function untilDead(pids: () => number[], withinMs: number): Promise<number[]> {
  const until = clock.monotonic() + withinMs;
  while (pids().length === 0 || pids().some(isAlive)) {
    if (clock.monotonic() > until) throw new Error(`alive after ${withinMs} ms: ${pids().filter(isAlive).join(' ')}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return pids().filter(isAlive);
}

it('leaves no idle child behind when the daemon is killed', async () => {
  using file = new PidFile();
  const daemon = startDaemon([], 'process', 'tellsPid', file.path, '60000', '500');
  await daemon.untilLine('outcome: succeeded');
  daemon.child.kill('SIGKILL');
  expect(await untilDead(() => file.pids(), 2_000)).toEqual([]);
});

it('leaves no busy child behind when the daemon is killed: the run gets its grace and no more', async () => {
  using file = new PidFile();
  const daemon = startDaemon([], 'process', 'ignoresTerminate', file.path, '60000', '500');
  await daemon.untilLine('line: deaf');
  daemon.child.kill('SIGKILL');
  expect(await untilDead(() => file.pids(), 3_000)).toEqual([]);
});

it('leaves no blocked child behind when the daemon is killed: it ends by budget + grace + 2 s', async () => {
  using file = new PidFile();
  const daemon = startDaemon([], 'process', 'blocksThread', file.path, '1500', '300');
  await daemon.untilLine('line: about to block');
  daemon.child.kill('SIGKILL');
  expect(await untilDead(() => file.pids(), 3_800)).toEqual([]);
});

it('ends a blocked child by budget + grace + 2 s while the daemon is frozen', async () => {
  using file = new PidFile();
  const daemon = startDaemon([], 'process', 'blocksThread', file.path, '1500', '300');
  await daemon.untilLine('line: about to block');
  daemon.child.kill('SIGSTOP');
  expect(await untilDead(() => file.pids(), 3_800)).toEqual([]);
});

it.each(['worker', 'process'])('starts a %s also when the daemon was started with flags of its own', async (isolation) => {
  using file = new PidFile();
  const flags = [
    '--import',
    'data:text/javascript,import{isMainThread}from"node:worker_threads";if(!isMainThread)process.exit(9)',
  ];
  const daemon = startDaemon(flags, isolation, 'doneAtOnce', file.path, '60000', '500');
  expect(await daemon.untilLine('outcome: succeeded')).toBeUndefined();
});
