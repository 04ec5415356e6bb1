/**
 * Those around a daemon who ask, watch and tell: the API, metrics, messages, pings, traces. The engine waits for none of them.
 * Beside `daemon.ts` the only place where rooms meet; loaded by it alone.
 */
import type { Config } from './config/config.ts';
import { checkInput } from './config/input-schema.ts';
import type { Job, JobName } from './core/job.ts';
import type { NodeIdentity } from './core/ledger.ts';
import type { Calendar, Clock } from './core/ports.ts';
import type { Store } from './core/store.ts';
import type { TaskLog } from './core/task.ts';
import { createControl } from './engine/control.ts';
import type { Events } from './engine/events.ts';
import type { Scheduler } from './engine/scheduler.ts';
import { startHttpServer } from './http/server.ts';
import { createRoutes } from './http/routes.ts';
import type { JobGlance } from './system/metrics-jobs.ts';
import { createMetrics } from './system/metrics.ts';
import { readSeed } from './system/metrics-seed.ts';

/** What doors are made of. */
export interface DoorParts {
  readonly config: Config;
  /** Made, and not started: nothing it tells shall be missed. */
  readonly scheduler: Scheduler;
  readonly store: Store;
  readonly events: Events;
  readonly clock: Clock;
  readonly calendar: Calendar;
  readonly node: NodeIdentity;
  readonly version: string;
  readonly log: TaskLog;
  /** Blots out the secrets of the configuration. */
  readonly redact: (text: string) => string;
}

/** The doors of a daemon. To be disposed of when its scheduler has stopped, before its store is closed. */
export interface Doors extends AsyncDisposable {
  /** Where the API listens, for people. */
  readonly address: string;
  /** After a reload. */
  setJobs(jobs: readonly Job[]): void;
}

/**
 * Opens the API. It answers from now on, and is ready when the scheduler is.
 *
 * @param parts see {@link DoorParts}
 * @returns the doors, open
 * @throws TickwiseError `LISTEN_FAILED`, `STORE_UNUSABLE`, with nothing left open
 */
export async function openDoors(listen: Exclude<Config['listen'], false>, parts: DoorParts): Promise<Doors> {
  const { config, scheduler, store, events, clock, calendar, node, version, log, redact } = parts;
  await using opening = new AsyncDisposableStack();
  const seed = await readSeed(store, config.jobs);
  const peek = (job: JobName): JobGlance | undefined => glanceAt(scheduler, job);
  const metrics = opening.use(createMetrics({ events, clock, calendar, jobs: config.jobs, peek, version, log, ...seed }));
  const control = opening.use(
    createControl({
      scheduler,
      store,
      clock,
      calendar,
      node,
      version,
      checkInput,
      metrics: () => metrics.text(),
      timezone: config.timezone,
    }),
  );
  const onFault = (error: unknown, request: string): void =>
    log.error('a request failed', { request, error: error instanceof Error ? error.stack : String(error) });
  const app = createRoutes(control, { clock, redact, onFault });
  const server = opening.use(await startHttpServer({ app, listen, ...config.auth, log, clock }));
  const open = opening.move();
  return {
    address: server.address,
    setJobs: (jobs) => metrics.setJobs(jobs),
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

function glanceAt({ state }: Scheduler, name: JobName): JobGlance | undefined {
  const entry = state.find(name);
  if (entry === undefined) return undefined;
  return {
    nextTickAt: entry.isPaused ? undefined : entry.nextTickAt,
    isLive: entry.live !== undefined,
    isBlocked: entry.live?.state === 'blocked',
    budgetMs: state.boundsOf(entry.job).budgetMs,
  };
}
