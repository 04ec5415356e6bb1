/** Tickwise as it is measured: the daemon itself, on a configuration that a measure makes. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseConfig, parseConfigObject } from '../src/config/load.ts';
import { type Daemon, startDaemon } from '../src/daemon.ts';
import { Events } from '../src/engine/events.ts';
import type { Scheduler } from '../src/engine/scheduler.ts';
import { createCalendar } from '../src/system/calendar.ts';
import { createSystemClock } from '../src/system/clock.ts';

/** A daemon with nobody listening to its events, in a folder of its own that goes with it. */
export interface Subject extends AsyncDisposable {
  readonly scheduler: Scheduler;
  /** Of its API. */
  readonly address: string | undefined;
}

/** Which store, by the word that names it; `sqlite` is at `synchronous=FULL`, as it is by default. */
export type StoreKind = 'memory' | 'sqlite';

/**
 * Starts a daemon.
 *
 * @param store where its ledger is
 * @param jobs by name, as in the configuration; functions and handlers allowed as tasks. A text is a whole configuration
 *   file, without `store`
 * @param listen where its API listens; nowhere unless given
 * @returns when the jobs are armed
 */
export async function startSubject(store: StoreKind, jobs: object | string, listen: string | false = false): Promise<Subject> {
  const folder = mkdtempSync(join(tmpdir(), 'tickwise-bench-'));
  // A probe that weighs or times the start ends its process without stopping anything.
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const calendar = createCalendar();
  const clock = createSystemClock();
  const options = { env: process.env, calendar, now: clock.now(), hostTimezone: 'UTC' };
  const settings = { store: store === 'memory' ? 'memory:' : `sqlite:${join(folder, 'ledger.db')}`, listen };
  const config =
    typeof jobs === 'string'
      ? parseConfig(`${JSON.stringify(settings).slice(0, -1)},${jobs.trimStart().slice(1)}`, {
          ...options,
          file: join(folder, 'config.json'),
        })
      : parseConfigObject({ ...settings, jobs }, options);
  const daemon: Daemon = await startDaemon(config, { clock, calendar, env: process.env, events: new Events() });
  return {
    scheduler: daemon.scheduler,
    address: daemon.address,
    async [Symbol.asyncDispose]() {
      await daemon.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/**
 * Triggers jobs again and again, each as soon as its last run has ended.
 *
 * @param jobs names
 * @param forMs how long
 * @param spentMs counts the milliseconds; by the clock unless given
 * @returns runs a second, trigger to end, both of them as durable as the store is
 */
export async function runsASecond(
  scheduler: Scheduler,
  jobs: readonly string[],
  forMs: number,
  spentMs?: () => number,
): Promise<number> {
  const startedAt = performance.now();
  let runs = 0;
  const again = async (job: string): Promise<void> => {
    while (performance.now() - startedAt < forMs) {
      const result = await scheduler.trigger(job);
      if (result.kind !== 'started') throw new Error(`a trigger of ${job} was ${result.kind}`);
      const { outcome } = await scheduler.waitForEnd(result.runId);
      if (outcome !== 'succeeded') throw new Error(`a run of ${job} ${outcome}`);
      runs++;
    }
  };
  await Promise.all(jobs.map(again));
  return (runs * 1_000) / (spentMs?.() ?? performance.now() - startedAt);
}

/** A task of one step that does nothing. */
export const NOOP: { handleTimeoutTask: () => Promise<boolean> } = { handleTimeoutTask: async () => true };

/** @returns so many jobs with that task and no schedule */
export function noopJobs(count: number, task: object = NOOP): Record<string, object> {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`job-${index}`, { task }]));
}
