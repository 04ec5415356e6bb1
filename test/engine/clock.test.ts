/** Wall clocks that step, sleep and go wrong: no burst, no tick twice, no silence longer than an interval and a minute. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Job } from '../../src/core/job.ts';
import type { Store } from '../../src/core/store.ts';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import { verifyLedger } from '../../src/store/verify.ts';
import { createCalendar } from '../../src/system/calendar.ts';
import { createVirtualClock, type VirtualClock } from '../../src/testing/virtual-clock.ts';
import { allTicks, type Engine, HOUR, jobOf, MINUTE, SECOND, START, startEngine, takes } from './engine.ts';

const DAY = 24 * HOUR;
const YEAR = 365 * DAY;
let nodes = 0;

/** Schedulers one after the other over one file and one clock. */
class Machine implements AsyncDisposable {
  readonly clock: VirtualClock;
  readonly #folder: string = mkdtempSync(join(tmpdir(), 'tickwise-clock-'));
  #store: Store | undefined;
  #engine: Engine | undefined;
  /** Starts of runs, by the clock that never steps. */
  readonly starts: number[] = [];

  constructor(start: number = START) {
    this.clock = createVirtualClock({ start });
  }

  async start(...jobs: readonly Job[]): Promise<Engine> {
    const node = { id: `n${++nodes}`, host: 'h', bootId: 'b', pid: process.pid, pidStart: 1, startedAt: 0 };
    this.#store = await openSqliteStore({ path: this.path, node, synchronous: 'normal' });
    this.#engine = await startEngine(jobs, { clock: this.clock, store: this.#store, script: () => takes(SECOND) });
    this.#engine.scheduler.events.on('runStarted', () => void this.starts.push(this.clock.monotonic()));
    return this.#engine;
  }

  async stop(): Promise<void> {
    if (this.#engine !== undefined) await this.clock.waitFor(this.#engine.scheduler.stop(0));
    await this.#store?.[Symbol.asyncDispose]();
  }

  get path(): string {
    return join(this.#folder, 'ledger.db');
  }

  /** The longest time without a start, between the first and the last. */
  get longestSilenceMs(): number {
    return Math.max(...this.starts.slice(1).map((at, index) => at - (this.starts[index] ?? 0)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    const { findings } = verifyLedger(this.path, createCalendar());
    if (findings.length > 0) throw new Error(`the ledger is not sound: ${JSON.stringify(findings)}`);
    rmSync(this.#folder, { recursive: true });
  }
}

const minutely = jobOf('a');
const daily = jobOf('daily', { schedules: [{ kind: 'cron', pattern: '30 2 * * *', timezone: 'UTC' }] });

test.each([[-2 * MINUTE], [-2 * HOUR], [-2 * DAY], [-YEAR], [2 * MINUTE], [2 * DAY], [YEAR]])(
  'after a step of %d ms a job goes on at its interval, with no tick twice',
  async (ms) => {
    await using machine = new Machine();
    const engine = await machine.start(minutely);
    await machine.clock.advance(10 * MINUTE + SECOND);
    machine.clock.stepWall(ms);
    await machine.clock.advance(20 * MINUTE);
    expect(machine.longestSilenceMs).toBeLessThanOrEqual(2 * MINUTE);
    expect(machine.starts.length).toBeLessThanOrEqual(32);
    expect(machine.starts.length).toBeGreaterThanOrEqual(28);
    expect(engine.scheduler.statistics()).toMatchObject({ clockSteps: 1, clockSteppedMs: Math.abs(ms) });
    expect(new Set(engine.orders.map(({ runId }) => runId)).size).toBe(engine.orders.length);
  },
);

test('a step back of less than a minute is waited out', async () => {
  await using machine = new Machine();
  const engine = await machine.start(minutely);
  await machine.clock.advance(10 * MINUTE + 10 * SECOND);
  machine.clock.stepWall(-50 * SECOND);
  await machine.clock.advance(5 * MINUTE);
  expect((await engine.ticks('a')).every(({ tick }) => tick % MINUTE === 0)).toBe(true);
  expect(machine.longestSilenceMs).toBe(MINUTE + 50 * SECOND);
});

test('ticks that come again are told apart by a millisecond, and run on time whatever onMissed says', async () => {
  await using machine = new Machine();
  const engine = await machine.start(jobOf('a', { onMissed: 'skip' }));
  await machine.clock.advance(5 * MINUTE + SECOND);
  machine.clock.stepWall(-3 * MINUTE);
  await machine.clock.advance(5 * MINUTE);
  const ticks = await engine.ticks('a');
  expect(ticks.map(({ tick }) => tick - START)).toEqual(
    [1, 2, 3, 3, 4, 4, 5, 5, 6, 7].map((minute, index) => minute * MINUTE + ([3, 5, 7].includes(index) ? 1 : 0)),
  );
  expect(ticks.every(({ outcome }) => outcome === 'ran')).toBe(true);
  expect(engine.orders.map(({ fence }) => fence)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
});

test('a fixed time that was decided does not come again after a small step, and does after a correction', async () => {
  const runsAfter = async (backMs: number): Promise<number> => {
    await using machine = new Machine();
    const engine = await machine.start(daily);
    await machine.clock.advance(3 * HOUR);
    machine.clock.stepWall(-backMs);
    await machine.clock.advance(backMs + HOUR);
    return engine.orders.length;
  };
  expect(await runsAfter(2 * HOUR)).toBe(1);
  expect(await runsAfter(5 * HOUR)).toBe(2);
});

test('a clock that was a year ahead at the first start and is put right silences nobody', async () => {
  await using machine = new Machine(START + YEAR);
  const engine = await machine.start(minutely, daily);
  await machine.clock.advance(HOUR);
  machine.clock.stepWall(-YEAR);
  await machine.clock.advance(DAY);
  expect(machine.longestSilenceMs).toBeLessThanOrEqual(2 * MINUTE);
  expect(engine.orders.filter(({ job }) => job.name === 'daily')).toHaveLength(1);
});

test('a clock that is put right while no scheduler runs silences nobody either', async () => {
  await using machine = new Machine(START + YEAR);
  await machine.start(minutely);
  await machine.clock.advance(10 * MINUTE);
  await machine.stop();
  machine.clock.stepWall(-YEAR);
  const engine = await machine.start(minutely);
  await machine.clock.advance(10 * MINUTE);
  expect(engine.orders).toHaveLength(10);
  expect(engine.of('clockStepped')).toEqual([]);
});

test('a restart in the middle of time that is lived again goes on where the last scheduler stopped', async () => {
  await using machine = new Machine();
  await machine.start(minutely);
  await machine.clock.advance(HOUR + 10 * SECOND);
  machine.clock.stepWall(-40 * MINUTE);
  await machine.clock.advance(10 * MINUTE);
  await machine.stop();
  await machine.clock.advance(5 * MINUTE);
  const engine = await machine.start(minutely);
  await machine.clock.advance(40 * MINUTE);
  expect(engine.orders).toHaveLength(41);
  const ticks = await engine.ticks('a');
  expect(new Set(ticks.map(({ tick }) => tick)).size).toBe(ticks.length);
  expect(ticks.map(({ outcome }) => outcome).filter((outcome) => outcome !== 'ran')).toEqual(Array(4).fill('folded'));
});

test('steps forth and back, again and again, lead to no burst, no silence and no tick twice', async () => {
  await using machine = new Machine();
  const engine = await machine.start(minutely);
  for (const ms of [2, -2, 30, -31, 5, -500, 500, -3, -3, -3, 9_000, -9_000]) {
    await machine.clock.advance(7 * MINUTE + 10 * SECOND);
    machine.clock.stepWall(ms * HOUR);
  }
  await machine.clock.advance(7 * MINUTE);
  expect(machine.longestSilenceMs).toBeLessThanOrEqual(2 * MINUTE);
  const live = engine.of('runStarted').filter(({ cause }) => cause === 'tick');
  expect(live.length).toBeLessThanOrEqual(13 * 8);
  expect(engine.scheduler.statistics().clockSteps).toBe(12);
});

test('after a step forth that was taken back, ticks are on time again, and none is taken for missed', async () => {
  await using machine = new Machine();
  const engine = await machine.start(jobOf('a', { onMissed: 'skip' }));
  await machine.clock.advance(5 * MINUTE + SECOND);
  machine.clock.stepWall(2 * HOUR);
  await machine.clock.advance(MINUTE);
  machine.clock.stepWall(-2 * HOUR);
  const before = engine.orders.length;
  await machine.clock.advance(10 * MINUTE);
  expect(engine.orders.length - before).toBeGreaterThanOrEqual(9);
});

test('what a wrong clock has written is pruned like the rest, and what comes after it is kept', async () => {
  await using machine = new Machine(START + YEAR);
  const job = jobOf('a', { history: { maxRunsPerJob: 20, maxAgeMs: 30 * DAY } });
  const engine = await machine.start(job);
  await machine.clock.advance(5 * HOUR);
  machine.clock.stepWall(-YEAR);
  await machine.clock.advance(5 * HOUR);
  const kept = await engine.store.runs({ job: 'a', limit: 1_000 });
  expect(kept.length).toBeLessThanOrEqual(20 * 2 + 64);
  expect(kept.slice(0, 20).every(({ tick }) => tick < START + DAY)).toBe(true);
  const rows = await engine.store.ticks({ job: 'a', limit: 1_000, to: START + DAY });
  expect(rows.length).toBeGreaterThanOrEqual(20);
});

test('a long gap in time that is lived again is kept as ranges of its own', async () => {
  await using machine = new Machine();
  const engine = await machine.start(
    jobOf('a', { schedules: [{ kind: 'every', everyMs: SECOND }], budgetMs: 500, onMissed: 'skip' }),
  );
  await machine.clock.advance(10 * SECOND + 500);
  for (const ms of [DAY, -DAY, DAY, -DAY]) {
    machine.clock.stepWall(ms);
    await machine.clock.advance(40 * SECOND);
  }
  const ranges = await engine.store.ranges({ job: 'a', limit: 99 });
  expect(ranges.filter(({ horizons }) => horizons === undefined)).toHaveLength(2);
  expect(ranges.filter(({ horizons }) => horizons?.length === 1)).toHaveLength(2);
  const ticks = await allTicks(engine.store, 'a');
  expect(ticks.length).toBeGreaterThan(90_000);
  expect(new Set(ticks.map(({ tick }) => tick)).size).toBe(ticks.length);
});

test.each([
  ['skip', 0],
  ['latest', 1],
  ['all', 3],
] as const)('a suspend of eight hours under %s leads to %i runs at once, and on time after that', async (onMissed, runs) => {
  await using machine = new Machine();
  const engine = await machine.start(jobOf('a', { onMissed, missedLimit: 3 }));
  await machine.clock.advance(10 * MINUTE + 5 * SECOND);
  const before = engine.orders.length;
  // The monotonic clock stands still while a machine sleeps.
  machine.clock.stepWall(8 * HOUR);
  await machine.clock.advance(40 * SECOND);
  expect(engine.orders.length - before).toBe(runs);
  await machine.clock.advance(3 * MINUTE);
  expect(engine.orders.length - before).toBe(runs + 3);
});

test('a reload while time is lived again brings the new schedule from then on', async () => {
  await using machine = new Machine();
  const engine = await machine.start(minutely);
  await machine.clock.advance(HOUR);
  machine.clock.stepWall(-30 * MINUTE);
  await machine.clock.advance(5 * MINUTE + SECOND);
  const before = engine.orders.length;
  await machine.clock.waitFor(engine.scheduler.reload([jobOf('a', { schedules: [{ kind: 'every', everyMs: 2 * MINUTE }] })]));
  await machine.clock.advance(40 * MINUTE);
  expect(engine.orders.length - before).toBe(20);
});

test('a daemon that dies right after the clock was set back leaves a slot as it was', async () => {
  await using machine = new Machine();
  const engine = await machine.start(daily);
  await machine.clock.advance(3 * HOUR);
  const [before] = await engine.store.slots();
  machine.clock.stepWall(-DAY);
  await machine.clock.advance(MINUTE);
  expect(engine.of('clockStepped')).toHaveLength(1);
  expect(await engine.store.slots()).toEqual([before]);
});

test('a repeated hour of a zone is no step', async () => {
  await using machine = new Machine(Date.parse('2026-10-24T22:00:00Z'));
  const schedules = [
    { kind: 'cron', pattern: '*/10 * * * *', timezone: 'Europe/Berlin' },
    { kind: 'cron', pattern: '45 2 * * *', timezone: 'Europe/Berlin' },
  ] as const;
  const engine = await machine.start(jobOf('a', { schedules }));
  await machine.clock.advance(6 * HOUR);
  expect(engine.orders).toHaveLength(36 + 1);
  expect(engine.of('clockStepped')).toEqual([]);
  expect((await engine.store.slots())[0]?.horizons).toBeUndefined();
});

test('a job that a reload took away before the clock was set back goes on from now when it comes back', async () => {
  const engine = await startEngine([jobOf('a'), jobOf('b', { schedules: [] })]);
  await engine.clock.advance(MINUTE + SECOND);
  engine.clock.stepWall(10 * HOUR);
  await engine.clock.advance(MINUTE);
  await engine.clock.waitFor(engine.scheduler.reload([jobOf('b', { schedules: [] })]));
  engine.clock.stepWall(-10 * HOUR);
  // Here the step is noticed, while the job is away.
  await engine.clock.waitFor(engine.scheduler.reload([jobOf('b', { schedules: [] })]));
  await engine.clock.waitFor(engine.scheduler.reload([jobOf('b', { schedules: [] }), jobOf('a')]));
  const now = engine.clock.now();
  expect((engine.scheduler.inspect('a')?.nextTickAt ?? Infinity) - now).toBeLessThanOrEqual(MINUTE + SECOND);
});
