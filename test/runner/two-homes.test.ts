import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { createProcessTrees } from '../../src/runner/process-tree.ts';
import { kindsHere } from './command-setup.ts';

test.runIf(kindsHere().includes('cgroup'))('a daemon leaves alone the groups of another in its process', async () => {
  await using trees = createProcessTrees();
  const tree = trees.open(`two-homes-${process.pid}`);
  const { command, env } = tree.wrap(['true']);

  // The group stands and is empty: its program has not entered yet.
  const other = createProcessTrees();
  await other[Symbol.asyncDispose]();

  const [program = '', ...args] = command;
  expect(spawnSync(program, args, { env: { ...process.env, ...env } }).status).toBe(0);
  await tree.waitEmpty(1_000);
  await tree.dispose();
});
