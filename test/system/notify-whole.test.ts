import { expect, test } from 'vitest';
import type { Job } from '../../src/core/job.ts';
import { makePlanMessages } from '../../src/core/plan-messages.ts';
import type { Store } from '../../src/core/store.ts';
import { Events } from '../../src/engine/events.ts';
import { Scheduler } from '../../src/engine/scheduler.ts';
import { createInlineRunner } from '../../src/runner/inline.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { createCalendar } from '../../src/system/calendar.ts';
import { createSystemClock } from '../../src/system/clock.ts';
import { createNotifier } from '../../src/system/notify.ts';
import { startAlarms } from '../../src/system/notify-alarms.ts';
import { createPinger } from '../../src/system/ping.ts';
import { jobWith, LineLog, ruleTo, startReceiver } from './notify-setup.ts';

const node = { id: 'n', host: 'h', bootId: 'b', pid: 1, pidStart: 1, startedAt: 0 };

interface Whole extends AsyncDisposable {
  readonly scheduler: Scheduler;
  readonly events: Events;
  readonly store: Store;
}

/** All that tells people, wired as a daemon does, around a scheduler of inline jobs. */
async function setup(jobs: readonly Job[]): Promise<Whole> {
  const clock = createSystemClock();
  const calendar = createCalendar();
  const events = new Events();
  const log = new LineLog();
  const byName = new Map(jobs.map((job) => [job.name, job]));
  const store = createMemoryStore({ node, messages: makePlanMessages((name) => byName.get(name)) });
  const runner = createInlineRunner(clock, ({ job }) => (job.task.kind === 'function' ? job.task.target : undefined));
  const scheduler = new Scheduler({
    clock,
    calendar,
    store,
    runnerFor: () => runner,
    concurrency: 100,
    events,
    random: Math.random,
  });
  let wake = (): void => {};
  const means = { outbox: store, jobs: () => jobs, clock, log, events };
  const isPaused = (job: string): boolean => scheduler.inspect(job)?.isPaused === true;
  const alarms = await startAlarms({ ...means, ledger: store, calendar, isPaused, wake: () => wake() });
  const notifier = createNotifier({ ...means, env: {}, notes: alarms.notes });
  wake = () => notifier.wake();
  const pinger = createPinger(means);
  await scheduler.start(jobs);
  return {
    scheduler,
    events,
    store,
    [Symbol.asyncDispose]: async () => {
      await scheduler.stop(0);
      for (const part of [pinger, alarms, notifier, runner, store]) await part[Symbol.asyncDispose]();
    },
  };
}

test('a job that fails twice and then succeeds is told as two failures and one recovery', async () => {
  await using receiver = await startReceiver();
  let runs = 0;
  const target = async (): Promise<void> => {
    if (++runs <= 2) throw new Error(`no luck in run ${runs}`);
  };
  const job = jobWith('report', { schedules: [], task: { kind: 'function', target }, notify: [ruleTo(receiver.url)] });
  await using whole = await setup([job]);
  for (let run = 0; run < 4; run++) {
    const result = await whole.scheduler.trigger('report');
    if (result.kind !== 'started') throw new Error(`the trigger was ${result.kind}`);
    await whole.scheduler.waitForEnd(result.runId).catch(() => undefined);
    // Ends come to the outbox in order; each is awaited, so that no trigger meets a live run.
    await expect.poll(() => whole.scheduler.inspect('report')?.live).toBeUndefined();
  }
  await receiver.waitFor(3);
  expect(receiver.received.map(({ body }) => JSON.parse(body) as unknown)).toMatchObject([
    { event: 'failed', error: { message: 'no luck in run 1' } },
    { event: 'failed', error: { message: 'no luck in run 2' } },
    { event: 'recovered', recoveredFrom: 'failed', outcome: 'succeeded' },
  ]);
});

test('a run that ignores its stop is told as blocked, and its end as a recovery', async () => {
  await using receiver = await startReceiver();
  let finish = (): void => {};
  const target = (): Promise<void> => new Promise((resolve) => (finish = resolve));
  const notify = [ruleTo(receiver.url, { on: ['blocked', 'recovered'] })];
  const job = jobWith('report', { schedules: [], task: { kind: 'function', target }, notify, budgetMs: 50, graceMs: 50 });
  await using whole = await setup([job]);
  await whole.scheduler.trigger('report');
  await receiver.waitFor(1);
  finish();
  await receiver.waitFor(2);
  expect(receiver.received.map(({ body }) => JSON.parse(body) as unknown)).toMatchObject([
    { event: 'blocked', job: 'report', runId: expect.any(String) },
    { event: 'recovered', recoveredFrom: 'blocked', runId: expect.any(String) },
  ]);
});
