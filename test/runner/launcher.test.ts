import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import type { SpawnedProcess } from '../../src/core/ledger.ts';
import { behindLauncher, findTimeout, WORD_FD } from '../../src/runner/launcher.ts';
import { createProcessTrees } from '../../src/runner/process-tree.ts';
import { aliveWith, CommandBench, uniqueSeconds } from './command-setup.ts';

const TIMEOUT = findTimeout(process.env['PATH']);
if (TIMEOUT === undefined)
  console.log('the test of bounds without a daemon is skipped: there is no timeout; apt-get install coreutils');

function setup(): Disposable & { readonly file: string } {
  const folder = mkdtempSync(join(tmpdir(), 'tickwise-launcher-'));
  return { file: join(folder, 'begun'), [Symbol.dispose]: () => rmSync(folder, { recursive: true }) };
}

function launch(command: readonly string[]): { child: ChildProcess; word: Writable; ended: Promise<unknown[]> } {
  const [program = '', ...args] = command;
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'ignore', 'pipe'], detached: true });
  return { child, word: child.stdio[WORD_FD] as Writable, ended: once(child, 'exit') };
}

test('begins nothing when whoever should give the word is gone', async () => {
  using place = setup();
  const { word, ended } = launch(behindLauncher(['touch', place.file], 10_000, 1_000, TIMEOUT));
  word.end();
  expect(await ended).toEqual([126, null]);
  expect(existsSync(place.file)).toBe(false);
});

test('begins at the word, and passes the exit code on', async () => {
  using place = setup();
  const { word, ended } = launch(behindLauncher(['sh', '-c', 'touch "$1"; exit 7', 'sh', place.file], 10_000, 1_000, TIMEOUT));
  word.end('go\n');
  expect(await ended).toEqual([7, null]);
  expect(existsSync(place.file)).toBe(true);
});

test('passes a signal on as a signal', async () => {
  const { word, ended } = launch(behindLauncher(['sh', '-c', 'kill -USR1 $$'], 10_000, 1_000, TIMEOUT));
  word.end('go\n');
  expect(await ended).toEqual([null, 'SIGUSR1']);
});

test.runIf(TIMEOUT !== undefined)('keeps budget and grace when nobody else does', async () => {
  const seconds = uniqueSeconds();
  const deaf = `trap '' TERM; sleep ${seconds} & while :; do sleep 0.2; done`;
  const startedAt = performance.now();
  const { word, ended } = launch(behindLauncher(['sh', '-c', deaf], 200, 500, TIMEOUT));
  word.end('go\n');
  await ended;
  // Budget and the second that a living daemon would be first, rounded up, and the grace likewise.
  expect(performance.now() - startedAt).toBeLessThan(2_000 + 1_000 + 2_000);
  // `timeout` ends with its group: who of the group is gone first is not said.
  await expect.poll(() => aliveWith(`sleep ${seconds}`, `sleep\0${seconds}`)).toEqual([]);
});

test('is not given the word before the ledger knows its process', async () => {
  using place = setup();
  await using bench = new CommandBench(createProcessTrees());
  const asked = Promise.withResolvers<SpawnedProcess>();
  const known = Promise.withResolvers<void>();
  const trial = bench.command(['touch', place.file], {
    spawned(process) {
      asked.resolve(process);
      return known.promise;
    },
  });
  const { pid, start } = await asked.promise;
  expect(aliveWith(trial.runId)).toContain(pid);
  expect(start).toBeGreaterThan(0);
  expect(existsSync(place.file)).toBe(false);
  known.resolve();
  expect(await trial.end()).toMatchObject({ outcome: 'succeeded' });
  expect(existsSync(place.file)).toBe(true);
});
