import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import { createSystemClock } from '../../src/system/clock.ts';
import { createNotifier } from '../../src/system/notify.ts';
import { jobWith, LineLog, ruleTo, startReceiver } from './notify-setup.ts';

const NODE = { id: 'node-test', host: 'h', bootId: 'b', pid: process.pid, pidStart: 1, startedAt: 1 };

function temporaryFolder(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), 'notify-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** Starts a daemon in miniature. @returns when its run has ended */
async function startDaemon(path: string, webhook: string, mode = ''): Promise<{ child: ChildProcess; runId: string }> {
  const child = spawn(process.execPath, ['test/system/notify-killed.ts', path, webhook, mode], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return { child, runId: line.toString().trim() };
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL');
  await once(child, 'exit');
}

test('a message of a daemon that was killed between the end of a run and its delivery comes from the next, once', async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, 'tickwise.db');
  await using receiver = await startReceiver();
  const { child, runId } = await startDaemon(path, receiver.url);
  await kill(child);
  const log = new LineLog();
  await using store = await openSqliteStore({ path, node: NODE });
  const jobs = [jobWith('report', { notify: [ruleTo(receiver.url)] })];
  await using notifier = createNotifier({ outbox: store, jobs: () => jobs, clock: createSystemClock(), log, env: {} });
  await log.waitFor(/message delivered/);
  await expect.poll(() => store.nextMessageAt()).toBeUndefined();
  notifier.wake();
  await notifier[Symbol.asyncDispose]();
  expect(receiver.received.map(({ body }) => JSON.parse(body) as unknown)).toMatchObject([
    { version: 1, event: 'failed', job: 'report', runId, outcome: 'failed' },
  ]);
});

test('a message whose delivery was not written down comes again under the same id', async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, 'tickwise.db');
  let isFirst = true;
  await using receiver = await startReceiver((_, response) => {
    if (!isFirst) response.end();
    isFirst = false;
  });
  const { child } = await startDaemon(path, receiver.url, 'telling');
  await receiver.waitFor(1);
  await kill(child);
  const log = new LineLog();
  await using store = await openSqliteStore({ path, node: NODE });
  const jobs = [jobWith('report', { notify: [ruleTo(receiver.url)] })];
  await using _ = createNotifier({ outbox: store, jobs: () => jobs, clock: createSystemClock(), log, env: {} });
  await receiver.waitFor(2);
  const [first, second] = receiver.received;
  expect(second?.headers['webhook-id']).toBe(first?.headers['webhook-id']);
  expect(second?.body).toBe(first?.body);
});
