import { expect, it } from 'vitest';
import type { Job } from '../../src/core/job.ts';
import type { Grant, Store, TurnResult } from '../../src/core/ports.ts';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import { ARMED_AT, endOf, makeJob, NODE, tempFolder, ticksOf, turnOf } from './fixture.ts';

const EVERY_MS = 1_000;

async function setup(...jobs: readonly Job[]): Promise<AsyncDisposable & { readonly store: Store }> {
  const folder = tempFolder();
  const store = await openSqliteStore({ path: folder.file('ledger.db'), node: NODE, synchronous: 'normal' });
  await store.arm(jobs, ARMED_AT);
  return {
    store,
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
