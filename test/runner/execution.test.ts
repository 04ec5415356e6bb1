import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createProcessTrees, type ProcessTree, type ProcessTrees } from '../../src/runner/process-tree.ts';
import { aliveWith, CommandBench, fixture, uniqueSeconds } from './command-setup.ts';

/** Trees whose proof fails until it is let through, as for a process in state D or beyond our rights. */
class StubbornTrees implements ProcessTrees {
  readonly #trees = createProcessTrees({ useCgroup: false });
  readonly kind = this.#trees.kind;
  readonly signals: string[] = [];
  readonly #fail: () => boolean;
  isProvable = false;

  /** @param fail how a look fails: gives `false`, or throws */
  constructor(fail: () => boolean) {
    this.#fail = fail;
  }

  open(id: string): ProcessTree {
    const tree = this.#trees.open(id);
    return {
      runId: id,
      wrap: (command) => tree.wrap(command),
      started: (pid) => tree.started(pid),
      members: () => tree.members(),
      signal: async (signal) => {
        this.signals.push(signal);
        await tree.signal(signal);
      },
      waitEmpty: async (waitMs, cut) => {
        if (this.isProvable) return tree.waitEmpty(waitMs, cut);
        await delay(Math.min(waitMs, 5));
        return this.#fail();
      },
      dispose: () => tree.dispose(),
    };
  }

  findRun(id: string): ProcessTree {
    return this.open(id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#trees[Symbol.asyncDispose]();
  }
}

test.each([
  ['finds something alive', () => false],
  [
    'cannot be made',
    () => {
      throw new Error('EACCES');
    },
  ],
])('says blocked while a look %s after SIGKILL, goes on trying, and settles only on proof', async (_, fail) => {
  const trees = new StubbornTrees(fail);
  await using bench = new CommandBench(trees);
  const seconds = uniqueSeconds();
  const trial = bench.command([fixture('sleeps.sh'), seconds], { graceMs: 50 });
  let hasEnded = false;
  void trial.end().then(() => (hasEnded = true));
  await trial.recorder.waitForLine('ready');
  trial.attempt.stop({ kind: 'cancel', by: 'test' });
  await trial.recorder.waitForBlock();
  while (trees.signals.filter((signal) => signal === 'SIGKILL').length < 3) await delay(5);
  expect(hasEnded).toBe(false);
  expect(trial.recorder.blocks).toHaveLength(1);
  trees.isProvable = true;
  expect((await trial.end()).outcome).toBe('killed');
  expect(aliveWith(trial.runId, seconds)).toEqual([]);
});
