/** The database itself refuses what would break the promise: raw SQL beside the store, as a faulty program would write it. */
import { DatabaseSync } from 'node:sqlite';
import { expect, it } from 'vitest';
import type { Grant, Store } from '../../src/core/store.ts';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import { ARMED_AT, endOf, makeJob, NODE, tempFolder, ticksOf, turnOf } from './fixture.ts';

const T1 = ARMED_AT + 1_000;

interface Bench extends AsyncDisposable {
  readonly store: Store;
  readonly raw: DatabaseSync;
  readonly live: Grant;
}

/** A store with one live run that holds the resource `disk`, and a connection of its own to the same file. */
async function setup(): Promise<Bench> {
  const folder = tempFolder();
  const path = folder.file('ledger.db');
  const store = await openSqliteStore({ path, node: NODE });
  const job = makeJob('a', { exclusive: ['disk'] });
  await store.arm([job, makeJob('b')], ARMED_AT);
  const { grants } = await store.commit(turnOf(T1, { claims: [ticksOf(job, [T1])] }));
  const raw = new DatabaseSync(path, { enableForeignKeyConstraints: true });
  return {
    store,
    raw,
    live: grants[0] as Grant,
    [Symbol.asyncDispose]: async () => {
      raw.close();
      await store[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
    },
  };
}

const RUN = "insert into runs (id, job, tick, cause, fence, node, queued_at) values ('second', 1, 5, 'tick', 2, 1, 5)";

it('refuses a second live run of a job', async () => {
  await using bench = await setup();
  expect(() => bench.raw.exec(RUN)).toThrow('UNIQUE constraint failed: runs.job');
});

it('refuses to give a queued run a fence while another is live', async () => {
  await using bench = await setup();
  bench.raw.exec("insert into runs (id, job, tick, cause, queued_at) values ('queued', 1, 5, 'tick', 5)");
  expect(() => bench.raw.exec("update runs set fence = 2, node = 1 where id = 'queued'")).toThrow(
    'UNIQUE constraint failed: runs.job',
  );
});

it('refuses to make an ended run live again beside a live one', async () => {
  await using bench = await setup();
  await bench.store.commit(turnOf(T1, { ends: [endOf(bench.live, T1)] }));
  bench.raw.exec(RUN);
  expect(() => bench.raw.exec(`update runs set ended_at = null, outcome = null where id = '${bench.live.runId}'`)).toThrow(
    'UNIQUE constraint',
  );
});

it('accepts the next live run once the first has ended', async () => {
  await using bench = await setup();
  await bench.store.commit(turnOf(T1, { ends: [endOf(bench.live, T1)] }));
  expect(() => bench.raw.exec(RUN)).not.toThrow();
});

it('refuses a second decision of a tick', async () => {
  await using bench = await setup();
  const again = `insert into ticks (tick, job, outcome, reason, decided_at) values (${T1}, 1, 'skipped', 'overlap', 9)`;
  expect(() => bench.raw.exec(again)).toThrow('UNIQUE constraint failed: ticks.tick, ticks.job');
});

it.each(["'ran', null, null", "'skipped', null, null", "'folded', 'x', null", "'missed', null, 'x'", "'late', 'x', 'x'"])(
  'refuses a tick whose outcome is not whole: %s',
  async (outcome) => {
    await using bench = await setup();
    const insert = `insert into ticks (tick, job, outcome, reason, run, decided_at) values (1, 1, ${outcome}, 9)`;
    expect(() => bench.raw.exec(insert)).toThrow('CHECK constraint failed');
  },
);

it.each([0, -1, 3])('refuses a fence that goes from 1 to %d', async (fence) => {
  await using bench = await setup();
  expect(() => bench.raw.exec(`update slots set fence = ${fence} where name = 'a'`)).toThrow('a fence only grows');
});

it('refuses to delete a slot, for its fence would begin again', async () => {
  await using bench = await setup();
  expect(() => bench.raw.exec("delete from slots where name = 'b'")).toThrow('a slot stays for ever');
});

it('refuses to replace a slot, for its fence would begin again', async () => {
  await using bench = await setup();
  expect(() => bench.raw.exec("insert or replace into slots (job, name, decided_until) values (1, 'a', 0)")).toThrow(
    'a slot is never replaced',
  );
});

it('refuses a resource with two holders', async () => {
  await using bench = await setup();
  expect(() => bench.raw.exec("insert into resources (name, job, run) values ('disk', 2, 'x')")).toThrow(
    'UNIQUE constraint failed: resources.name',
  );
});

it('refuses a run of a job, and under a node, that does not exist', async () => {
  await using bench = await setup();
  expect(() => bench.raw.exec(RUN.replace("'second', 1", "'second', 99"))).toThrow('FOREIGN KEY constraint failed');
  expect(() => bench.raw.exec(RUN.replace("'second', 1", "'second', 2").replace('2, 1, 5)', '2, 77, 5)'))).toThrow(
    'FOREIGN KEY constraint failed',
  );
});

it('refuses an end without an outcome, and a fence without a holder', async () => {
  await using bench = await setup();
  expect(() => bench.raw.exec('update runs set ended_at = 5')).toThrow('CHECK constraint failed');
  expect(() => bench.raw.exec('update runs set node = null')).toThrow('CHECK constraint failed');
});

it('keeps nothing of a turn that the database refuses, and goes on with the next', async () => {
  await using bench = await setup();
  const [b, c] = [makeJob('b'), makeJob('c')];
  await bench.store.arm([c], ARMED_AT);
  bench.raw.exec(`insert into ticks (tick, job, outcome, reason, decided_at) values (${T1 + 1}, 3, 'missed', 'down', 1)`);
  const turn = turnOf(T1 + 1, { ends: [endOf(bench.live, T1 + 1)], claims: [ticksOf(b, [T1 + 1]), ticksOf(c, [T1 + 1])] });
  expect(() => bench.store.commit(turn)).toThrow(expect.objectContaining({ code: 'STORE_UNUSABLE' }));
  expect((await bench.store.liveRuns()).map((run) => run.id)).toEqual([bench.live.runId]);
  expect(await bench.store.ticks({ job: 'b', limit: 9 })).toEqual([]);
  const { grants } = await bench.store.commit(turnOf(T1 + 2, { claims: [ticksOf(b, [T1 + 2])] }));
  expect(grants).toMatchObject([{ job: 'b', fence: 1 }]);
});
