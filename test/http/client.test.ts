import { execFile } from 'node:child_process';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { oazapfts } from 'oazapfts';
import { expect, test } from 'vitest';
import { OPENAPI_FILE } from '../../src/http/openapi.ts';
import { startLiveServer } from './live-server.ts';

const execute = promisify(execFile);
const MODULES = fileURLToPath(new URL('../../node_modules', import.meta.url));

/** What a user of the generated client would write: each field is one of the document's, or the type check fails. */
const PROGRAM = `
import { ok } from '@oazapfts/runtime';
import { defaults, listRuns, pauseJob, readJob, readRun, submitRun, type Run } from './client.ts';

defaults.baseUrl = process.argv[2] ?? '';
const told: unknown[] = [];

const submitted = await submitRun('add', { input: { a: 2, b: 3 }, budget: '10s' }, { idempotencyKey: 'order-17' });
if (submitted.status !== 202) throw new Error(submitted.data.detail);
const { runId } = submitted.data;
told.push(submitted.headers.get('location') === '/v1/runs/' + runId);

const run: Run = await ok(readRun(runId, { wait: '20s' }));
told.push(run.outcome, run.result, run.budgetMs, run.by);

const again = await submitRun('add', { budget: '10s', input: { b: 3, a: 2 } }, { idempotencyKey: 'order-17' });
told.push(again.status === 202 && again.data.runId === runId, again.headers.get('idempotency-replayed'));

const reused = await submitRun('add', { input: { a: 9 } }, { idempotencyKey: 'order-17' });
told.push(reused.status === 422 && reused.data.code);

const invalid = await submitRun('add', { input: 'text' });
told.push(invalid.status === 422 && invalid.data.code);

const unknown = await submitRun('nobody');
told.push(unknown.status === 404 && unknown.data.code);

const page = await ok(listRuns({ job: 'add', outcome: 'succeeded', limit: 10 }));
told.push(page.runs.map((each) => each.id === runId), page.cursor);

told.push((await ok(pauseJob('add'))).state, (await ok(readJob('add'))).why.length > 0);
console.log(JSON.stringify(told));
`;

const TYPES = {
  compilerOptions: {
    target: 'es2024',
    lib: ['es2024', 'dom'],
    types: ['node'],
    module: 'nodenext',
    strict: true,
    noUncheckedIndexedAccess: true,
    erasableSyntaxOnly: true,
    allowImportingTsExtensions: true,
    skipLibCheck: true,
    noEmit: true,
  },
};

test('a client that is generated from the document compiles, and drives submit, wait and result', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tickwise-client-'));
  await using cleanUp = new AsyncDisposableStack();
  cleanUp.defer(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'client.ts'), await oazapfts(OPENAPI_FILE, { useUnknown: true, futureStripLegacyMethods: true }));
  await writeFile(join(folder, 'main.ts'), PROGRAM);
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(TYPES));
  await writeFile(join(folder, 'package.json'), '{"type":"module"}');
  await symlink(MODULES, join(folder, 'node_modules'));

  const checked = await execute(join(MODULES, '.bin/tsc'), ['-p', folder]).catch((error: { stdout: string }) => error);
  expect(checked.stdout).toBe('');

  await using server = await startLiveServer({ add: ({ input }) => Promise.resolve(sum(input)) });
  const { stdout } = await execute(process.execPath, [join(folder, 'main.ts'), server.url]);
  expect(JSON.parse(stdout)).toEqual([
    true,
    'succeeded',
    5,
    10_000,
    'local',
    true,
    'true',
    'KEY_REUSED',
    'INPUT_INVALID',
    'JOB_NOT_FOUND',
    [true],
    null,
    'paused',
    true,
  ]);
}, 60_000);

function sum(input: unknown): number {
  const { a, b } = input as { a: number; b: number };
  return a + b;
}
