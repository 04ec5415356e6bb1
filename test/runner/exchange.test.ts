import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { tmpdir } from 'node:os';
import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { Exchange, removeStaleFolders } from '../../src/runner/exchange.ts';

test('begins with the checkpoint of the attempt, in a folder that nobody else may enter', async () => {
  await using exchange = new Exchange('trial', '{"n":1}');
  expect(statSync(dirname(exchange.checkpointFile)).mode & 0o777).toBe(0o700);
  expect(exchange.read()).toEqual({});
});

test('reads what changed, once', async () => {
  await using exchange = new Exchange('trial', undefined);
  writeFileSync(exchange.checkpointFile, '{"n":2}\n');
  writeFileSync(exchange.resultFile, 'null');
  expect(exchange.read()).toEqual({ checkpoint: { n: 2 }, result: null });
  expect(exchange.read()).toEqual({});
});

test('does not wait for a named pipe that was put in the place of a file', async () => {
  await using exchange = new Exchange('trial', undefined);
  execFileSync('mkfifo', [exchange.resultFile]);
  expect(() => exchange.read()).toThrow('the result in TICKWISE_RESULT_FILE is not a regular file');
});

test('removes the folders of dead daemons, and keeps those of live ones', async () => {
  await using exchange = new Exchange('trial', undefined);
  const own = dirname(exchange.checkpointFile);
  const stale = join(tmpdir(), basename(own).replace(/-(\d+)-\w+$/, '-1-stale'));
  const foreign = join(tmpdir(), `tickwise-1-1-1-elsewhere${process.pid}`);
  mkdirSync(stale);
  mkdirSync(foreign);
  await removeStaleFolders();
  expect([own, stale, foreign].map((folder) => existsSync(folder))).toEqual([true, false, true]);
  await rm(foreign, { recursive: true });
});
