import { DatabaseSync } from 'node:sqlite';
import { expect, it } from 'vitest';
import type { Job } from '../../src/core/job.ts';
import type { Grant, Store, TurnResult } from '../../src/core/store.ts';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import { ARMED_AT, endOf, linesOf, makeJob, NODE, tempFolder, ticksOf, triggerOf, turnOf } from './fixture.ts';

const EVERY_MS = 1_000;

async function setup(...jobs: readonly Job[]): Promise<AsyncDisposable & { readonly store: Store; readonly path: string }> {
  const folder = tempFolder();
  const path = folder.file('ledger.db');
  const store = await openSqliteStore({ path, node: NODE, synchronous: 'normal' });
  await store.arm(jobs, ARMED_AT);
  return {
    store,
    path,
    [Symbol.asyncDispose]: async () => {
      await store[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
    },
  };
}

/** Runs each job at each of its ticks, and lets the tick in between find the run live. */
function runTicks(store: Store, jobs: readonly Job[], first: number, count: number): void {
  let live: readonly Grant[] = [];
  for (let index = first; index < first + count; index++) {
    const at = ARMED_AT + index * EVERY_MS;
    const ends = index % 2 === 1 ? live.map((grant) => endOf(grant, at)) : [];
    const { grants } = store.commit(turnOf(at, { ends, claims: jobs.map((job) => ticksOf(job, [at])) })) as TurnResult;
    if (grants.length > 0) live = grants;
  }
}

it('keeps about as many runs of each job as its history holds, and the newest of them', async () => {
  const jobs = [50, 100].map((maxRunsPerJob) =>
    makeJob(`keeps-${maxRunsPerJob}`, { history: { maxRunsPerJob, maxAgeMs: 1e12 } }),
  );
  await using bench = await setup(...jobs);
  runTicks(bench.store, jobs, 1, 2_000);
  for (const { name, history } of jobs) {
    const runs = await bench.store.runs({ job: name, limit: 1_000 });
    expect(runs.length).toBeGreaterThanOrEqual(history.maxRunsPerJob);
    expect(runs.length).toBeLessThanOrEqual(history.maxRunsPerJob * 2 + 64);
    expect(runs[0]?.fence).toBe(1_000);
    expect(runs.map((run) => run.fence)).toEqual(Array.from({ length: runs.length }, (_, index) => 1_000 - index));
  }
});

it('keeps the ticks from the oldest run that it keeps, every one of them', async () => {
  const job = makeJob('a', { history: { maxRunsPerJob: 50, maxAgeMs: 1e12 } });
  await using bench = await setup(job);
  runTicks(bench.store, [job], 1, 2_000);
  const runs = await bench.store.runs({ job: 'a', limit: 1_000 });
  const ticks = (await bench.store.ticks({ job: 'a', limit: 10_000 })).map((row) => row.tick);
  expect(ticks).toEqual(Array.from({ length: ticks.length }, (_, index) => ARMED_AT + (2_000 - index) * EVERY_MS));
  expect(ticks.at(-1)).toBeLessThanOrEqual(runs.at(-1)?.tick ?? 0);
  expect(ticks.length).toBeLessThanOrEqual(500);
});

it('counts right after pruning: by outcome and reason, what is dropped and what is kept make all there ever was', async () => {
  const jobs = [
    makeJob('by-runs', { history: { maxRunsPerJob: 20, maxAgeMs: 1e12 } }),
    makeJob('by-age', { history: { maxRunsPerJob: 1e6, maxAgeMs: 60 * EVERY_MS } }),
  ];
  await using bench = await setup(...jobs);
  runTicks(bench.store, jobs, 1, 1_001);
  for (const tally of await bench.store.tallies()) {
    expect(tally.ticks).toEqual([
      { outcome: 'ran', count: 501 },
      { outcome: 'skipped', reason: 'overlap', count: 500 },
    ]);
    expect(tally.runs).toEqual([{ outcome: 'succeeded', count: 500 }]);
    expect((await bench.store.runs({ job: tally.job, limit: 1_000 })).length).toBeLessThan(150);
  }
});

it('forgets nothing of the counts when a turn is rolled back', async () => {
  const job = makeJob('a', { history: { maxRunsPerJob: 5, maxAgeMs: 1e12 } });
  await using bench = await setup(job);
  runTicks(bench.store, [job], 1, 399);
  const before = await bench.store.tallies();
  const claims = [
    ...Array.from({ length: 200 }, (_, index) => ticksOf(job, [ARMED_AT + (400 + index) * EVERY_MS])),
    ticksOf(makeJob('unarmed'), [1]),
  ];
  expect(() => bench.store.commit(turnOf(ARMED_AT + 600 * EVERY_MS, { claims }))).toThrow('before it was armed');
  expect(await bench.store.tallies()).toEqual(before);
});

it('looks at few rows in one turn, however many there are to drop, so that no tick waits', async () => {
  const keeping = makeJob('a', { history: { maxRunsPerJob: 1e6, maxAgeMs: 1e12 } });
  const dropping = { ...keeping, history: { maxRunsPerJob: 1, maxAgeMs: 1 } };
  await using bench = await setup(keeping);
  runTicks(bench.store, [keeping], 1, 6_000);
  await bench.store.arm([dropping], ARMED_AT);
  using raw = new DatabaseSync(bench.path, { readOnly: true });
  const ticks = raw.prepare('select count(*) as count from ticks');
  const count = (): number => ticks.get()?.['count'] as number;
  let before = count();
  let most = 0;
  for (let turn = 1; turn <= 1_000; turn++) {
    runTicks(bench.store, [dropping], 6_000 + turn, 1);
    most = Math.max(most, before + 1 - count());
    before = count();
  }
  expect(most).toBeGreaterThan(0);
  expect(most).toBeLessThanOrEqual(64);
  // Two are looked at for each that comes.
  expect(before).toBeLessThanOrEqual(6_000 - 1_000 + 200);
  const [tally] = await bench.store.tallies('a');
  expect(tally?.ticks.reduce((sum, row) => sum + row.count, 0)).toBe(7_000);
});

it('drops runs and ticks that are older than the history, and no live run', async () => {
  const [busy, stuck] = [
    makeJob('busy', { history: { maxRunsPerJob: 10_000, maxAgeMs: 100 * EVERY_MS } }),
    makeJob('stuck', { history: { maxRunsPerJob: 1, maxAgeMs: 1 } }),
  ];
  await using bench = await setup(busy, stuck);
  await bench.store.commit(turnOf(ARMED_AT + 1, { claims: [ticksOf(stuck, [ARMED_AT + 1])] }));
  runTicks(bench.store, [busy], 1, 2_000);
  expect((await bench.store.runs({ job: 'busy', limit: 1_000 })).length).toBeLessThanOrEqual(150);
  expect((await bench.store.ticks({ job: 'busy', limit: 10_000 })).length).toBeLessThanOrEqual(250);
  expect((await bench.store.liveRuns()).map((run) => run.job)).toContain('stuck');
});

it('drops the lines of a run with the run, and few of them in one turn', async () => {
  const keeping = makeJob('a', { history: { maxRunsPerJob: 1e6, maxAgeMs: 1e12 } });
  const dropping = { ...keeping, history: { maxRunsPerJob: 1, maxAgeMs: 1 } };
  await using bench = await setup(keeping);
  runTicks(bench.store, [keeping], 1, 200);
  const runs = await bench.store.runs({ job: 'a', limit: 1_000 });
  await bench.store.appendLog(runs.map(({ id }) => ({ runId: id, lines: linesOf(1, 900) })));
  await bench.store.arm([dropping], ARMED_AT);
  using raw = new DatabaseSync(bench.path, { readOnly: true });
  const lines = raw.prepare('select count(*) as count from lines');
  const count = (): number => lines.get()?.['count'] as number;
  let before = count();
  expect(before).toBe(90_000);
  let most = 0;
  for (let turn = 201; turn <= 400; turn++) {
    const at = ARMED_AT + turn * EVERY_MS;
    const ends = (await bench.store.liveRuns()).map((run) => endOf({ ...run, runId: run.id, fence: run.fence }, at));
    await bench.store.commit(turnOf(at, { ends, claims: [ticksOf(dropping, [at])] }));
    most = Math.max(most, before - count());
    before = count();
  }
  expect(most).toBeGreaterThan(900);
  expect(most).toBeLessThanOrEqual(20_000 + 900);
  expect(before).toBe(0);
});

it('forgets keys that have expired, and none before', async () => {
  const job = makeJob('a', { onOverlap: 'queue' });
  await using bench = await setup(job);
  using raw = new DatabaseSync(bench.path, { readOnly: true });
  const keys = raw.prepare('select count(*) as count from keys where until > ?');
  const count = (after: number): number => keys.get(after)?.['count'] as number;
  const lifeMs = 100 * EVERY_MS;
  for (let index = 1; index <= 1_000; index++) {
    const at = ARMED_AT + index * EVERY_MS;
    const idempotency = { key: `key-${index}`, fingerprint: 'same', until: at + lifeMs };
    await bench.store.commit(turnOf(at, { claims: [triggerOf(job, at, { runId: `run-${index}`, idempotency })] }));
    expect(count(at)).toBe(Math.min(index, 100));
    expect(count(0)).toBeLessThanOrEqual(100 + 64);
  }
  const later = makeJob('b');
  await bench.store.arm([later], ARMED_AT);
  runTicks(bench.store, [later], 2_000, 200);
  expect(count(0)).toBe(0);
});
