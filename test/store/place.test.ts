import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { expect, it } from 'vitest';
import { APPLICATION_ID, LEDGER_VERSION } from '../../src/store/migrations.ts';
import { openLedgerReader, openSqliteStore } from '../../src/store/sqlite.ts';
import { ARMED_AT, makeJob, NODE, tempFolder } from './fixture.ts';

const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);

it('makes the folders for its owner alone, and the files too', async () => {
  using folder = tempFolder();
  await using _ = await openSqliteStore({ path: folder.file('var/lib/ledger.db'), node: NODE });
  expect([folder.file('var'), folder.file('var/lib')].map(modeOf)).toEqual(['700', '700']);
  const files = readdirSync(folder.file('var/lib'));
  expect(files.sort()).toEqual(['ledger.db', 'ledger.db-lock', 'ledger.db-shm', 'ledger.db-wal']);
  for (const file of files) expect(modeOf(folder.file(`var/lib/${file}`))).toBe('600');
});

it('refuses a folder, and says what to name instead', async () => {
  using folder = tempFolder();
  const refusal = { code: 'STORE_UNUSABLE', message: expect.stringContaining(`${folder.path}: this is a folder`) as string };
  await expect(openSqliteStore({ path: folder.path, node: NODE })).rejects.toMatchObject(refusal);
  await expect(openLedgerReader(folder.path)).rejects.toMatchObject(refusal);
  expect(readdirSync(folder.path)).toEqual([]);
});

it('refuses a path that leads through a file', async () => {
  using folder = tempFolder();
  writeFileSync(folder.file('file'), '');
  await expect(openSqliteStore({ path: folder.file('file/ledger.db'), node: NODE })).rejects.toMatchObject({
    code: 'STORE_UNUSABLE',
  });
});

it('refuses a link that leads nowhere instead of beginning a new ledger there', async () => {
  using folder = tempFolder();
  symlinkSync(folder.file('gone.db'), folder.file('ledger.db'));
  await expect(openSqliteStore({ path: folder.file('ledger.db'), node: NODE })).rejects.toMatchObject({
    code: 'STORE_UNUSABLE',
    message: expect.stringContaining('leads to no file') as string,
  });
  expect(existsSync(folder.file('gone.db'))).toBe(false);
});

it.each([
  ['text', (path: string) => writeFileSync(path, 'a shopping list\n'.repeat(500)), 'not a SQLite database'],
  ['a few bytes', (path: string) => writeFileSync(path, 'x'), 'not a SQLite database'],
  ['the database of another program', (path: string) => otherProgram(path), 'not a Tickwise ledger'],
  ['a ledger of a newer version', (path: string) => newerLedger(path), `version ${LEDGER_VERSION + 1}`],
])('refuses %s in one line and leaves it as it was', async (_, make, words) => {
  using folder = tempFolder();
  const path = folder.file('ledger.db');
  make(path);
  const before = readFileSync(path);
  for (const open of [openSqliteStore({ path, node: NODE }), openLedgerReader(path)]) {
    const thrown = (await open.catch((error: unknown) => error)) as Error;
    expect(thrown).toMatchObject({ code: 'STORE_UNUSABLE', message: expect.stringContaining(words) as string });
    expect(thrown.message).toContain(path);
    expect(thrown.message).not.toContain('\n');
  }
  expect(readFileSync(path).equals(before)).toBe(true);
});

it('refuses a ledger whose end is cut off, and does not begin a new one', async () => {
  using folder = tempFolder();
  const path = folder.file('ledger.db');
  const store = await openSqliteStore({ path, node: NODE });
  await store.arm(
    Array.from({ length: 500 }, (_, index) => makeJob(`job-${index}`)),
    ARMED_AT,
  );
  await store[Symbol.asyncDispose]();
  truncateSync(path, 8_192);
  await expect(openSqliteStore({ path, node: NODE })).rejects.toMatchObject({
    code: 'STORE_UNUSABLE',
    message: expect.stringContaining('damaged') as string,
  });
  expect(statSync(path).size).toBe(8_192);
});

it('refuses an empty file that has a log beside it: it was cut off', async () => {
  using folder = tempFolder();
  const path = folder.file('ledger.db');
  writeFileSync(path, '');
  writeFileSync(`${path}-wal`, 'x');
  await expect(openSqliteStore({ path, node: NODE })).rejects.toMatchObject({ code: 'STORE_UNUSABLE' });
  expect(statSync(path).size).toBe(0);
});

it('takes an empty file for a ledger that was never begun', async () => {
  using folder = tempFolder();
  const path = folder.file('ledger.db');
  writeFileSync(path, '');
  await using store = await openSqliteStore({ path, node: NODE });
  expect(await store.slots()).toEqual([]);
});

it('resolves a relative path', async () => {
  using folder = tempFolder();
  mkdirSync(folder.file('sub'));
  await using _ = await openSqliteStore({ path: folder.file('sub/../ledger.db'), node: NODE });
  expect(existsSync(folder.file('ledger.db'))).toBe(true);
});

function otherProgram(path: string): void {
  using db = new DatabaseSync(path);
  db.exec('create table recipes (name text)');
}

function newerLedger(path: string): void {
  using db = new DatabaseSync(path);
  db.exec(
    `pragma application_id = ${APPLICATION_ID}; pragma user_version = ${LEDGER_VERSION + 1}; create table future (name text)`,
  );
}
