/** A commit that fails keeps nothing of its turn, says why, and leaves the store fit for the next. */
import { spawnSync } from 'node:child_process';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import { ARMED_AT, linesOf, makeJob, NODE, tempFolder, ticksOf, turnOf } from './fixture.ts';

const OVERFLOW = fileURLToPath(new URL('overflow.ts', import.meta.url));

it('refuses a turn while another program holds the write lock, and takes it afterwards', async () => {
  using folder = tempFolder();
  const path = folder.file('ledger.db');
  const job = makeJob('a');
  await using store = await openSqliteStore({ path, node: NODE });
  await store.arm([job], ARMED_AT);
  using shell = new DatabaseSync(path);
  shell.exec('begin immediate');
  const turn = turnOf(ARMED_AT + 1, { claims: [ticksOf(job, [ARMED_AT + 1])] });
  expect(() => store.commit(turn)).toThrow(
    expect.objectContaining({
      code: 'STORE_UNUSABLE',
      message: `${path}: the store cannot be written; nothing of this turn was kept: database is locked; another program holds a write lock on it; end that program`,
    }),
  );
  await expect(store.setPaused('a', true)).rejects.toMatchObject({ code: 'STORE_UNUSABLE' });
  shell.exec('rollback');
  expect(await store.commit(turn)).toMatchObject({ grants: [{ job: 'a', fence: 1 }] });
});

it('keeps no line and no message while another program holds the write lock, and all of them afterwards', async () => {
  using folder = tempFolder();
  const path = folder.file('ledger.db');
  const job = makeJob('a');
  await using store = await openSqliteStore({ path, node: NODE });
  await store.arm([job], ARMED_AT);
  const { grants } = await store.commit(turnOf(ARMED_AT + 1, { claims: [ticksOf(job, [ARMED_AT + 1])] }));
  const runId = grants[0]?.runId ?? '';
  const draft = { job: 'a', event: 'overdue', target: 'hook', body: '{}' } as const;
  using shell = new DatabaseSync(path);
  shell.exec('begin immediate');
  const refused = expect.objectContaining({ code: 'STORE_UNUSABLE' }) as Error;
  expect(() => store.appendLog([{ runId, lines: linesOf(1, 2) }])).toThrow(refused);
  await expect(store.enqueue([draft], ARMED_AT)).rejects.toThrow(refused);
  await expect(store.settleMessage(1, { kind: 'sent' })).rejects.toThrow(refused);
  shell.exec('rollback');
  expect([await store.log({ runId, limit: 9 }), await store.nextMessageAt()]).toEqual([[], undefined]);
  await store.appendLog([{ runId, lines: linesOf(1, 2) }]);
  await store.enqueue([draft], ARMED_AT);
  expect([await store.log({ runId, limit: 9 }), await store.nextMessageAt()]).toEqual([linesOf(1, 2), ARMED_AT]);
});

it('keeps none of several lines when one of them cannot be kept', async () => {
  using folder = tempFolder();
  const job = makeJob('a');
  await using store = await openSqliteStore({ path: folder.file('ledger.db'), node: NODE });
  await store.arm([job], ARMED_AT);
  const { grants } = await store.commit(turnOf(ARMED_AT + 1, { claims: [ticksOf(job, [ARMED_AT + 1])] }));
  const runId = grants[0]?.runId ?? '';
  const bad = linesOf(3, 3).map((line) => ({ ...line, at: 0.5 }));
  expect(() => store.appendLog([{ runId, lines: [...linesOf(1, 2), ...bad] }])).toThrow('lines.at');
  expect(await store.log({ runId, limit: 9 })).toEqual([]);
});

it('rolls a turn back whole when the file system takes no more bytes, and goes on with a smaller one', () => {
  using folder = tempFolder();
  const path = folder.file('ledger.db');
  const limit512ByteBlocks = 4_000;
  const { stdout, stderr } = spawnSync(
    '/bin/sh',
    ['-c', `trap '' XFSZ; ulimit -f ${limit512ByteBlocks}; exec "$0" "$@"`, process.execPath, OVERFLOW, path],
    {
      encoding: 'utf8',
    },
  );
  expect(stderr).toBe('');
  const { refused, after, next } = JSON.parse(stdout) as {
    refused: { code: string; message: string }[];
    after: unknown;
    next: unknown;
  };
  expect(refused.length).toBeGreaterThan(0);
  for (const { code, message } of refused) {
    expect(code).toBe('STORE_UNUSABLE');
    expect(message).toMatch(
      /: the store cannot be written; nothing of this turn was kept: (disk I\/O error|database or disk is full); /,
    );
  }
  expect(after).toEqual({ live: ['a'], checkpoint: null, ticks: 1 });
  expect(next).toEqual({ ended: [true] });
});
