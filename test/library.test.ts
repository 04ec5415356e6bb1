import { describe, expect, it } from 'vitest';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  createScheduler,
  runWithinBudget,
  type RunEnd,
  type Scheduler,
  type TaskContext,
  TaskOutcome,
  TickwiseError,
  type TimeoutTaskHandler,
  timeoutTask,
} from '../src/index.ts';

/** A scheduler in memory that has been started. */
async function started(jobs: object, rest: object = {}): Promise<Scheduler> {
  const scheduler = createScheduler({ store: 'memory:', listen: false, jobs, ...rest });
  await scheduler.start();
  return scheduler;
}

/** Triggers a job. @returns the end of the run that it started */
async function runOnce(scheduler: Scheduler, job: string, request: object = {}): Promise<RunEnd> {
  const triggered = await scheduler.trigger(job, request);
  if (triggered.kind === 'refused') throw new Error(`refused: ${triggered.reason}`);
  return scheduler.waitForEnd(triggered.runId);
}

/** Counts one number a step. */
const counter: TimeoutTaskHandler<number, { upTo: number }> = {
  handleTimeoutTask({ checkpoint = 0, input }) {
    const count = checkpoint + 1;
    return { done: count >= input.upTo, checkpoint: count, result: count };
  },
};

describe('a scheduler within a program', () => {
  it('fires a plain async function once for each tick, and tells its events by type', async () => {
    const ticks: number[] = [];
    await using scheduler = createScheduler({
      store: 'memory:',
      listen: false,
      jobs: { hello: { schedule: '@every 1s', task: async ({ tick }: TaskContext) => void ticks.push(tick) } },
    });
    const second = Promise.withResolvers<void>();
    const decided: (readonly [string, string])[] = [];
    using _ticks = scheduler.on('tickDecided', ({ job, outcome }) => decided.push([job, outcome]));
    using _ends = scheduler.on('runEnded', ({ outcome }) => {
      if (outcome === 'succeeded' && ticks.length === 2) second.resolve();
    });

    await scheduler.start();
    await second.promise;

    expect(ticks.map((tick) => tick % 1_000)).toEqual([0, 0]);
    expect((ticks[1] ?? 0) - (ticks[0] ?? 0)).toBe(1_000);
    expect(decided.slice(0, 2)).toEqual([
      ['hello', 'ran'],
      ['hello', 'ran'],
    ]);
    expect(scheduler.statistics().runs.succeeded).toBe(2);
  });

  it('takes handler objects, and carries their checkpoint to the next run', async () => {
    const seen: (number | undefined)[] = [];
    const handler: TimeoutTaskHandler<number> = {
      async handleTimeoutTask({ checkpoint }) {
        seen.push(checkpoint);
        // Unlike the context's own sleep, this one lets the step finish when the budget is spent.
        await delay(20);
        return { done: false, checkpoint: (checkpoint ?? 0) + 1 };
      },
    };
    await using scheduler = await started({ walk: { task: handler, budget: '50ms', grace: '1s' } });

    const first = await runOnce(scheduler, 'walk');
    const stepsOfFirst = seen.length;
    await runOnce(scheduler, 'walk');

    expect(first.outcome).toBe('unfinished');
    expect(seen[0]).toBeUndefined();
    expect(seen[stepsOfFirst]).toBe(stepsOfFirst);
  });

  it('gives steps a context whose members may be taken out of it', async () => {
    await using scheduler = await started({
      apart: {
        budget: '1m',
        task: async ({ sleep, remainingMs, value, log, signal, fetch }: TaskContext) => {
          await sleep(1);
          log.info('apart');
          return [remainingMs() > 0, value('none') ?? null, signal.aborted, typeof fetch];
        },
      },
    });
    expect((await runOnce(scheduler, 'apart')).result).toBe('[true,null,false,"function"]');
  });

  it('takes what timeoutTask makes of a handler', async () => {
    await using scheduler = await started({ count: { task: timeoutTask(counter, { budget: '10s', grace: '1s' }) } });
    const end = await runOnce(scheduler, 'count', { input: { upTo: 3 } });
    expect(end).toMatchObject({ job: 'count', outcome: 'succeeded', result: '3', steps: 3 });
  });

  it('refuses a trigger while a run is live, and names that run', async () => {
    const gate = Promise.withResolvers<void>();
    await using scheduler = await started({ slow: { task: () => gate.promise } });
    const first = await scheduler.trigger('slow');

    const second = await scheduler.trigger('slow');
    gate.resolve();

    expect(first.kind).toBe('started');
    expect(second).toEqual({ kind: 'refused', reason: 'overlap', liveRunId: first.kind === 'started' ? first.runId : '' });
  });

  it('cancels a run, and says who asked', async () => {
    await using scheduler = await started({ slow: { task: async (context: TaskContext) => context.sleep(3_600_000) } });
    const triggered = await scheduler.trigger('slow');
    const ended = triggered.kind === 'started' ? scheduler.waitForEnd(triggered.runId) : undefined;

    expect(scheduler.cancel('slow', 'the test')).toHaveLength(1);

    expect(await ended).toMatchObject({ outcome: 'cancelled', reason: 'cancelled by the test' });
  });

  it('skips the ticks of a paused job until it is resumed', async () => {
    await using scheduler = await started({ beat: { schedule: '@every 1s', task: async () => {} } });
    const outcomes: string[] = [];
    const next = (): Promise<string> =>
      new Promise((resolve) => {
        const listening = scheduler.on('tickDecided', ({ outcome, reason }) => {
          listening[Symbol.dispose]();
          resolve(`${outcome} ${reason ?? ''}`.trim());
        });
      });
    await scheduler.pause('beat');
    outcomes.push(await next());
    await scheduler.resume('beat');
    outcomes.push(await next());
    expect(outcomes).toEqual(['skipped paused', 'ran']);
  });

  it('lets live runs finish when its block ends', async () => {
    let finished = false;
    {
      await using scheduler = await started({
        slow: {
          task: async ({ sleep }: TaskContext) => {
            await sleep(100);
            finished = true;
          },
        },
      });
      await scheduler.trigger('slow');
    }
    expect(finished).toBe(true);
  });

  it('keeps its ledger between two lives of a program', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'tickwise-library-'));
    try {
      const config = {
        store: `sqlite:${join(dir, 'ledger.db')}`,
        listen: false,
        jobs: { count: { task: counter, budget: '1m' } },
      };
      const half = {
        handleTimeoutTask: ({ checkpoint = 0 }: TaskContext<number>) =>
          checkpoint === 2 ? Promise.reject(new Error('tired')) : { done: false, checkpoint: checkpoint + 1 },
      };
      {
        await using first = createScheduler({ ...config, jobs: { count: { task: half, budget: '1m' } } });
        await first.start();
        expect((await runOnce(first, 'count')).outcome).toBe('failed');
      }
      await using second = createScheduler(config);
      await second.start();
      expect(await runOnce(second, 'count', { input: { upTo: 5 } })).toMatchObject({ outcome: 'succeeded', steps: 3, fence: 2 });
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });

  it('says everything that is wrong with its configuration at once', () => {
    const make = (): Scheduler => createScheduler({ concurency: 1, jobs: { Bad: { task: async () => {} } } });
    expect(make).toThrow(TickwiseError);
    expect(make).toThrow(/concurency[^]*jobs\.Bad/);
  });

  it('rejects what is asked of it before its start, and of jobs that it does not have', async () => {
    await using scheduler = createScheduler({ store: 'memory:', listen: false, jobs: { one: { task: async () => {} } } });
    await expect(scheduler.trigger('one')).rejects.toMatchObject({ code: 'NOT_STARTED' });
    await scheduler.start();
    await expect(scheduler.trigger('two')).rejects.toMatchObject({ code: 'JOB_NOT_FOUND' });
    await expect(scheduler.pause('two')).rejects.toMatchObject({ code: 'JOB_NOT_FOUND' });
  });

  it('stops twice as if once, and before its start', async () => {
    const scheduler = createScheduler({ store: 'memory:', listen: false, jobs: {} });
    expect(await scheduler.stop()).toEqual([]);
    await scheduler.start();
    expect(await Promise.all([scheduler.stop(), scheduler.stop()])).toEqual([[], []]);
  });
});

describe('runWithinBudget', () => {
  it('runs a handler to its end, and gives its outcome', async () => {
    const outcome = await runWithinBudget(counter, { budget: '10s', input: { upTo: 4 }, checkpoint: 1 });
    expect(outcome).toBeInstanceOf(TaskOutcome);
    expect(outcome).toMatchObject({ outcome: 'succeeded', steps: 3, result: 4 });
  });

  it('ends between two steps when the budget is spent, with what to go on from', async () => {
    const endless: TimeoutTaskHandler<number> = {
      async handleTimeoutTask({ checkpoint = 0 }) {
        await delay(5);
        return { done: false, checkpoint: checkpoint + 1 };
      },
    };
    const outcome = await runWithinBudget(endless, { budget: '40ms' });
    expect(outcome).toMatchObject({ outcome: 'unfinished', checkpoint: outcome.steps });
    expect(outcome.steps).toBeGreaterThan(0);
  });

  it('gives what a handler throws as an outcome', async () => {
    const outcome = await runWithinBudget(() => Promise.reject(new RangeError('no')), { budget: '1s' });
    expect(outcome).toMatchObject({ outcome: 'failed', error: { name: 'RangeError', message: 'no' } });
  });
});

describe('a scheduler within a program that is given an address to listen on', () => {
  it('answers there from its start to its end, and nowhere unless asked to', async () => {
    await using silent = await started({});
    expect(silent.address).toBeUndefined();
    const scheduler = await started({ hello: { task: async () => 'done' } }, { listen: '127.0.0.1:0' });
    const url = String(scheduler.address);
    const submitted = await fetch(`${url}/v1/jobs/hello/runs`, { method: 'POST' });
    expect(submitted.status).toBe(202);
    const run = await fetch(`${url}${submitted.headers.get('location')}?wait=10s`);
    expect(await run.json()).toMatchObject({ outcome: 'succeeded', result: 'done' });
    await scheduler.stop();
    await expect(fetch(url)).rejects.toThrow('fetch failed');
  });

  it('insists on an address that was written, and goes without one that nobody chose', async () => {
    await using first = await started({}, { listen: '127.0.0.1:0' });
    const taken = String(first.address).slice('http://'.length);
    await expect(started({}, { listen: taken })).rejects.toMatchObject({ code: 'LISTEN_FAILED' });
  });
});
