/** A sound ledger is proved, and each kind of breach, planted by raw SQL, is found and named. */
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import type { Job } from '../../src/core/job.ts';
import type { Grant, Store, TurnResult } from '../../src/core/store.ts';
import type { Schedule } from '../../src/core/schedule.ts';
import { runIdOf } from '../../src/core/tick.ts';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import { type Verification, verifyLedger } from '../../src/store/verify.ts';
import { createCalendar } from '../../src/system/calendar.ts';
import { endOf, makeJob, NODE, tempFolder, ticksOf, triggerOf, turnOf } from './fixture.ts';

const EVERY_MS = 1_000;
const calendar = createCalendar();
const schedules: readonly Schedule[] = [{ kind: 'every', everyMs: EVERY_MS }];
const T = (index: number): number => 1_000_000 + index * EVERY_MS;

class Bench implements AsyncDisposable {
  readonly folder: ReturnType<typeof tempFolder> = tempFolder();
  readonly path: string = this.folder.file('ledger.db');
  store: Store | undefined;
  live: Grant | undefined;

  async open(...jobs: readonly Job[]): Promise<Store> {
    this.store = await openSqliteStore({
      path: this.path,
      node: { ...NODE, id: `node-${Math.random()}` },
      synchronous: 'normal',
    });
    await this.store.arm(jobs, T(0));
    return this.store;
  }

  /** Ends what is live and decides one tick. */
  tick(job: Job, index: number, at: number = T(index), dueTicks: readonly number[] = [T(index)]): void {
    const ends = this.live === undefined ? [] : [endOf(this.live, at)];
    const result = this.store?.commit(turnOf(at, { ends, claims: [ticksOf(job, dueTicks)] })) as TurnResult;
    this.live = result.grants[0];
  }

  verify(): Verification {
    return verifyLedger(this.path, calendar);
  }

  plant(sql: string): void {
    using db = new DatabaseSync(this.path);
    db.exec('pragma foreign_keys = off');
    db.exec(sql);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.store?.[Symbol.asyncDispose]();
    this.folder[Symbol.dispose]();
  }
}

const JOB = makeJob('a', { schedules, onOverlap: 'queue', exclusive: ['disk'] });

/** Ten ticks: runs 1 to 9 have ended, run 10 is live, tick 11 waits behind it, tick 12 is folded into that; a skipped tick of job b. */
async function setup(): Promise<Bench> {
  const bench = new Bench();
  const other = makeJob('b', { schedules, paused: true });
  const store = await bench.open(JOB, other);
  for (let index = 1; index <= 10; index++) bench.tick(JOB, index);
  await store.commit(turnOf(T(11), { claims: [ticksOf(JOB, [T(11)]), ticksOf(other, [T(1)])] }));
  await store.commit(turnOf(T(12), { claims: [ticksOf(JOB, [T(12)])] }));
  return bench;
}

/** Ticks 1 to 5000 as a range, of which the newest run is older than the window; tick 5001 ran. */
async function setupRange(): Promise<Bench> {
  const bench = new Bench();
  const job = makeJob('a', { schedules });
  const store = await bench.open(job);
  const gap = { from: T(0), to: T(5_000) };
  const claim = { ...ticksOf(job, [T(5_001), T(5_002)], { liveSince: T(5_002), now: T(9_000) }), gap };
  await store.commit(turnOf(T(9_000), { claims: [claim] }));
  return bench;
}

const idOf = (index: number): string => runIdOf('a', T(index));

describe('a sound ledger', () => {
  it('is proved, with its live and queued runs', async () => {
    await using bench = await setup();
    expect(bench.verify()).toMatchObject({ jobs: 2, runs: 10, ticks: 13, live: 1, queued: 1, count: 0, findings: [] });
  });

  it('is proved at one instant while a daemon commits', async () => {
    await using bench = await setup();
    const { live } = bench;
    expect(live).toBeDefined();
    await bench.store?.commit(turnOf(T(13), { ends: [endOf(live as Grant, T(13))], promotions: [JOB] }));
    expect(bench.verify()).toMatchObject({ runs: 11, live: 1, queued: 0, count: 0 });
  });

  it('is proved with triggered runs, withdrawn runs and missed ticks', async () => {
    await using bench = new Bench();
    const job = makeJob('a', { schedules, onOverlap: 'queue', missedWindowMs: 2_500 });
    const store = await bench.open(job);
    const claims = [ticksOf(job, [1, 2, 3, 4, 5].map(T), { liveSince: T(5), now: T(5) })];
    const { grants } = await store.commit(turnOf(T(5), { claims }));
    const trigger = triggerOf(job, T(5) + 1);
    await store.commit(turnOf(T(5) + 1, { claims: [trigger] }));
    const withdrawn = endOf({ job: 'a', runId: trigger.runId, fence: undefined }, T(6), { outcome: 'cancelled' });
    await store.commit(turnOf(T(6), { ends: [withdrawn, endOf(grants[0] as Grant, T(6))] }));
    await store.commit(turnOf(T(6), { claims: [triggerOf(job, T(6), { runId: `${idOf(6).slice(0, 10)}trigger` })] }));
    expect(bench.verify()).toMatchObject({ ticks: 5, runs: 2, live: 1, findings: [] });
  });

  it('is proved after pruning, by runs and by age', async () => {
    await using bench = new Bench();
    const jobs = [
      makeJob('a', { schedules, history: { maxRunsPerJob: 20, maxAgeMs: 1e12 } }),
      makeJob('b', { schedules, history: { maxRunsPerJob: 1e6, maxAgeMs: 50 * EVERY_MS } }),
    ];
    const store = await bench.open(...jobs);
    let live: readonly Grant[] = [];
    for (let index = 1; index <= 600; index++) {
      const ends = live.map((grant) => endOf(grant, T(index)));
      ({ grants: live } = await store.commit(turnOf(T(index), { ends, claims: jobs.map((job) => ticksOf(job, [T(index)])) })));
    }
    const found = bench.verify();
    expect(found.runs).toBeLessThan(400);
    expect(found.findings).toEqual([]);
  });

  it('is proved over restarts and changes of schedule, each tick by the schedule of its time', async () => {
    await using bench = new Bench();
    const slower = makeJob('a', { schedules: [{ kind: 'every', everyMs: 3_000 }] });
    const fast = makeJob('a', { schedules });
    await bench.open(fast);
    for (const index of [1, 2, 3, 4]) bench.tick(fast, index);
    // A reload while nothing is due: its first tick comes when it comes.
    bench.tick(slower, 8);
    bench.tick(slower, 11);
    await bench.store?.[Symbol.asyncDispose]();
    await bench.open(fast);
    bench.tick(fast, 15, T(15), [12, 13, 14, 15].map(T));
    expect(bench.verify().findings).toEqual([]);
    bench.plant(`delete from ticks where tick = ${T(3)} or tick = ${T(12)}`);
    expect(
      bench
        .verify()
        .findings.filter(({ kind }) => kind === 'unaccounted')
        .map(({ tick }) => tick),
    ).toEqual([T(3), T(12)]);
  });

  it('is proved with a range of missed ticks, which needs no rows', async () => {
    await using bench = await setupRange();
    expect(bench.verify()).toMatchObject({ ticks: 2, findings: [] });
  });

  it('is proved with a range of missed ticks right after a reload', async () => {
    await using bench = new Bench();
    const job = makeJob('a', { schedules });
    const store = await bench.open(job);
    await store.arm([job], T(0));
    const claim = { ...ticksOf(job, [T(5_001)], { liveSince: T(5_001) }), gap: { from: T(1) - 1, to: T(5_000) } };
    await store.commit(turnOf(T(5_001), { claims: [claim] }));
    expect(bench.verify()).toMatchObject({ ticks: 1, findings: [] });
  });

  it('is proved where the clock was set back between two runs, and says so', async () => {
    await using bench = new Bench();
    const job = makeJob('a');
    const store = await bench.open(job);
    const { grants } = await store.commit(turnOf(T(9), { claims: [triggerOf(job, T(9))] }));
    await store.commit(turnOf(T(10), { ends: [endOf(grants[0] as Grant, T(10))] }));
    await store.commit(turnOf(T(2), { claims: [triggerOf(job, T(2))] }));
    expect(bench.verify()).toMatchObject({ count: 0, clockSteps: 1 });
    bench.plant('delete from clock_steps');
    expect(bench.verify().findings).toMatchObject([{ kind: 'overlap' }]);
  });
});

const NODE_AND_TIMES = `node, queued_at, granted_at, ended_at, outcome`;

it.each<[string, string, { kind: string; run?: string; tick?: number }]>([
  [
    'a second live run',
    `drop index runs_live; update runs set ended_at = null, outcome = null where id = '${idOf(9)}'`,
    { kind: 'overlap', run: idOf(10) },
  ],
  [
    'a run that was granted before the one before it had ended',
    `update runs set ended_at = ${T(6) + 1} where id = '${idOf(5)}'`,
    { kind: 'overlap', run: idOf(6) },
  ],
  ['a fence that was given twice', `update runs set fence = 4 where id = '${idOf(5)}'`, { kind: 'fence', run: idOf(5) }],
  ['a fence that was never granted', `update runs set fence = 99 where id = '${idOf(10)}'`, { kind: 'fence', run: idOf(10) }],
  [
    'a run that has ended and is gone',
    `delete from runs where id = '${idOf(5)}'; delete from ticks where tick = ${T(5)}`,
    { kind: 'forgotten' },
  ],
  ['a tick whose run is gone', `delete from runs where id = '${idOf(5)}'`, { kind: 'tick', tick: T(5), run: idOf(5) }],
  [
    'a tick that names the run of another',
    `update ticks set run = '${idOf(4)}' where tick = ${T(5)}`,
    { kind: 'tick', tick: T(5), run: idOf(4) },
  ],
  [
    'a tick with an unknown outcome',
    `pragma ignore_check_constraints = on; update ticks set outcome = 'perhaps' where tick = ${T(5)}`,
    { kind: 'tick', tick: T(5) },
  ],
  ['a skipped tick with a reason that is none', `update ticks set reason = 'mood' where job = 2`, { kind: 'tick', tick: T(1) }],
  [
    'a folded tick whose run is not there',
    `update ticks set run = '${idOf(99)}' where tick = ${T(12)}`,
    { kind: 'tick', tick: T(12) },
  ],
  [
    'a folded tick that names no run',
    `pragma ignore_check_constraints = on; update ticks set run = null where tick = ${T(12)}`,
    { kind: 'tick', tick: T(12) },
  ],
  ['a due tick without a row', `delete from ticks where tick = ${T(12)}`, { kind: 'unaccounted', tick: T(12) }],
  [
    'a tick that no schedule gives',
    `insert into ticks values (${T(5) + 7}, 1, 'missed', 'down', null, 5)`,
    { kind: 'unscheduled', tick: T(5) + 7 },
  ],
  [
    'a tick that is decided ahead of its slot',
    `insert into ticks values (${T(50)}, 1, 'missed', 'down', null, 5)`,
    { kind: 'tick', tick: T(50) },
  ],
  [
    'a slot that is decided until later than its ticks',
    `update slots set decided_until = ${T(14)} where job = 1`,
    { kind: 'unaccounted', tick: T(13) },
  ],
  [
    'two outcomes of a tick',
    `create table t as select * from ticks; drop table ticks; insert into t select * from t where tick = ${T(5)}; alter table t rename to ticks`,
    { kind: 'tick', tick: T(5) },
  ],
  [
    'a run without its tick',
    `update ticks set outcome = 'missed', reason = 'down', run = null where tick = ${T(5)}`,
    { kind: 'run', run: idOf(5), tick: T(5) },
  ],
  [
    'a run that ended before it was granted',
    `update runs set ended_at = ${T(4)} where id = '${idOf(5)}'`,
    { kind: 'run', run: idOf(5) },
  ],
  [
    'a run that ended with no outcome of the table',
    `update runs set outcome = 'vanished' where id = '${idOf(5)}'`,
    { kind: 'run', run: idOf(5) },
  ],
  [
    'a run with a fence that was never granted',
    `update runs set granted_at = null where id = '${idOf(5)}'`,
    { kind: 'run', run: idOf(5) },
  ],
  ['a live run under an old fence', `update slots set fence = 11 where job = 1`, { kind: 'run', run: idOf(10) }],
  ['a resource that an ended run holds', `update resources set run = '${idOf(5)}'`, { kind: 'resource', run: idOf(5) }],
  ['a live run without its resource', `delete from resources`, { kind: 'resource', run: idOf(10) }],
  [
    'a queued run that holds a resource',
    `insert into resources values ('tape', 1, '${idOf(11)}')`,
    { kind: 'resource', run: idOf(11) },
  ],
  ['a slot whose newest run is gone', `update slots set newest = '${idOf(99)}' where job = 1`, { kind: 'slot', run: idOf(99) }],
  [
    'a run of a job that has no slot',
    `insert into runs (id, job, tick, cause, fence, ${NODE_AND_TIMES}) values ('stray', 77, 5, 'trigger', 1, 1, 5, 5, 6, 'failed')`,
    { kind: 'fence', run: 'stray' },
  ],
  ['a tick of a job that has no slot', `insert into ticks values (5, 77, 'missed', 'down', null, 5)`, { kind: 'tick', tick: 5 }],
])('finds %s', async (_, sql, expected) => {
  await using bench = await setup();
  expect(bench.verify().count).toBe(0);
  bench.plant(sql);
  const { count, findings } = bench.verify();
  expect(count).toBeGreaterThan(0);
  expect(findings).toContainEqual(expect.objectContaining(expected));
  for (const { what } of findings) expect(what).not.toContain('\n');
});

it.each<[string, string, { kind: string; tick?: number }]>([
  ['a hole before a range', `update ranges set from_tick = ${T(2)}`, { kind: 'unaccounted', tick: T(1) }],
  ['a hole after a range', `update ranges set to_tick = ${T(4_999)}`, { kind: 'unaccounted', tick: T(5_000) }],
  ['a range that is gone', 'delete from ranges', { kind: 'unaccounted', tick: T(1) }],
  [
    'a tick that has a row and is in a range',
    `insert into ticks values (${T(7)}, 1, 'missed', 'down', null, 5)`,
    { kind: 'tick', tick: T(7) },
  ],
  [
    'ranges that overlap',
    `drop trigger ranges_once; insert into ranges select job, life, from_tick, ${T(4_000)}, outcome, reason, run, schedules, 5 from ranges`,
    { kind: 'tick', tick: T(5_000) },
  ],
  [
    'a range with a reason that is none',
    "update ranges set outcome = 'missed', run = null, reason = 'mood'",
    { kind: 'tick', tick: T(5_000) },
  ],
  [
    'a range whose run is not there',
    `update ranges set outcome = 'folded', reason = null, run = '${idOf(9)}'`,
    { kind: 'tick', tick: T(5_000) },
  ],
  ['a range ahead of its slot', `update slots set decided_until = ${T(4_000)}`, { kind: 'tick', tick: T(5_000) }],
])('finds %s', async (_, sql, expected) => {
  await using bench = await setupRange();
  bench.plant(sql);
  expect(bench.verify().findings).toContainEqual(expect.objectContaining(expected));
});

/** Ticks 1 to 300, then the clock was set back by 290 s, and ticks 11 to 100 came again, a millisecond later. */
async function setupLives(): Promise<Bench> {
  const bench = new Bench();
  const job = makeJob('a', { schedules });
  const store = await bench.open(job);
  for (let index = 1; index <= 300; index++) bench.tick(job, index);
  const horizon = { until: T(300), correction: false };
  for (let index = 11; index <= 100; index++) {
    const at = T(index) + 1;
    const ends = bench.live === undefined ? [] : [endOf(bench.live, at)];
    const rewind = index === 11 ? { to: T(10) + 500, horizon } : undefined;
    const result = store.commit(
      turnOf(at, { ends, claims: [{ ...ticksOf(job, [at]), horizons: [horizon], rewind }] }),
    ) as TurnResult;
    bench.live = result.grants[0];
  }
  return bench;
}

it('proves a ledger of time that was lived again', async () => {
  await using bench = await setupLives();
  expect(bench.verify()).toMatchObject({ ticks: 390, runs: 390, findings: [] });
});

it.each<[string, string, { kind: string; tick?: number }]>([
  [
    'a tick that is missing in the second life',
    `delete from ticks where tick = ${T(50) + 1}`,
    { kind: 'unaccounted', tick: T(50) + 1 },
  ],
  ['a tick that is missing in the first life', `delete from ticks where tick = ${T(200)}`, { kind: 'unaccounted', tick: T(200) }],
  [
    'a tick of a third life',
    `insert into ticks values (${T(50) + 2}, 1, 'missed', 'down', null, 5)`,
    { kind: 'unscheduled', tick: T(50) + 2 },
  ],
  [
    'a tick that came again before the clock was set back',
    `insert into ticks values (${T(5) + 1}, 1, 'missed', 'down', null, 5)`,
    { kind: 'unscheduled', tick: T(5) + 1 },
  ],
  [
    'a tick that came again behind the slot',
    `insert into ticks values (${T(150) + 1}, 1, 'missed', 'down', null, 5)`,
    { kind: 'unscheduled', tick: T(150) + 1 },
  ],
  ['a life that nobody wrote down', 'drop trigger rewinds_stay; delete from rewinds', { kind: 'tick', tick: T(200) }],
])('finds %s', async (_, sql, expected) => {
  await using bench = await setupLives();
  bench.plant(sql);
  expect(bench.verify().findings).toContainEqual(expect.objectContaining(expected));
});

it('keeps a bounded number of findings of a ledger that is all wrong', async () => {
  await using bench = await setup();
  bench.plant(`update slots set decided_until = ${T(10_000_000)} where job = 1`);
  const { count, findings } = bench.verify();
  expect(findings.length).toBeLessThanOrEqual(200);
  expect(count).toBeGreaterThanOrEqual(1_000);
  expect(count).toBeLessThan(1_100);
});
