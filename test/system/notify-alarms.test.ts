import { expect, test } from 'vitest';
import type { Job } from '../../src/core/job.ts';
import type { Message } from '../../src/core/message.ts';
import type { RunOutcome } from '../../src/core/run.ts';
import { Events } from '../../src/engine/events.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import type { Store } from '../../src/core/store.ts';
import { createCalendar } from '../../src/system/calendar.ts';
import { createNotifier } from '../../src/system/notify.ts';
import type { Send } from '../../src/system/notify-send.ts';
import { startAlarms } from '../../src/system/notify-alarms.ts';
import { createVirtualClock, type VirtualClock } from '../../src/testing/virtual-clock.ts';
import { jobWith, LineLog, ruleTo } from './notify-setup.ts';

const MINUTE = 60_000;
const START = 1_767_225_600_000;

const HOURLY: Job = jobWith('report', {
  schedules: [{ kind: 'every', everyMs: 60 * MINUTE }],
  budgetMs: 10 * MINUTE,
  graceMs: MINUTE,
  notify: [ruleTo('https://example.com', { on: ['overdue', 'blocked', 'recovered'] })],
});

interface Life extends AsyncDisposable {
  readonly events: Events;
  readonly log: LineLog;
  /** Asks for no more than the events that a scheduler tells. */
  end(outcome: RunOutcome, runId?: string, job?: string): void;
  blocked(runId: string): void;
}

interface Bundle {
  readonly clock: VirtualClock;
  readonly store: Store;
  /** What the receiver got: event, and what it recovered from. */
  readonly told: string[];
  readonly bodies: Record<string, unknown>[];
  jobs: readonly Job[];
  readonly paused: Set<string>;
  /** A daemon's alarms and notifier, over the same outbox each time. */
  live(): Promise<Life>;
}

function setup(...jobs: Job[]): Bundle {
  const clock = createVirtualClock({ start: START });
  const store = createMemoryStore({ node: { id: 'n', host: 'h', bootId: 'b', pid: 1, pidStart: 1, startedAt: 0 } });
  const told: string[] = [];
  const bodies: Record<string, unknown>[] = [];
  const send = (async (_: string, { body }: { body: string }) => {
    const message = JSON.parse(body) as { readonly event: string; readonly recoveredFrom?: string };
    bodies.push({ ...message });
    told.push(message.recoveredFrom === undefined ? message.event : `${message.event} from ${message.recoveredFrom}`);
    return new Response();
  }) as Send;
  const bundle: Bundle = {
    clock,
    store,
    told,
    bodies,
    jobs,
    paused: new Set(),
    live: async () => {
      const events = new Events();
      const log = new LineLog();
      let wake = (): void => {};
      const means = { outbox: store, jobs: () => bundle.jobs, events, clock, log };
      const alarms = await startAlarms({
        ...means,
        ledger: store,
        isPaused: (job) => bundle.paused.has(job),
        calendar: createCalendar(),
        wake: () => wake(),
      });
      const notifier = createNotifier({ ...means, env: {}, send, notes: alarms.notes, random: () => 0 });
      wake = () => notifier.wake();
      const run = { tick: START, fence: 1, steps: 1, attempts: 1 };
      return {
        events,
        log,
        end: (outcome, runId = 'run-1', job = 'report') =>
          events.emit('runEnded', { ...run, job, runId, outcome, startedAt: clock.now(), endedAt: clock.now() }),
        blocked: (runId) => events.emit('runBlocked', { ...run, job: 'report', runId, what: 'pid 7' }),
        [Symbol.asyncDispose]: async () => {
          await clock.waitFor(Promise.resolve(alarms[Symbol.asyncDispose]()));
          await clock.waitFor(Promise.resolve(notifier[Symbol.asyncDispose]()));
        },
      };
    },
  };
  return bundle;
}

/** Gives a store runs of a job, as a scheduler writes them. */
function writeRun(store: Store, job: Job, outcome: RunOutcome, tick: number, isEnded = true): string {
  const at = tick;
  const context = { now: at, liveSince: at - 1, draining: false, matched: true, waitingForPlace: false, exclusiveHeld: false };
  const turn = { at, ends: [], checkpoints: [], spawns: [], promotions: [], claims: [] };
  const result = store.commit({ ...turn, claims: [{ kind: 'ticks', job, dueTicks: [tick], context }] });
  if (result instanceof Promise) throw new Error('this store answers at once');
  const grant = result.grants[0];
  if (grant === undefined) throw new Error('the run was not granted');
  const { runId, fence } = grant;
  const end = { job: job.name, runId, fence, outcome, startedAt: at, endedAt: at + 1_000, steps: 1, attempts: 1 };
  if (isEnded) void store.commit({ ...turn, ends: [end] });
  return runId;
}

async function waiting(store: Store): Promise<readonly Message[]> {
  return store.dueMessages(Number.MAX_SAFE_INTEGER, 1_000);
}

test('a job without a good end is overdue after the run of its second tick, once', async () => {
  const bundle = setup(HOURLY);
  await using _ = await bundle.live();
  await bundle.clock.advance(130 * MINUTE);
  expect(bundle.told).toEqual([]);
  await bundle.clock.advance(2 * MINUTE);
  expect(bundle.told).toEqual(['overdue']);
  expect(bundle.bodies[0]).toEqual({
    version: 1,
    event: 'overdue',
    job: 'report',
    dueBy: '2026-01-01T02:11:00.000Z',
    at: '2026-01-01T02:11:00.000Z',
  });
  await bundle.clock.advance(1_000 * MINUTE);
  expect(bundle.told).toEqual(['overdue']);
});

test('the next good end is told as a recovery once, and the job can be overdue again', async () => {
  const bundle = setup(HOURLY);
  await using life = await bundle.live();
  await bundle.clock.advance(200 * MINUTE);
  life.end('failed');
  await bundle.clock.advance(MINUTE);
  expect(bundle.told).toEqual(['overdue']);
  life.end('unfinished');
  life.end('succeeded');
  await bundle.clock.advance(MINUTE);
  expect(bundle.told).toEqual(['overdue', 'recovered from overdue']);
  await bundle.clock.advance(200 * MINUTE);
  expect(bundle.told).toEqual(['overdue', 'recovered from overdue', 'overdue']);
});

test('a job that ends well now and then is never overdue', async () => {
  const bundle = setup(HOURLY);
  await using life = await bundle.live();
  for (let hour = 0; hour < 48; hour++) {
    await bundle.clock.advance(60 * MINUTE);
    life.end(hour % 2 === 0 ? 'failed' : 'succeeded');
  }
  expect(bundle.told).toEqual([]);
});

test('a paused job is not overdue, and after it is resumed two ticks count anew', async () => {
  const bundle = setup(HOURLY);
  await using life = await bundle.live();
  bundle.paused.add('report');
  for (let hour = 1; hour <= 6; hour++) {
    await bundle.clock.advance(60 * MINUTE);
    const tick = START + hour * 60 * MINUTE;
    life.events.emit('tickDecided', { job: 'report', tick, outcome: 'skipped', reason: 'paused' });
  }
  await bundle.clock.advance(30 * MINUTE);
  bundle.paused.delete('report');
  await bundle.clock.advance(100 * MINUTE);
  expect(bundle.told).toEqual([]);
  await bundle.clock.advance(5 * MINUTE);
  expect(bundle.told).toEqual(['overdue']);
});

test('an overdue job is not told again by the next daemon, which tells of its recovery', async () => {
  const bundle = setup(HOURLY);
  {
    await using _ = await bundle.live();
    await bundle.clock.advance(131 * MINUTE + 500);
    expect(bundle.told).toEqual(['overdue']);
  }
  await using life = await bundle.live();
  await bundle.clock.advance(300 * MINUTE);
  expect(bundle.told).toEqual(['overdue']);
  life.end('succeeded');
  await bundle.clock.advance(MINUTE);
  expect(bundle.told).toEqual(['overdue', 'recovered from overdue']);
  expect(await waiting(bundle.store)).toEqual([]);
});

test('a good end that an earlier daemon wrote down and did not tell of is told as a recovery', async () => {
  const bundle = setup(HOURLY);
  await bundle.store.arm([HOURLY], START);
  {
    await using _ = await bundle.live();
    await bundle.clock.advance(132 * MINUTE);
  }
  writeRun(bundle.store, HOURLY, 'succeeded', bundle.clock.now());
  await using _ = await bundle.live();
  await bundle.clock.advance(MINUTE);
  expect(bundle.told).toEqual(['overdue', 'recovered from overdue']);
});

test('an alarm that a daemon noted and did not deliver is delivered by the next', async () => {
  const bundle = setup(HOURLY);
  {
    await using life = await bundle.live();
    await bundle.clock.runUntil(() => life.log.of(/job is overdue/).length > 0);
  }
  expect(bundle.told).toEqual([]);
  await using _ = await bundle.live();
  await bundle.clock.advance(100 * MINUTE);
  expect(bundle.told).toEqual(['overdue']);
});

test('after downtime a job gets the time of one run before it is overdue', async () => {
  const bundle = setup(HOURLY);
  await bundle.store.arm([HOURLY], START - 10 * 60 * MINUTE);
  writeRun(bundle.store, HOURLY, 'succeeded', START - 9 * 60 * MINUTE);
  await using life = await bundle.live();
  await bundle.clock.advance(10 * MINUTE);
  expect(bundle.told).toEqual([]);
  await bundle.clock.advance(2 * MINUTE);
  expect(bundle.told).toEqual(['overdue']);
  expect(bundle.bodies[0]).toMatchObject({ lastGoodEnd: '2025-12-31T15:00:01.000Z' });
  expect(life.log.of(/is overdue/)).toHaveLength(1);
});

test('a wall clock that jumps ahead alarms nobody before a run has had its time', async () => {
  const bundle = setup(HOURLY);
  await using life = await bundle.live();
  life.end('succeeded');
  await bundle.clock.advance(MINUTE);
  bundle.clock.stepWall(24 * 60 * MINUTE);
  await bundle.clock.advance(5 * MINUTE);
  life.end('succeeded');
  await bundle.clock.advance(60 * MINUTE);
  expect(bundle.told).toEqual([]);
});

test('a job that a reload brings is watched from then on, and one that it takes away no more', async () => {
  const bundle = setup(HOURLY);
  await using _ = await bundle.live();
  await bundle.clock.advance(100 * MINUTE);
  bundle.jobs = [{ ...HOURLY, name: 'other' }];
  await bundle.clock.advance(90 * MINUTE);
  expect(bundle.told).toEqual([]);
  await bundle.clock.advance(62 * MINUTE);
  expect(bundle.bodies.map(({ job }) => job)).toEqual(['other']);
});

test('a blocked run is told once, and its end as a recovery', async () => {
  const bundle = setup(HOURLY);
  await using life = await bundle.live();
  life.blocked('run-1');
  life.blocked('run-1');
  await bundle.clock.advance(MINUTE);
  expect(bundle.told).toEqual(['blocked']);
  expect(bundle.bodies[0]).toMatchObject({ runId: 'run-1', what: 'pid 7' });
  life.end('killed', 'run-1');
  await bundle.clock.advance(MINUTE);
  expect(bundle.told).toEqual(['blocked', 'recovered from blocked']);
  expect(bundle.bodies[1]).toMatchObject({ runId: 'run-1', outcome: 'killed' });
});

test('a run that stays blocked over a restart is told once, and its end is not forgotten', async () => {
  const bundle = setup(HOURLY);
  await bundle.store.arm([HOURLY], START - 1);
  const runId = writeRun(bundle.store, HOURLY, 'succeeded', START, false);
  {
    await using life = await bundle.live();
    life.blocked(runId);
    await bundle.clock.advance(MINUTE);
  }
  await using life = await bundle.live();
  life.blocked(runId);
  await bundle.clock.advance(MINUTE);
  expect(bundle.told).toEqual(['blocked']);
  life.end('lost', runId);
  await bundle.clock.advance(MINUTE);
  expect(bundle.told).toEqual(['blocked', 'recovered from blocked']);
});

test('a blocked run whose end an earlier daemon wrote down and did not tell of is told as a recovery', async () => {
  const bundle = setup(HOURLY);
  await bundle.store.arm([HOURLY], START - 1);
  const runId = writeRun(bundle.store, HOURLY, 'killed', START);
  {
    await using life = await bundle.live();
    life.blocked(runId);
    await bundle.clock.advance(MINUTE);
  }
  await using _ = await bundle.live();
  await bundle.clock.advance(MINUTE);
  expect(bundle.told).toEqual(['blocked', 'recovered from blocked']);
  expect(bundle.bodies[1]).toMatchObject({ outcome: 'killed' });
});

test('ten thousand jobs that run well cost a look each two ticks, and no scan', async () => {
  const jobs = Array.from({ length: 10_000 }, (_, index) => ({ ...HOURLY, name: `job-${index}` }));
  const bundle = setup(...jobs);
  await using life = await bundle.live();
  await bundle.clock.advance(MINUTE);
  const timers = bundle.clock.timers;
  for (let hour = 0; hour < 4; hour++) {
    for (const { name } of jobs) life.end('succeeded', `${name}-${hour}`, name);
    await bundle.clock.advance(60 * MINUTE);
  }
  expect(bundle.told).toEqual([]);
  expect(bundle.clock.timers).toBeLessThanOrEqual(timers + 1);
  await bundle.clock.advance(240 * MINUTE);
  expect(bundle.told).toHaveLength(10_000);
});
