/** A ledger that cannot be trusted is refused in one line, and left exactly as it is: no empty ledger takes its place. */
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, it } from 'vitest';
import type { Grant, TurnResult } from '../../src/core/store.ts';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import { ARMED_AT, endOf, makeJob, NODE, tempFolder, ticksOf, turnOf } from './fixture.ts';

const PAGE = 4_096;

interface Bench extends Disposable {
  /** As a daemon left it that was killed: a file, and a log that holds the newest commits. */
  readonly killed: string;
  /** As a daemon left it that was stopped. */
  readonly closed: string;
}

async function setup(): Promise<Bench> {
  const folder = tempFolder();
  const path = folder.file('ledger.db');
  const jobs = Array.from({ length: 40 }, (_, index) => makeJob(`job-${index}`));
  const store = await openSqliteStore({ path, node: NODE });
  await store.arm(jobs, ARMED_AT);
  let live: readonly Grant[] = [];
  const turn = (at: number): void => {
    const ends = live.map((grant) => endOf(grant, at));
    live = (store.commit(turnOf(at, { ends, claims: jobs.map((job) => ticksOf(job, [at])) })) as TurnResult).grants;
  };
  for (let index = 1; index <= 20; index++) turn(ARMED_AT + index * 1_000);
  using shell = new DatabaseSync(path);
  shell.exec('pragma wal_checkpoint(full)');
  for (let index = 21; index <= 30; index++) turn(ARMED_AT + index * 1_000);
  mkdirSync(folder.file('killed'));
  for (const end of ['', '-wal']) copyFileSync(`${path}${end}`, folder.file(`killed/ledger.db${end}`));
  shell.close();
  await store[Symbol.asyncDispose]();
  return { killed: folder.file('killed/ledger.db'), closed: path, [Symbol.dispose]: () => folder[Symbol.dispose]() };
}

async function expectRefusal(path: string, words: RegExp): Promise<void> {
  // Whoever reads a file of this kind makes an empty log beside it.
  const files = (): [string, Buffer][] =>
    readdirSync(dirname(path))
      .filter((name) => /^ledger\.db(-wal|-journal)?$/.test(name))
      .map((name): [string, Buffer] => [name, readFileSync(join(dirname(path), name))])
      .filter(([name, bytes]) => name === 'ledger.db' || bytes.length > 0);
  const before = files();
  const thrown = (await openSqliteStore({ path, node: { ...NODE, id: 'next' } }).then(
    async (store) => {
      await store[Symbol.asyncDispose]();
      return new Error('it was opened');
    },
    (error: unknown) => error,
  )) as Error;
  expect(thrown.message).toMatch(words);
  expect(thrown).toMatchObject({ code: 'STORE_UNUSABLE' });
  expect(thrown.message).not.toContain('\n');
  expect(thrown.message).toMatch(/tickwise backup|name another file|there is/);
  const after = files();
  expect(after.map(([name]) => name)).toEqual(before.map(([name]) => name));
  expect(after.every(([, bytes], index) => before[index]?.[1].equals(bytes))).toBe(true);
}

function spoilHeader(path: string): void {
  rmSync(`${path}-wal`);
  flip(path, 0, 100);
}

function flip(path: string, at: number, count: number): void {
  const bytes = readFileSync(path);
  for (let index = at; index < at + count; index++) bytes[index] = (bytes[index] as number) ^ 0xff;
  writeFileSync(path, bytes);
}

it('opens what a killed daemon left, with all of its commits', async () => {
  using bench = await setup();
  await using store = await openSqliteStore({ path: bench.killed, node: { ...NODE, id: 'next' } });
  expect((await store.slots())[0]).toMatchObject({ fence: 30, decidedUntil: ARMED_AT + 30_000 });
});

it('finds bytes that were flipped in the middle of any page after an unclean end', async () => {
  using bench = await setup();
  const whole = readFileSync(bench.killed);
  rmSync(`${bench.killed}-wal`);
  let refused = 0;
  const pages = whole.length / PAGE;
  for (let page = 1; page < pages; page++) {
    writeFileSync(bench.killed, whole);
    flip(bench.killed, page * PAGE, 12);
    await expectRefusal(bench.killed, /damaged/);
    refused++;
  }
  expect(refused).toBeGreaterThan(10);
});

it('refuses a file that was cut off, after a clean end too', async () => {
  using bench = await setup();
  truncateSync(bench.closed, 5 * PAGE);
  await expectRefusal(bench.closed, /malformed; the file is damaged/);
});

it('refuses a file of which the log makes up for less than was cut off', async () => {
  using bench = await setup();
  truncateSync(bench.killed, 2 * PAGE);
  await expectRefusal(bench.killed, /damaged|malformed/);
});

it.each([
  ['garbage', (path: string) => flip(`${path}-wal`, 0, 100)],
  ['a header with one wrong bit', (path: string) => flip(`${path}-wal`, 17, 1)],
])('refuses a log that begins with %s, instead of forgetting what it holds', async (_, spoil) => {
  using bench = await setup();
  spoil(bench.killed);
  await expectRefusal(bench.killed, /its log \("-wal"\) is garbage/);
});

it('takes a log that was never synced for what it is: nothing', async () => {
  using bench = await setup();
  writeFileSync(`${bench.closed}-wal`, Buffer.alloc(8_192));
  await using store = await openSqliteStore({ path: bench.closed, node: { ...NODE, id: 'next' } });
  expect((await store.slots())[0]).toMatchObject({ fence: 30 });
});

it('looks over a file whose log is missing, and goes on with it if it is whole', async () => {
  using bench = await setup();
  rmSync(`${bench.killed}-wal`);
  await using store = await openSqliteStore({ path: bench.killed, node: { ...NODE, id: 'next' } });
  expect((await store.slots())[0]).toMatchObject({ fence: 20 });
});

it.each([
  ['a garbage header', (path: string) => spoilHeader(path), /not a (SQLite )?database/],
  ['an empty file beside a log', (path: string) => truncateSync(path, 0), /0 bytes/],
  ['a log without its file', (path: string) => rmSync(path), /the ledger is gone, and its log/],
])('refuses %s', async (_, spoil, words) => {
  using bench = await setup();
  spoil(bench.killed);
  await expectRefusal(bench.killed, words);
});
