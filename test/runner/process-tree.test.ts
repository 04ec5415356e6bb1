import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, test, vi } from 'vitest';
import { createProcessTrees, type ProcessTree, type ProcessTrees } from '../../src/runner/process-tree.ts';
import { GroupTree } from '../../src/runner/process-group.ts';
import { aliveWith, fixture, kindsHere, uniqueSeconds } from './command-setup.ts';

class Bench implements AsyncDisposable {
  readonly trees: ProcessTrees;
  readonly seconds: string = uniqueSeconds();
  readonly id: string = `tree-${this.seconds.replace('.', '-')}`;

  constructor(trees: ProcessTrees) {
    this.trees = trees;
  }

  /** Starts a fixture in a tree, and waits for its first line. */
  async start(tree: ProcessTree, name: string, ...args: string[]): Promise<ChildProcess> {
    const { command, env } = tree.wrap([fixture(name), this.seconds, ...args]);
    const child = spawn(command[0] ?? '', command.slice(1), {
      env: { PATH: process.env['PATH'], ...env },
      stdio: ['ignore', 'pipe', 'ignore'],
      detached: true,
    });
    tree.started(child.pid ?? 0);
    await once(child.stdout ?? child, 'data');
    return child;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const pid of aliveWith(this.id, this.seconds)) process.kill(pid, 'SIGKILL');
    await this.trees[Symbol.asyncDispose]();
  }
}

describe.each(kindsHere())('a process tree of kind %s', (kind) => {
  const setup = (): Bench => new Bench(createProcessTrees({ useCgroup: kind === 'cgroup' }));

  test('is empty before anything is started', async () => {
    await using bench = setup();
    expect(bench.trees.kind).toBe(kind);
    const tree = bench.trees.open(bench.id);
    expect(await tree.members()).toEqual([]);
    expect(await tree.waitEmpty(0)).toBe(true);
  });

  test('finds its members, and them only', async () => {
    await using bench = setup();
    const tree = bench.trees.open(bench.id);
    await bench.start(tree, 'daemonises.sh', 'stay');
    // A shell that has said it stands may yet fork once more, between one look and the other.
    await vi.waitFor(async () => expect(new Set(await tree.members())).toEqual(new Set(aliveWith(bench.seconds, bench.id))));
    expect(await tree.waitEmpty(0)).toBe(false);
    await tree.signal('SIGKILL');
    expect(await tree.waitEmpty(2_000)).toBe(true);
    expect(aliveWith(bench.seconds)).toEqual([]);
  });

  test('carries the id of a host under a name of its own', async () => {
    await using bench = setup();
    const tree = bench.trees.open(bench.id, 'TICKWISE_HOST_ID');
    expect(tree.wrap(['x']).env).toEqual({ TICKWISE_HOST_ID: bench.id });
    const child = await bench.start(tree, 'ends-well-on-sigterm.sh', '0');
    expect(aliveWith(`TICKWISE_HOST_ID=${bench.id}`)).toContain(child.pid);
    await tree.signal('SIGKILL');
    expect(await tree.waitEmpty(2_000)).toBe(true);
  });

  test('finds what an earlier daemon left behind, stops it and proves it', async () => {
    await using earlier = setup();
    await using later = setup();
    await earlier.start(earlier.trees.open(earlier.id), 'daemonises.sh');
    const tree = later.trees.findRun(earlier.id);
    expect(await tree.waitEmpty(0)).toBe(false);
    await tree.signal('SIGKILL');
    expect(await tree.waitEmpty(2_000)).toBe(true);
    await tree.dispose();
    expect(aliveWith(earlier.seconds)).toEqual([]);
  });

  test('proves at once that a run left nothing behind', async () => {
    await using bench = setup();
    expect(await bench.trees.findRun('no-such-run').waitEmpty(0)).toBe(true);
  });

  test('ends waiting early when told so', async () => {
    await using bench = setup();
    const tree = bench.trees.open(bench.id);
    await bench.start(tree, 'sleeps.sh');
    const cut = new AbortController();
    setTimeout(() => cut.abort(), 20);
    const startedAt = performance.now();
    expect(await tree.waitEmpty(10_000, cut.signal)).toBe(false);
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    await tree.signal('SIGKILL');
    expect(await tree.waitEmpty(2_000)).toBe(true);
  });

  test('leaves processes of other trees alone', async () => {
    await using bench = setup();
    await using other = setup();
    const tree = bench.trees.open(bench.id);
    const otherTree = other.trees.open(other.id);
    await bench.start(tree, 'sleeps.sh');
    const child = await other.start(otherTree, 'ends-well-on-sigterm.sh', '0');
    await tree.signal('SIGKILL');
    expect(await tree.waitEmpty(2_000)).toBe(true);
    expect(aliveWith(other.seconds)).toContain(child.pid);
    await otherTree.signal('SIGKILL');
    expect(await otherTree.waitEmpty(2_000)).toBe(true);
  });
});

describe.runIf(kindsHere().includes('cgroup'))('a cgroup', () => {
  test('holds even a process that cleared its environment, left the session, and has no living ancestor', async () => {
    await using bench = new Bench(createProcessTrees());
    const tree = bench.trees.open(bench.id);
    const child = await bench.start(tree, 'vanishes.sh');
    if (child.exitCode === null) await once(child, 'exit');
    expect(aliveWith(bench.seconds)).toHaveLength(1);
    expect(await tree.members()).toEqual(aliveWith(bench.seconds));
    expect(await tree.waitEmpty(0)).toBe(false);
    await tree.signal('SIGKILL');
    expect(await tree.waitEmpty(2_000)).toBe(true);
    expect(aliveWith(bench.seconds)).toEqual([]);
  });

  test('does not hide a process that was moved out of it', async () => {
    await using bench = new Bench(createProcessTrees());
    const tree = bench.trees.open(bench.id);
    await bench.start(tree, 'leaves-cgroup.sh', tree.wrap([])['command'][4] ?? '');
    expect(await tree.waitEmpty(0)).toBe(false);
    await tree.signal('SIGKILL');
    expect(await tree.waitEmpty(2_000)).toBe(true);
    expect(aliveWith(bench.seconds)).toEqual([]);
  });
});

test('a process group, where there is nothing better, is stopped and proved', async () => {
  await using bench = new Bench(createProcessTrees({ useCgroup: false }));
  const tree = new GroupTree(bench.id, 'TICKWISE_RUN_ID');
  await bench.start(tree, 'keeps-stdout-open.sh');
  expect(await tree.waitEmpty(0)).toBe(false);
  await tree.signal('SIGTERM');
  // A zombie stays in its group until the system's first process looks at it.
  expect(await tree.waitEmpty(10_000)).toBe(true);
  expect(aliveWith(bench.seconds)).toEqual([]);
});
