import { statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import type { Grant, TurnResult } from '../../src/core/store.ts';
import { runIdOf } from '../../src/core/tick.ts';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import { describeStore } from './conformance.ts';
import { ARMED_AT, endOf, makeJob, NODE, tempFolder, ticksOf, turnOf } from './fixture.ts';

describeStore('sqlite', async (node, messages) => {
  const folder = tempFolder();
  const store = await openSqliteStore({ path: folder.file('ledger.db'), node, synchronous: 'normal', messages });
  return {
    ...store,
    [Symbol.asyncDispose]: async () => {
      await store[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
    },
  };
});

describe('sqlite: a restart', () => {
  const [T1, T2, T3] = [ARMED_AT + 1_000, ARMED_AT + 2_000, ARMED_AT + 3_000];

  it('finds slot, queue, checkpoint and the holder of the live run as they were', async () => {
    using folder = tempFolder();
    const path = folder.file('ledger.db');
    const job = makeJob('a', { onOverlap: 'queue', exclusive: ['disk'] });
    const rival = makeJob('b', { exclusive: ['disk'] });
    const first = await openSqliteStore({ path, node: NODE });
    await first.arm([job, rival], ARMED_AT);
    const { grants } = first.commit(turnOf(T1, { claims: [ticksOf(job, [T1])] })) as TurnResult;
    const live = grants[0] as Grant;
    const checkpoints = [{ job: 'a', runId: live.runId, fence: 1, checkpoint: '{"at":1}', steps: 1 }];
    await first.commit(turnOf(T2, { checkpoints, claims: [ticksOf(job, [T2])] }));
    await first.setPaused('b', true);
    const before = await first.slots();
    await first[Symbol.asyncDispose]();

    await using second = await openSqliteStore({ path, node: { ...NODE, id: 'node-2' } });
    expect(await second.arm([job, rival], T3)).toEqual(before);
    expect(await second.liveRuns()).toMatchObject([{ id: live.runId, fence: 1, node: NODE, checkpoint: '{"at":1}' }]);
    const lost = endOf(live, T3, { outcome: 'lost' });
    const turn = await second.commit(turnOf(T3, { ends: [lost], promotions: [job] }));
    expect(turn.grants).toMatchObject([{ runId: runIdOf('a', T2), fence: 2, checkpoint: '{"at":1}' }]);
    expect(await second.liveRuns()).toMatchObject([{ node: { id: 'node-2' } }]);
  });

  it('refuses an end that a process of before writes late, under its old fence', async () => {
    using folder = tempFolder();
    const path = folder.file('ledger.db');
    const job = makeJob('a');
    const first = await openSqliteStore({ path, node: NODE });
    await first.arm([job], ARMED_AT);
    const { grants } = first.commit(turnOf(T1, { claims: [ticksOf(job, [T1])] })) as TurnResult;
    const old = grants[0] as Grant;
    await first[Symbol.asyncDispose]();

    await using second = await openSqliteStore({ path, node: { ...NODE, id: 'node-2' } });
    await second.commit(turnOf(T2, { ends: [endOf(old, T2, { outcome: 'lost' })], claims: [ticksOf(job, [T2])] }));
    expect(await second.commit(turnOf(T3, { ends: [endOf(old, T3)] }))).toMatchObject({ ended: [false] });
    expect(await second.liveRuns()).toMatchObject([{ tick: T2, fence: 2 }]);
  });
});

it('keeps the log of a long series of commits short', async () => {
  using folder = tempFolder();
  const job = makeJob('a');
  await using store = await openSqliteStore({ path: folder.file('ledger.db'), node: NODE, synchronous: 'normal' });
  await store.arm([job], ARMED_AT);
  const checkpoint = JSON.stringify('x'.repeat(100_000));
  for (let at = ARMED_AT + 1; at <= ARMED_AT + 400; at++) {
    const { grants } = store.commit(turnOf(at, { claims: [ticksOf(job, [at])] })) as TurnResult;
    await store.commit(turnOf(at, { ends: grants.map((grant) => endOf(grant, at, { checkpoint })) }));
  }
  expect(statSync(folder.file('ledger.db-wal')).size).toBeLessThan(16 * 1024 * 1024);
});

it('forgets daemons that no run names, and none that a run names, however often it is started', async () => {
  using folder = tempFolder();
  const path = folder.file('ledger.db');
  const job = makeJob('a');
  const at = ARMED_AT + 1;
  {
    await using store = await openSqliteStore({ path, node: NODE });
    await store.arm([job], ARMED_AT);
    await store.commit(turnOf(at, { claims: [ticksOf(job, [at])] }));
  }
  using raw = new DatabaseSync(path);
  raw.exec(`with recursive n (i) as (values (2) union all select i + 1 from n where i < 1200)
    insert into nodes (id, host, boot_id, pid, pid_start, started_at, clean) select 'old-' || i, 'here', 'boot', i, i, i, 1 from n`);
  await using store = await openSqliteStore({ path, node: { ...NODE, id: 'next' } });
  expect(raw.prepare('select id from nodes order by node').all()).toEqual([{ id: NODE.id }, { id: 'next' }]);
  expect(await store.liveRuns()).toMatchObject([{ node: NODE }]);
  expect(() => raw.exec("insert into resources values ('disk', 99, 'x')")).toThrow('FOREIGN KEY');
});

it('says that a commit survives the process', async () => {
  using folder = tempFolder();
  await using store = await openSqliteStore({ path: folder.file('ledger.db'), node: NODE });
  expect(store.durable).toBe(true);
});
