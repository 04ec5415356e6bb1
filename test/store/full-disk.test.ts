/** The real scheduler on the real store, on a disk that is really full, or may not be written: it waits, and goes on by itself. */
import { readdirSync } from 'node:fs';
import { expect, it, type TestContext } from 'vitest';
import type { Store } from '../../src/core/store.ts';
import { Events, type EventMap, type EventType, type SchedulerEvent } from '../../src/engine/events.ts';
import { Scheduler } from '../../src/engine/scheduler.ts';
import { createInlineRunner } from '../../src/runner/inline.ts';
import { openLedgerReader, openSqliteStore } from '../../src/store/sqlite.ts';
import { verifyLedger } from '../../src/store/verify.ts';
import { createCalendar } from '../../src/system/calendar.ts';
import { createSystemClock } from '../../src/system/clock.ts';
import { ARMED_AT, makeJob, NODE, ticksOf, turnOf } from './fixture.ts';
import { SmallDisk } from './small-disk.ts';

const MB = 1024 * 1024;

function mount(context: TestContext): SmallDisk {
  const disk = SmallDisk.mount(6 * MB);
  return typeof disk === 'string' ? context.skip(disk) : disk;
}

interface Bench extends AsyncDisposable {
  readonly scheduler: Scheduler;
  readonly path: string;
  /** All that was told so far. */
  readonly told: readonly SchedulerEvent[];
  /** Lets the run of the job `long` end. */
  finish(): void;
  /** Resolves when the store has refused so many more turns. */
  refusals(count: number): Promise<void>;
  next<Type extends EventType>(type: Type, of?: (event: EventMap[Type]) => boolean): Promise<EventMap[Type]>;
}

async function setup(disk: SmallDisk): Promise<Bench> {
  const path = disk.file('ledger.db');
  const clock = createSystemClock();
  const finished = Promise.withResolvers<boolean>();
  const tasks: Readonly<Record<string, unknown>> = {
    quick: { handleTimeoutTask: async () => ({ done: false, checkpoint: { text: 'x'.repeat(2_000) }, waitMs: 5 }) },
    long: { handleTimeoutTask: () => finished.promise },
  };
  const job = (name: string, every: boolean) =>
    makeJob(name, {
      isolation: 'inline',
      schedules: every ? [{ kind: 'every', everyMs: 100 }] : [],
      budgetMs: every ? 40 : 60_000,
      task: { kind: 'function', target: tasks[name] },
      history: { maxRunsPerJob: 10_000, maxAgeMs: 1e12 },
    });
  const events = new Events();
  const told: SchedulerEvent[] = [];
  events.subscribe((event) => told.push(event));
  const store = await openSqliteStore({ path, node: { ...NODE, startedAt: clock.now() } });
  let onRefusal = (): void => undefined;
  const watched: Store = {
    ...store,
    commit(turn) {
      try {
        return store.commit(turn);
      } catch (error) {
        onRefusal();
        throw error;
      }
    },
  };
  const runner = createInlineRunner(clock, (order) => tasks[order.job.name]);
  const scheduler = new Scheduler({
    clock,
    calendar: createCalendar(),
    store: watched,
    runnerFor: () => runner,
    concurrency: 4,
    events,
    random: Math.random,
  });
  await scheduler.start([job('quick', true), job('long', false)]);
  return {
    scheduler,
    path,
    told,
    finish: () => finished.resolve(true),
    refusals: (count) =>
      new Promise((resolve) => {
        let left = count;
        onRefusal = () => void (--left === 0 && resolve());
      }),
    next: (type, of = () => true) =>
      new Promise((resolve) => {
        const listening = events.on(type, (event) => {
          if (!of(event)) return;
          listening[Symbol.dispose]();
          resolve(event);
        });
      }),
    [Symbol.asyncDispose]: async () => {
      finished.resolve(true);
      await scheduler.stop(1_000);
      await store[Symbol.asyncDispose]();
    },
  };
}

it('starts nothing on a full disk, lets live runs end, and writes their ends when there is room', async (context) => {
  using disk = mount(context);
  await using bench = await setup(disk);
  const triggered = await bench.scheduler.trigger('long');
  if (triggered.kind !== 'started') throw new Error(`the trigger was ${triggered.kind}`);
  await bench.next('runEnded', ({ job }) => job === 'quick');

  const failed = bench.next('storeFailed');
  disk.fill();
  const { error } = await failed;
  expect(error).toMatchObject({ code: 'STORE_UNUSABLE', message: expect.stringContaining('free some space') as string });
  const since = bench.told.length;
  bench.finish();
  await bench.refusals(2);
  const meanwhile = bench.told.slice(since).map(({ type }) => type);
  expect(meanwhile).not.toContain('runStarted');
  expect(meanwhile).not.toContain('runEnded');
  expect(meanwhile).not.toContain('storeFailed');
  expect(bench.scheduler.inspect('long')?.live?.grant.runId).toBe(triggered.runId);

  const ended = bench.next('runEnded', ({ job }) => job === 'long');
  const recovered = bench.next('storeRecovered');
  const started = bench.next('runStarted', ({ job }) => job === 'quick');
  disk.makeRoom();
  expect((await recovered).afterMs).toBeGreaterThan(1_000);
  expect(await ended).toMatchObject({ runId: triggered.runId, outcome: 'succeeded' });
  await started;

  await using reader = await openLedgerReader(bench.path);
  expect(await reader.findRuns(triggered.runId)).toMatchObject([{ state: 'succeeded' }]);
  const found = verifyLedger(bench.path, createCalendar());
  expect(found.findings).toEqual([]);
  expect(found.ticks).toBeGreaterThan(20);
});

it('leaves a ledger that opens and is sound when the daemon dies on a full disk', async (context) => {
  using disk = mount(context);
  const path = disk.file('ledger.db');
  const job = makeJob('a', { schedules: [{ kind: 'every', everyMs: 1 }] });
  const store = await openSqliteStore({ path, node: NODE });
  await store.arm([job], ARMED_AT);
  disk.fill();
  let decided = ARMED_AT;
  expect(() => {
    for (;;) {
      void store.commit(turnOf(decided + 1, { claims: [ticksOf(job, [decided + 1])] }));
      decided++;
    }
  }).toThrow(expect.objectContaining({ code: 'STORE_UNUSABLE' }) as Error);
  await store[Symbol.asyncDispose]();
  disk.makeRoom();
  expect(verifyLedger(path, createCalendar()).findings).toEqual([]);
  await using next = await openSqliteStore({ path, node: { ...NODE, id: 'next' } });
  expect((await next.slots())[0]?.decidedUntil).toBe(decided);
});

it('says in one line that a disk is read-only, shows its ledger all the same, and opens it once it may be written', async (context) => {
  using disk = mount(context);
  const path = disk.file('ledger.db');
  const job = makeJob('a');
  {
    await using store = await openSqliteStore({ path, node: NODE });
    await store.arm([job], ARMED_AT);
  }
  const files = readdirSync(disk.path);
  disk.remount('ro');
  const thrown = (await openSqliteStore({ path, node: { ...NODE, id: 'next' } }).catch((error: unknown) => error)) as Error;
  expect(thrown).toMatchObject({
    code: 'STORE_UNUSABLE',
    message: expect.stringContaining('mount the file system writable') as string,
  });
  expect(thrown.message).not.toContain('\n');
  {
    await using reader = await openLedgerReader(path);
    expect(await reader.slots()).toHaveLength(1);
  }
  expect(verifyLedger(path, createCalendar()).count).toBe(0);
  expect(readdirSync(disk.path)).toEqual(files);
  disk.remount('rw');
  await using store = await openSqliteStore({ path, node: { ...NODE, id: 'next' } });
  expect(await store.slots()).toHaveLength(1);
});

it('says in one line that there is no room for a new ledger', async (context) => {
  using disk = mount(context);
  disk.fill();
  const thrown = (await openSqliteStore({ path: disk.file('ledger.db'), node: NODE }).catch((error: unknown) => error)) as Error;
  expect(thrown).toMatchObject({ code: 'STORE_UNUSABLE', message: expect.stringContaining('free some space') as string });
  disk.makeRoom();
  await using store = await openSqliteStore({ path: disk.file('ledger.db'), node: NODE });
  expect(store.durable).toBe(true);
});
