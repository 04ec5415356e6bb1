import { expect, test } from 'vitest';
import type { Job } from '../../src/core/job.ts';
import type { Clock } from '../../src/core/ports.ts';
import { type EventMap, Events } from '../../src/engine/events.ts';
import { Scheduler } from '../../src/engine/scheduler.ts';
import { createInlineRunner } from '../../src/runner/inline.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { createCalendar } from '../../src/system/calendar.ts';
import { createSystemClock } from '../../src/system/clock.ts';
import { createPinger, uuidOf } from '../../src/system/ping.ts';
import type { Send } from '../../src/system/notify-send.ts';
import { createVirtualClock, type VirtualClock } from '../../src/testing/virtual-clock.ts';
import { jobWith, LineLog, type Receiver, startReceiver } from './notify-setup.ts';

const RID = uuidOf('run-1');

interface Bundle extends AsyncDisposable {
  readonly events: Events;
  readonly log: LineLog;
  start(runId?: string): void;
  end(own?: Partial<EventMap['runEnded']>): void;
}

function setup(ping: string, clock: Clock = createSystemClock(), send?: Send): Bundle {
  const events = new Events();
  const log = new LineLog();
  const jobs: readonly Job[] = [jobWith('report', { ping }), jobWith('silent')];
  const pinger = createPinger({ events, log, clock, jobs: () => jobs, send, random: () => 0 });
  const run = { job: 'report', tick: 1, fence: 1 };
  return {
    events,
    log,
    start: (runId = 'run-1') =>
      events.emit('runStarted', { ...run, runId, cause: 'tick', startedAt: 1, deadline: 2, delayMs: 0 }),
    end: (own = {}) =>
      events.emit('runEnded', {
        ...run,
        runId: 'run-1',
        outcome: 'succeeded',
        startedAt: 1,
        endedAt: 2,
        steps: 3,
        attempts: 1,
        ...own,
      }),
    [Symbol.asyncDispose]: () => {
      const disposed = Promise.resolve(pinger[Symbol.asyncDispose]());
      return 'waitFor' in clock ? (clock as VirtualClock).waitFor(disposed) : disposed;
    },
  };
}

function paths({ received }: Receiver): string[] {
  return received.map(({ path }) => path);
}

test('a run that succeeds is told by its start and its end, with one id', async () => {
  await using receiver = await startReceiver();
  await using bundle = setup(`${receiver.url}/check/`);
  bundle.start();
  bundle.end();
  await receiver.waitFor(2);
  expect(paths(receiver)).toEqual([`/check/start?rid=${RID}`, `/check?rid=${RID}`]);
  expect(RID).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

test('the id of a run is the same in every process', () => {
  expect(uuidOf('run-1')).toBe(uuidOf('run-1'));
  expect(uuidOf('run-1')).not.toBe(uuidOf('run-2'));
});

test.each([
  ['failed', {}, '/fail'],
  ['failed', { error: { name: 'TickwiseError', message: 'ended with exit code 3', exitCode: 3 } }, '/3'],
  ['failed', { error: { name: 'TickwiseError', message: 'no exit code of a program', exitCode: 300 } }, '/fail'],
  ['killed', {}, '/fail'],
  ['timedOut', {}, '/fail'],
  ['lost', {}, '/fail'],
  ['unfinished', {}, '/log'],
  ['cancelled', {}, '/log'],
] as const)('a run that ends %s with %o is told as %s', async (outcome, own, signal) => {
  await using receiver = await startReceiver();
  await using bundle = setup(`${receiver.url}/check?create=1`);
  bundle.end({ outcome, ...own });
  await receiver.waitFor(1);
  expect(paths(receiver)).toEqual([`/check${signal}?create=1&rid=${RID}`]);
});

test('the body says how it went, in at most 10 kB', async () => {
  await using receiver = await startReceiver();
  await using bundle = setup(receiver.url);
  bundle.end({ outcome: 'unfinished', reason: 'budget', progress: { completed: 4, total: 9, message: 'page 4' } });
  await receiver.waitFor(1);
  bundle.end({ runId: 'run-2', outcome: 'failed', error: { name: 'Error', message: 'ü'.repeat(20_000) } });
  await receiver.waitFor(2);
  expect(receiver.received[0]?.body).toBe('unfinished (budget): 3 steps, 4 of 9\npage 4');
  expect(Buffer.byteLength(receiver.received[1]?.body ?? '')).toBeLessThanOrEqual(10_000);
  expect(receiver.received[1]?.body).toMatch(/^failed: 3 steps\nError: ü+$/);
});

test('nothing is sent of a job without a ping, of a skip, or of a run that never began', async () => {
  await using receiver = await startReceiver();
  const bundle = setup(receiver.url);
  bundle.end({ job: 'silent' });
  bundle.end({ startedAt: undefined, outcome: 'cancelled' });
  bundle.events.emit('tickDecided', { job: 'report', tick: 1, outcome: 'skipped', reason: 'overlap' });
  await bundle[Symbol.asyncDispose]();
  expect(receiver.received).toEqual([]);
});

test('an end never overtakes its start, however often the start has to be tried', async () => {
  const clock = createVirtualClock();
  const asked: string[] = [];
  const send = (async (url: string) => {
    asked.push(new URL(url).pathname);
    return new Response(null, { status: asked.length <= 3 ? 503 : 200 });
  }) as Send;
  await using bundle = setup('https://example.com/check', clock, send);
  bundle.start();
  bundle.end();
  await clock.run();
  expect(asked).toEqual(['/check/start', '/check/start', '/check/start', '/check/start', '/check']);
  expect(clock.monotonic()).toBe(7_000);
});

test('a ping that fails five times is given up, and that is said without its address', async () => {
  const clock = createVirtualClock();
  let asked = 0;
  const send = (async () => {
    asked++;
    throw new TypeError('send failed');
  }) as Send;
  await using bundle = setup('https://example.com/check-secret', clock, send);
  bundle.end();
  await clock.run();
  expect(asked).toBe(5);
  expect(bundle.log.lines).toMatchObject([{ level: 'warn', fields: { receiver: 'example.com', tries: 5 } }]);
  expect(JSON.stringify(bundle.log.lines)).not.toContain('check-secret');
});

test('a check that is not there is not tried again', async () => {
  await using receiver = await startReceiver((_, response) => void response.writeHead(404).end());
  await using bundle = setup(receiver.url);
  bundle.end();
  const line = await bundle.log.waitFor(/given up/);
  expect(line.fields).toMatchObject({ what: 'answered 404', tries: 1 });
});

test('at most 50 pings are under way, of which one dead server holds 20', async () => {
  const clock = createVirtualClock();
  const underWay = new Map<string, number>();
  const send = ((url: string, init: RequestInit) =>
    new Promise((_resolve, reject) => {
      const { host } = new URL(url);
      underWay.set(host, (underWay.get(host) ?? 0) + 1);
      init.signal?.addEventListener('abort', () => reject(new Error('aborted')));
    })) as Send;
  const events = new Events();
  const jobs = ['a', 'b', 'c'].map((name) => jobWith(name, { ping: `https://${name}.example.com/check` }));
  const pinger = createPinger({ events, log: new LineLog(), clock, jobs: () => jobs, send, random: () => 0 });
  const endRuns = async (job: string): Promise<void> => {
    const end = { job, tick: 1, fence: 1, outcome: 'succeeded', startedAt: 1, endedAt: 2, steps: 1, attempts: 1 } as const;
    for (let run = 0; run < 100; run++) events.emit('runEnded', { ...end, runId: `${job}-${run}` });
    await clock.advance(1_000);
  };
  await endRuns('a');
  expect(Object.fromEntries(underWay)).toEqual({ 'a.example.com': 20 });
  await endRuns('b');
  await endRuns('c');
  expect(Object.fromEntries(underWay)).toEqual({ 'a.example.com': 20, 'b.example.com': 20, 'c.example.com': 10 });
  await clock.waitFor(Promise.resolve(pinger[Symbol.asyncDispose]()));
});

test('when more than 10,000 pings wait the oldest are given up, and that is said', async () => {
  const clock = createVirtualClock();
  const bodies = new Set<string>();
  let isDown = true;
  const send = ((_: string, init: RequestInit) =>
    new Promise((resolve, reject) => {
      if (isDown) init.signal?.addEventListener('abort', () => reject(new Error('aborted')));
      else resolve(new Response());
      bodies.add(typeof init.body === 'string' ? init.body : '');
    })) as Send;
  const bundle = setup('https://example.com', clock, send);
  for (let run = 0; run < 10_500; run++) bundle.end({ runId: `run-${run}`, steps: run });
  await clock.advance(1_000);
  expect(bundle.log.of(/too many wait/)).toHaveLength(1);
  isDown = false;
  await clock.advance(60_000);
  expect(bodies.has('succeeded: 10499 steps')).toBe(true);
  expect(bodies.has('succeeded: 300 steps')).toBe(false);
  await bundle[Symbol.asyncDispose]();
  expect(clock.timers).toBe(0);
});

test('runs start and end while every ping of theirs hangs', async () => {
  await using receiver = await startReceiver(() => {});
  const clock = createSystemClock();
  const events = new Events();
  const order: string[] = [];
  const target = (): void => void order.push('run');
  const jobs = [
    jobWith('report', {
      schedules: [{ kind: 'every', everyMs: 100 }],
      task: { kind: 'function', target: async () => target() },
      ping: receiver.url,
      budgetMs: 1_000,
      graceMs: 100,
    }),
  ];
  const pinger = createPinger({ events, log: new LineLog(), clock, jobs: () => jobs });
  const runner = createInlineRunner(clock, ({ job }) => (job.task.kind === 'function' ? job.task.target : undefined));
  const scheduler = new Scheduler({
    clock,
    calendar: createCalendar(),
    store: createMemoryStore({ node: { id: 'n', host: 'h', bootId: 'b', pid: 1, pidStart: 1, startedAt: 0 } }),
    runnerFor: () => runner,
    concurrency: 16,
    events,
    random: Math.random,
  });
  const ended = new Promise<void>((resolve) => {
    events.on('runEnded', () => {
      order.push('end');
      if (order.length === 20) resolve();
    });
  });
  await scheduler.start(jobs);
  await receiver.waitFor(1);
  await ended;
  await scheduler.stop(0);
  // Ten runs went their way, one after another; of their pings not one has been answered.
  expect(order.slice(0, 20)).toEqual(Array.from({ length: 10 }, () => ['run', 'end']).flat());
  expect(paths(receiver).every((path) => path.startsWith('/start?'))).toBe(true);
  await pinger[Symbol.asyncDispose]();
  await runner[Symbol.asyncDispose]();
});
