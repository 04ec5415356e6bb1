/** A ledger of an earlier version comes up to date with all that it holds. */
import { DatabaseSync } from 'node:sqlite';
import { expect, it } from 'vitest';
import type { Happening, MessageDraft } from '../../src/core/message.ts';
import { LEDGER_VERSION, migrate } from '../../src/store/migrations.ts';
import { openLedgerReader, openSqliteStore } from '../../src/store/sqlite.ts';
import { ARMED_AT, linesOf, makeJob, NODE, tempFolder, ticksOf, triggerOf, turnOf } from './fixture.ts';

/** A ledger as version 1 left it: nine runs of which three were pruned, one live, one queued; and a daemon that was killed. */
function makeVersion1(path: string): void {
  using db = new DatabaseSync(path);
  migrate(db, path, 1);
  db.exec('pragma journal_mode = wal');
  db.exec(`
    insert into nodes values (1, 'node-0', 'here', 'boot-0', 1, 1, 0);
    insert into slots (job, name, decided_until, paused, newest, kept_since) values (1, 'a', 10000, 1, 'r10', 3000), (2, 'b', 500, 0, null, -9007199254740991);
  `);
  for (let fence = 1; fence <= 9; fence++) db.prepare('update slots set fence = ? where job = 1').run(fence);
  const run = db.prepare(`insert into runs (id, job, tick, cause, fence, node, queued_at, granted_at, ended_at, outcome, previous)
    values (?, 1, ?, 'tick', ?, ?, ?, ?, ?, ?, ?)`);
  const tick = db.prepare("insert into ticks values (?, 1, 'ran', null, ?, ?)");
  for (let index = 4; index <= 10; index++) {
    const at = index * 1_000;
    const isQueued = index === 10;
    const hasEnded = index < 9;
    run.run(
      `r${index}`,
      at,
      isQueued ? null : index,
      isQueued ? null : 1,
      at,
      isQueued ? null : at,
      hasEnded ? at + 1 : null,
      hasEnded ? 'succeeded' : null,
      index === 4 ? null : `r${index - 1}`,
    );
    tick.run(at, `r${index}`, at);
  }
  db.exec(
    "insert into checkpoints values (1, 'r8', '{\"at\":8}'); insert into resources values ('disk', 1, 'r9'); update runs set resources = 1 where id = 'r9'",
  );
}

it('keeps slots, runs, ticks and checkpoints of a version-1 ledger, and works on', async () => {
  using folder = tempFolder();
  const path = folder.file('ledger.db');
  makeVersion1(path);
  await expect(openLedgerReader(path)).rejects.toThrow('start the daemon once to bring it up to date');
  const job = makeJob('a', { exclusive: ['disk'] });
  await using store = await openSqliteStore({ path, node: NODE });
  expect(await store.arm([job], ARMED_AT)).toEqual([
    { job: 'a', fence: 9, decidedUntil: 10_000, paused: true, live: { runId: 'r9' }, queued: [{ runId: 'r10', cause: 'tick' }] },
  ]);
  expect((await store.runs({ job: 'a', limit: 9 })).map((run) => run.id)).toEqual(['r10', 'r9', 'r8', 'r7', 'r6', 'r5', 'r4']);
  expect(await store.ticks({ job: 'a', limit: 99 })).toHaveLength(7);
  expect(await store.checkpoint('a')).toBe('{"at":8}');
  await store.setPaused('a', false);
  const lost = { job: 'a', runId: 'r9', fence: 9, outcome: 'lost', endedAt: ARMED_AT, steps: 0, attempts: 0 } as const;
  const { grants } = await store.commit(turnOf(ARMED_AT, { ends: [lost], promotions: [job], claims: [ticksOf(job, [20_000])] }));
  expect(grants).toMatchObject([{ runId: 'r10', fence: 10, checkpoint: '{"at":8}' }]);
});

it('counts what a version-1 ledger still holds, and knows how many runs it had granted', async () => {
  using folder = tempFolder();
  const path = folder.file('ledger.db');
  makeVersion1(path);
  await using store = await openSqliteStore({ path, node: NODE });
  expect(await store.tallies('a')).toEqual([
    { job: 'a', ticks: [{ outcome: 'ran', count: 7 }], runs: [{ outcome: 'succeeded', count: 5 }] },
  ]);
  using db = new DatabaseSync(path, { readOnly: true });
  expect(db.prepare('select job, kind, outcome, reason, count from counters').all()).toMatchObject([
    { job: 1, kind: 'run', outcome: 'unknown', reason: 'granted', count: 3 },
  ]);
});

it('keeps all that a version-5 ledger holds, and knows how the last run of each job ended', async () => {
  using folder = tempFolder();
  const path = folder.file('ledger.db');
  {
    using db = new DatabaseSync(path);
    migrate(db, path, 5);
    const insert = db.prepare(`insert into runs (id, job, tick, cause, fence, node, queued_at, granted_at, ended_at, outcome)
      values (?, ?, ?, 'tick', ?, ?, ?, ?, ?, ?)`);
    db.exec(`
      insert into nodes (node, id, host, boot_id, pid, pid_start, started_at, clean) values (1, 'node-0', 'here', 'boot-0', 1, 1, 0, 1);
      insert into slots (job, name, decided_until, newest) values (1, 'a', 4000, 'a4'), (2, 'b', 1000, 'b1'), (3, 'c', 500, null)`);
    for (let fence = 1; fence <= 3; fence++) db.prepare('update slots set fence = ? where job = 1').run(fence);
    db.exec('update slots set fence = 1 where job = 2');
    insert.run('a1', 1, 1_000, 1, 1, 1_000, 1_000, 1_001, 'succeeded');
    insert.run('a2', 1, 2_000, 2, 1, 2_000, 2_000, 2_001, 'failed');
    insert.run('a3', 1, 3_000, 3, 1, 3_000, 3_000, null, null);
    insert.run('a4', 1, 4_000, null, null, 4_000, null, 4_001, 'cancelled');
    insert.run('b1', 2, 1_000, 1, 1, 1_000, 1_000, null, null);
  }
  const told: Happening[] = [];
  const messages = (happening: Happening): readonly MessageDraft[] => {
    told.push(happening);
    return [{ job: 'a', event: 'lost', target: 'hook', body: '{}' }];
  };
  await using store = await openSqliteStore({ path, node: NODE, messages });
  expect(await store.liveRuns()).toMatchObject([
    { id: 'a3', fence: 3 },
    { id: 'b1', fence: 1 },
  ]);
  await store.appendLog([{ runId: 'a2', lines: linesOf(1, 2) }]);
  expect(await store.log({ runId: 'a2', limit: 9 })).toEqual(linesOf(1, 2));
  const lost = { outcome: 'lost', endedAt: ARMED_AT, steps: 0, attempts: 0 } as const;
  const ends = [
    { ...lost, job: 'a', runId: 'a3', fence: 3 },
    { ...lost, job: 'b', runId: 'b1', fence: 1 },
  ];
  const idempotency = { key: 'k', fingerprint: 'f', until: ARMED_AT + 1 };
  const { ended, grants } = await store.commit(
    turnOf(ARMED_AT, { ends, claims: [triggerOf(makeJob('c'), ARMED_AT, { idempotency })] }),
  );
  expect([ended, grants]).toMatchObject([[true, true], [{ job: 'c', fence: 1 }]]);
  expect(told.map((happening) => happening.kind === 'ended' && happening.previous)).toEqual(['failed', undefined]);
  expect(await store.dueMessages(ARMED_AT, 9)).toHaveLength(2);
});

it('has the same tables as a new ledger', async () => {
  using folder = tempFolder();
  const schemaOf = async (path: string): Promise<unknown> => {
    await (await openSqliteStore({ path, node: NODE }))[Symbol.asyncDispose]();
    using db = new DatabaseSync(path, { readOnly: true });
    expect(db.prepare('pragma user_version').get()).toEqual({ user_version: LEDGER_VERSION });
    return db.prepare('select type, name, tbl_name, sql from sqlite_schema order by name').all();
  };
  makeVersion1(folder.file('old.db'));
  expect(await schemaOf(folder.file('old.db'))).toEqual(await schemaOf(folder.file('new.db')));
});
