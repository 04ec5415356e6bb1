import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, readdirSync, rmSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { Store } from '../../src/core/store.ts';
import { runIdOf } from '../../src/core/tick.ts';
import { openLedgerReader, openSqliteStore } from '../../src/store/sqlite.ts';
import { ARMED_AT, linesOf, makeJob, NODE, tempFolder, ticksOf, turnOf } from './fixture.ts';

const T1 = ARMED_AT + 1_000;
const SQLITE = new URL('../../src/store/sqlite.ts', import.meta.url).href;

/** A ledger with one live run. */
async function setup(): Promise<
  AsyncDisposable & { readonly store: Store; readonly path: string; readonly folder: ReturnType<typeof tempFolder> }
> {
  const folder = tempFolder();
  const path = folder.file('sub/ledger.db');
  const store = await openSqliteStore({ path, node: NODE });
  const job = makeJob('a');
  await store.arm([job], ARMED_AT);
  await store.commit(turnOf(T1, { claims: [ticksOf(job, [T1])] }));
  return {
    store,
    path,
    folder,
    [Symbol.asyncDispose]: async () => {
      await store[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
    },
  };
}

it('reads beside a daemon what that has committed, as it goes on', async () => {
  await using bench = await setup();
  await using reader = await openLedgerReader(bench.path);
  expect(await reader.slots()).toEqual(await bench.store.slots());
  await bench.store.commit(turnOf(T1 + 1, { claims: [ticksOf(makeJob('a'), [T1 + 1])] }));
  expect(await reader.ticks({ job: 'a', limit: 9 })).toMatchObject([{ outcome: 'skipped' }, { outcome: 'ran' }]);
});

it('reads beside a daemon what the runs write', async () => {
  await using bench = await setup();
  await using reader = await openLedgerReader(bench.path);
  const query = { runId: runIdOf('a', T1), limit: 9 };
  expect(await reader.log(query)).toEqual([]);
  await bench.store.appendLog([{ runId: query.runId, lines: linesOf(1, 3) }]);
  expect(await reader.log({ ...query, after: 1 })).toEqual(linesOf(2, 3));
});

it('reads a ledger whose daemon has closed it', async () => {
  await using bench = await setup();
  await bench.store[Symbol.asyncDispose]();
  await using reader = await openLedgerReader(bench.path);
  expect(await reader.findRuns(runIdOf('a', T1))).toMatchObject([{ state: 'running', node: NODE }]);
});

it('reads a ledger whose daemon died, its log included', async () => {
  await using bench = await setup();
  const copy = bench.folder.file('crashed');
  cpSync(bench.folder.file('sub'), copy, { recursive: true });
  rmSync(`${copy}/ledger.db-shm`);
  await using reader = await openLedgerReader(`${copy}/ledger.db`);
  expect(await reader.runs({ limit: 9 })).toHaveLength(1);
});

it('says that there is no ledger, and makes none', async () => {
  using folder = tempFolder();
  await expect(openLedgerReader(folder.file('sub/ledger.db'))).rejects.toMatchObject({
    code: 'STORE_UNUSABLE',
    message: `${folder.file('sub/ledger.db')}: there is no ledger yet; start the daemon once, or name the right "store"`,
  });
  expect(readdirSync(folder.path)).toEqual([]);
});

it('does not shut a daemon out', async () => {
  await using bench = await setup();
  await bench.store[Symbol.asyncDispose]();
  await using _ = await openLedgerReader(bench.path);
  await using store = await openSqliteStore({ path: bench.path, node: { ...NODE, id: 'second' } });
  expect(await store.slots()).toHaveLength(1);
});

it.runIf(process.getuid?.() === 0)('reads for a user who may not write beside the ledger', async () => {
  await using bench = await setup();
  await bench.store[Symbol.asyncDispose]();
  chmodSync(bench.folder.path, 0o755);
  chmodSync(bench.folder.file('sub'), 0o755);
  chmodSync(bench.path, 0o644);
  const program = `
    const { openLedgerReader } = await import(${JSON.stringify(SQLITE)});
    process.setgid(65534);
    process.setuid(65534);
    const reader = await openLedgerReader(${JSON.stringify(bench.path)});
    console.log((await reader.slots())[0].job);`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], { encoding: 'utf8' });
  expect([stdout, stderr]).toEqual(['a\n', '']);
});
