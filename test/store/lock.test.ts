import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { openLedgerReader, openSqliteStore } from '../../src/store/sqlite.ts';
import { NODE, tempFolder } from './fixture.ts';

const HOLDER = fileURLToPath(new URL('holder.ts', import.meta.url));

it('refuses a second daemon in one line that names the first and says what to do', async () => {
  using folder = tempFolder();
  const path = folder.file('ledger.db');
  await using _ = await openSqliteStore({ path, node: NODE });
  await expect(openSqliteStore({ path, node: { ...NODE, id: 'second' } })).rejects.toMatchObject({
    code: 'STORE_LOCKED',
    message: `${path}: another daemon (pid ${process.pid} on here, since 1970-01-01T00:00:01.000Z) has this store open; stop it first, or name another "store"`,
    facts: { path, pid: process.pid, host: 'here', since: 1_000 },
  });
});

it('lets the next daemon in once the first has closed', async () => {
  using folder = tempFolder();
  const path = folder.file('ledger.db');
  await (await openSqliteStore({ path, node: NODE }))[Symbol.asyncDispose]();
  await using store = await openSqliteStore({ path, node: { ...NODE, id: 'second' } });
  expect(await store.slots()).toEqual([]);
});

it('keeps the lock while readers and refused daemons come and go', async () => {
  using folder = tempFolder();
  const path = folder.file('ledger.db');
  await using _ = await openSqliteStore({ path, node: NODE });
  for (let round = 0; round < 3; round++) {
    await (await openLedgerReader(path))[Symbol.asyncDispose]();
    await expect(openSqliteStore({ path, node: NODE })).rejects.toMatchObject({ code: 'STORE_LOCKED' });
  }
});

it('sees through symbolic links to the file and to its folder', async () => {
  using folder = tempFolder();
  mkdirSync(folder.file('real'));
  symlinkSync(folder.file('real'), folder.file('alias'));
  await using _ = await openSqliteStore({ path: folder.file('real/ledger.db'), node: NODE });
  symlinkSync(folder.file('real/ledger.db'), folder.file('link.db'));
  for (const path of [folder.file('alias/ledger.db'), folder.file('link.db')]) {
    await expect(openSqliteStore({ path, node: NODE })).rejects.toMatchObject({ code: 'STORE_LOCKED' });
  }
});

it('refuses a ledger that has a second name, for each name would get a log and a lock of its own', async () => {
  using folder = tempFolder();
  const path = folder.file('ledger.db');
  await (await openSqliteStore({ path, node: NODE }))[Symbol.asyncDispose]();
  linkSync(path, folder.file('twin.db'));
  for (const name of [path, folder.file('twin.db')]) {
    await expect(openSqliteStore({ path: name, node: NODE })).rejects.toMatchObject({ code: 'STORE_UNSUPPORTED' });
  }
});

it('holds against another process, and falls at once when that process is killed', async () => {
  using folder = tempFolder();
  const path = folder.file('ledger.db');
  const child = spawn(process.execPath, [HOLDER, path, 'hold'], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    await once(child.stdout, 'data');
    await expect(openSqliteStore({ path, node: NODE })).rejects.toMatchObject({
      code: 'STORE_LOCKED',
      facts: { pid: child.pid },
    });
  } finally {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  await using store = await openSqliteStore({ path, node: NODE });
  expect(await store.slots()).toHaveLength(4);
});

it('is free again when the ledger behind it could not be opened', async () => {
  using folder = tempFolder();
  const path = folder.file('ledger.db');
  writeFileSync(path, 'not a database, but long enough to be taken for one'.repeat(100));
  for (let round = 0; round < 2; round++)
    await expect(openSqliteStore({ path, node: NODE })).rejects.toMatchObject({ code: 'STORE_UNUSABLE' });
});

it('names the lock file when it is damaged', async () => {
  using folder = tempFolder();
  const path = folder.file('ledger.db');
  writeFileSync(`${path}-lock`, 'not a database, but long enough to be taken for one'.repeat(100));
  await expect(openSqliteStore({ path, node: NODE })).rejects.toMatchObject({
    code: 'STORE_UNUSABLE',
    message: expect.stringMatching(
      /ledger\.db-lock: the store cannot be locked: .*; remove this file while no daemon runs/,
    ) as string,
  });
});
