/** A backup is the ledger as it was at one instant, and a store by itself. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { backUp } from '../../src/store/backup.ts';
import { openLedgerReader, openSqliteStore } from '../../src/store/sqlite.ts';
import { verifyLedger } from '../../src/store/verify.ts';
import { createCalendar } from '../../src/system/calendar.ts';
import { ARMED_AT, linesOf, makeJob, NODE, tempFolder, ticksOf, turnOf } from './fixture.ts';

const HOLDER = fileURLToPath(new URL('holder.ts', import.meta.url));
const NEXT = { ...NODE, id: 'next' };

it('copies a ledger beside a daemon that commits all the while, whole each time', async () => {
  using folder = tempFolder();
  const path = folder.file('ledger.db');
  const child = spawn(process.execPath, [HOLDER, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  const facts: { at: number; grants: [string, number][] }[] = [];
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.includes('"at"')) facts.push(JSON.parse(line) as (typeof facts)[number]);
  });
  try {
    for (let copy = 0; copy < 3; copy++) {
      while (facts.length < (copy + 1) * 50) await once(child.stdout, 'data');
      const [known] = facts.slice(-1);
      const target = folder.file(`copy-${copy}.db`);
      expect(backUp(path, target)).toEqual({ kind: 'written', path: target, bytes: statSync(target).size });
      expect(verifyLedger(target, createCalendar()).findings).toEqual([]);
      await using store = await openSqliteStore({ path: target, node: NEXT });
      for (const [id, fence] of known?.grants ?? []) expect(await store.findRuns(id)).toMatchObject([{ fence }]);
      const slot = (await store.arm([makeJob('a')], 0))[0];
      expect(slot?.decidedUntil).toBeGreaterThanOrEqual(known?.at ?? Infinity);
    }
  } finally {
    child.kill('SIGKILL');
    await once(child, 'close');
  }
});

it('gives a file for its owner alone, without a log, that works on as a store', async () => {
  using folder = tempFolder();
  const path = folder.file('ledger.db');
  const job = makeJob('a');
  await using store = await openSqliteStore({ path, node: NODE });
  await store.arm([job], ARMED_AT);
  const { grants } = await store.commit(turnOf(ARMED_AT + 1, { claims: [ticksOf(job, [ARMED_AT + 1])] }));
  const log = { runId: grants[0]?.runId ?? '', limit: 9 };
  await store.appendLog([{ runId: log.runId, lines: linesOf(1, 3) }]);
  await store.enqueue([{ job: 'a', event: 'overdue', target: 'hook', body: '{}' }], ARMED_AT);
  backUp(path, folder.file('copy.db'));
  expect(readdirSync(folder.path).filter((name) => name.startsWith('copy'))).toEqual(['copy.db']);
  expect(statSync(folder.file('copy.db')).mode & 0o777).toBe(0o600);
  {
    await using reader = await openLedgerReader(folder.file('copy.db'));
    expect(await reader.runs({ limit: 9 })).toEqual(await store.runs({ limit: 9 }));
    expect(await reader.log(log)).toEqual(linesOf(1, 3));
  }
  await using restored = await openSqliteStore({ path: folder.file('copy.db'), node: NEXT });
  expect(await restored.arm([job], ARMED_AT)).toEqual(await store.slots());
  expect(await restored.dueMessages(ARMED_AT, 9)).toEqual(await store.dueMessages(ARMED_AT, 9));
});

it('leaves a file of that name as it is', async () => {
  using folder = tempFolder();
  const path = folder.file('ledger.db');
  await using _ = await openSqliteStore({ path, node: NODE });
  writeFileSync(folder.file('copy.db'), 'mine');
  expect(backUp(path, folder.file('copy.db'))).toEqual({ kind: 'exists', path: folder.file('copy.db') });
  expect(backUp(path, path)).toEqual({ kind: 'exists', path });
  expect(statSync(folder.file('copy.db')).size).toBe(4);
});

it.each([
  ['there is no ledger', 'nothing.db', 'copy.db'],
  ['the folder of the copy is not there', 'ledger.db', 'nowhere/copy.db'],
])('says so in one line when %s', async (_, from, to) => {
  using folder = tempFolder();
  await using store = await openSqliteStore({ path: folder.file('ledger.db'), node: NODE });
  expect(store.durable).toBe(true);
  expect(() => backUp(folder.file(from), folder.file(to))).toThrow(expect.objectContaining({ code: 'STORE_UNUSABLE' }) as Error);
  expect(existsSync(folder.file(to))).toBe(false);
});
