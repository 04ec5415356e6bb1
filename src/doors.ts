/**
 * Those around a daemon who ask, watch and tell: the API, metrics, messages, pings, traces. The engine waits for none of them.
 * Beside `daemon.ts` the only place where rooms meet; loaded by it alone.
 */
import type { Config } from './config/config.ts';
import { checkInput } from './config/input-schema.ts';
import { ledgerIdOf } from './config/ledger-id.ts';
import type { Job, JobName } from './core/job.ts';
import type { NodeIdentity, RunRecord } from './core/ledger.ts';
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
  /** Runs of earlier daemons that hold slots still. */
  readonly left: readonly RunRecord[];
  readonly events: Events;
  readonly clock: Clock;
  readonly calendar: Calendar;
  readonly node: NodeIdentity;
  readonly version: string;
  readonly log: TaskLog;
  /** Blots out the secrets of the configuration, in JSON too. */
  readonly redact: (text: string) => string;
}

/** The doors of a daemon. To be disposed of when its scheduler has stopped, before its store is closed. */
export interface Doors extends AsyncDisposable {
  /** Where the API listens, for people. */
  readonly address: string;
  /** After a reload. */
  setJobs(jobs: readonly Job[]): void;
  /** The end of an earlier daemon's run cannot be proved yet. */
  blocked(job: JobName): void;
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
  const held = opening.use(new HeldSlots(parts.left, events));
  const peek = (job: JobName): JobGlance | undefined => glanceAt(scheduler, held, job);
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
      redact,
      timezone: config.timezone,
    }),
  );
  const onFault = (error: unknown, request: string): void =>
    log.error('a request failed', { request, error: error instanceof Error ? error.stack : String(error) });
  const app = createRoutes(control, { clock, redact, onFault, ledgerId: ledgerIdOf(config) });
  const server = opening.use(await startHttpServer({ app, listen, ...config.auth, log, clock }));
  const open = opening.move();
  return {
    address: server.address,
    setJobs: (jobs) => metrics.setJobs(jobs),
    blocked: (job) => held.block(job),
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

/** Slots that runs of earlier daemons hold, until their ends are proved. */
class HeldSlots implements Disposable {
  readonly #held: Map<JobName, { readonly runId: string; isBlocked: boolean }>;
  readonly #listening: Disposable;

  constructor(left: readonly RunRecord[], events: Events) {
    this.#held = new Map(left.map(({ job, id }) => [job, { runId: id, isBlocked: false }]));
    this.#listening = events.on('runEnded', ({ job, runId }) => {
      if (this.#held.get(job)?.runId === runId) this.#held.delete(job);
    });
  }

  of(job: JobName): { readonly isBlocked: boolean } | undefined {
    return this.#held.get(job);
  }

  block(job: JobName): void {
    const slot = this.#held.get(job);
    if (slot !== undefined) slot.isBlocked = true;
  }

  [Symbol.dispose](): void {
    this.#listening[Symbol.dispose]();
  }
}

function glanceAt({ state }: Scheduler, held: HeldSlots, name: JobName): JobGlance | undefined {
  const entry = state.find(name);
  if (entry === undefined) return undefined;
  return {
    nextTickAt: entry.isPaused ? undefined : entry.nextTickAt,
    isLive: entry.live !== undefined || held.of(name) !== undefined,
    isBlocked: entry.live?.state === 'blocked' || held.of(name)?.isBlocked === true,
    budgetMs: state.boundsOf(entry.job).budgetMs,
  };
}
