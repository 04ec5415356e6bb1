/**
 * Wiring: the only place where the rooms meet. Parts start in order and stop in reverse. Used by `tickwise run` and by the
 * library's `createScheduler` alike, so both keep the same promise.
 */
import type { Config, StoreConfig } from './config/config.ts';
import { redactJson } from './config/redact.ts';
import { TickwiseError } from './core/errors.ts';
import type { Job } from './core/job.ts';
import type { NodeIdentity } from './core/ledger.ts';
import type { PlanMessages } from './core/message.ts';
import { makePlanMessages } from './core/plan-messages.ts';
import type { Calendar, Clock, Runner, RunOrder } from './core/ports.ts';
import type { Store } from './core/store.ts';
import type { TaskLog } from './core/task.ts';
import type { DoorParts, Doors } from './doors.ts';
import { Definitions } from './definitions.ts';
import { Events } from './engine/events.ts';
import { narrate } from './engine/narrate.ts';
import { recover } from './engine/recovery.ts';
import { Scheduler } from './engine/scheduler.ts';
import { createCommandRunner } from './runner/command.ts';
import { createHttpRunner } from './runner/http.ts';
import { createInlineRunner } from './runner/inline.ts';
import { findTimeout } from './runner/launcher.ts';
import { LeftRuns } from './runner/left-runs.ts';
import { importTask } from './runner/module.ts';
import { createProcessRunner } from './runner/process.ts';
import { createProcessTrees, type ProcessTrees } from './runner/process-tree.ts';
import { createWorkerRunner } from './runner/worker.ts';
import { isNodeAlive, readIdentity } from './system/identity.ts';
import { createTelemetry } from './system/telemetry.ts';
import { readVersion } from './system/version.ts';
import { startTelling } from './telling.ts';

/** What a daemon is told beside its configuration. */
export interface DaemonOptions {
  readonly clock: Clock;
  readonly calendar: Calendar;
  /** The daemon's own environment; children see `PATH`, `HOME`, `LANG`, `TZ` of it. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** With whoever listens already; absent: nobody. */
  readonly events?: Events | undefined;
  /** Is told, in lines, whatever `events` tell. */
  readonly log?: TaskLog | undefined;
  /** What must not go out, at any time; those of the configuration unless given. */
  readonly secrets?: (() => readonly string[]) | undefined;
}

/** A daemon that runs. */
export interface Daemon {
  readonly scheduler: Scheduler;
  readonly node: NodeIdentity;
  /** How the end of processes is proved on this machine. */
  readonly proof: ProcessTrees['kind'];
  /** Where the API listens, for people; `undefined`: nowhere. */
  readonly address: string | undefined;
  /**
   * Puts other definitions in force. Nothing is started or ended.
   *
   * @throws TickwiseError `STORE_UNUSABLE`, with the old definitions still in force
   */
  reload(jobs: readonly Job[]): Promise<void>;
  /**
   * Drains, stops, proves, closes the ledger. Repeating it waits for the first call.
   *
   * @param hurry aborted: use force at once
   * @returns ids of inline runs that only the end of the process ends
   */
  stop(hurry?: AbortSignal): Promise<readonly string[]>;
}

/**
 * Starts a daemon: opens the store, proves what an earlier daemon left behind to be dead, and arms the jobs.
 *
 * @param config a loaded configuration
 * @param options clocks, environment, listeners
 * @returns the running daemon
 * @throws TickwiseError `STORE_LOCKED`, `STORE_UNUSABLE`, `STORE_UNSUPPORTED`, `LISTEN_FAILED`, with nothing left open
 */
export async function startDaemon(config: Config, options: DaemonOptions): Promise<Daemon> {
  const { clock, calendar, env, events = new Events(), log = SILENT, secrets = () => config.secrets } = options;
  const redact = (text: string): string => redactJson(text, secrets());
  await using opening = new AsyncDisposableStack();
  if (options.log !== undefined) opening.use(narrate(events, log));
  const node = readIdentity(clock.now());
  const version = readVersion();
  const definitions = new Definitions(config.jobs);
  const messages = makePlanMessages((name) => definitions.of(name), redact);
  const store = opening.use(await openStore(config.store, node, messages));
  const runners = opening.use(new Runners(config.concurrency, options, node));
  const scheduler = new Scheduler({
    clock,
    calendar,
    store,
    runnerFor: (job) => runners.for(job),
    concurrency: config.concurrency,
    matches: (job) => matches(job, config.labels),
    random: Math.random,
    events,
  });
  opening.use(createTelemetry({ events, clock, version }));
  const isPaused = (job: string): boolean => scheduler.inspect(job)?.isPaused ?? false;
  const telling = opening.use(await startTelling({ store, definitions, isPaused, events, clock, calendar, env, log, redact }));
  const left = await store.liveRuns();
  const doors = opening.use(
    await openDoors(config, { scheduler, store, left, events, clock, calendar, node, version, log, redact }),
  );
  await scheduler.start(config.jobs);
  const givingUp = new AbortController();
  const recovery = recover(left, {
    scheduler,
    clock,
    prover: new LeftRuns(() => runners.trees, isNodeAlive),
    onUnproven(run, what) {
      log.error(UNPROVEN, { job: run.job, runId: run.id, what });
      telling.blocked({ job: run.job, runId: run.id, tick: run.tick, what });
      doors?.blocked(run.job);
    },
    signal: givingUp.signal,
  });
  const parts = opening.move();
  let stopping: Promise<readonly string[]> | undefined;
  const stop = async (hurry?: AbortSignal): Promise<readonly string[]> => {
    givingUp.abort();
    await recovery;
    const unproven = await scheduler.stop(config.shutdownGraceMs, hurry);
    await parts.disposeAsync();
    return unproven;
  };
  return {
    scheduler,
    node,
    address: doors?.address,
    get proof() {
      return runners.trees.kind;
    },
    async reload(next) {
      await scheduler.reload(next);
      definitions.set(next);
      doors?.setJobs(next);
      // The definitions are in force, whatever the outbox says.
      await telling
        .renew()
        .catch((error: unknown) => log.error('nobody new is told until the next reload', { error: String(error) }));
    },
    stop: (hurry) => (stopping ??= stop(hurry)),
  };
}

const SILENT: TaskLog = { debug() {}, info() {}, warn() {}, error() {} };

const UNPROVEN = 'a run of an earlier daemon is blocked: its end is not proved, so its slot stays taken';

/** Stores are loaded when they are used: a daemon without PostgreSQL never reads a line of its driver. */
async function openStore(store: StoreConfig, node: NodeIdentity, messages: PlanMessages): Promise<Store> {
  switch (store.kind) {
    case 'memory':
      return (await import('./store/memory.ts')).createMemoryStore({ node, messages });
    case 'sqlite':
      return (await import('./store/sqlite.ts')).openSqliteStore({ path: store.path, node, messages });
    case 'postgres':
      throw new TickwiseError(
        'STORE_UNSUPPORTED',
        'store: this version keeps its ledger in SQLite or in memory; use "sqlite:PATH" or "memory:"',
      );
    default:
      return store satisfies never;
  }
}

/**
 * The API is loaded when it is used: a scheduler within a program that asks for none never reads a line of it. A second daemon of a
 * machine finds the port taken that nobody has chosen; it goes without an API and says so. An address that was written is insisted on.
 */
async function openDoors(config: Config, parts: Omit<DoorParts, 'config'>): Promise<Doors | undefined> {
  const { listen } = config;
  if (listen === false) return undefined;
  const doors = await import('./doors.ts');
  try {
    return await doors.openDoors(listen, { config, ...parts });
  } catch (error) {
    const mayDoWithout = listen.kind === 'tcp' && listen.isDefault === true;
    if (!mayDoWithout || !(error instanceof TickwiseError) || error.code !== 'LISTEN_FAILED') throw error;
    parts.log.warn(`no API: ${error.message}, or "listen": false`);
    return undefined;
  }
}

/** The runners, each made when the first run needs it. */
class Runners implements AsyncDisposable {
  readonly #make: Readonly<Record<RunnerKind, () => Runner>>;
  readonly #made = new Map<RunnerKind, Runner>();
  #trees: ProcessTrees | undefined;

  constructor(concurrency: number, { clock, env }: DaemonOptions, node: NodeIdentity) {
    this.#make = {
      inline: () => createInlineRunner(clock, findTask),
      worker: () => createWorkerRunner({ clock, concurrency }),
      process: () => createProcessRunner({ clock, concurrency, trees: this.trees, nodeId: node.id }),
      command: () => createCommandRunner({ clock, trees: this.trees, baseEnv: env, timeout: findTimeout(env['PATH']) }),
      http: () => createHttpRunner({ clock }),
    };
  }

  /** Trying for the strongest proof costs a short-lived process, so it waits for the first run that needs it. */
  get trees(): ProcessTrees {
    this.#trees ??= createProcessTrees();
    return this.#trees;
  }

  for(job: Job): Runner {
    const kind = kindOf(job);
    let runner = this.#made.get(kind);
    if (runner === undefined) this.#made.set(kind, (runner = this.#make[kind]()));
    return runner;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#made.values()].map((runner) => runner[Symbol.asyncDispose]()));
    await this.#trees?.[Symbol.asyncDispose]();
  }
}

type RunnerKind = 'inline' | 'worker' | 'process' | 'command' | 'http';

function kindOf(job: Job): RunnerKind {
  switch (job.task.kind) {
    case 'module':
      return job.isolation;
    case 'function':
      return 'inline';
    case 'command':
    case 'shell':
      return 'command';
    case 'http':
      return 'http';
    default:
      return job.task satisfies never;
  }
}

function findTask({ job }: RunOrder): unknown {
  if (job.task.kind === 'function') return job.task.target;
  if (job.task.kind === 'module') return importTask(job.task.module, job.task.export, job.name);
  throw new Error(`a task of kind ${job.task.kind} does not run inline`);
}

function matches(job: Job, labels: Readonly<Record<string, string>>): boolean {
  return Object.entries(job.nodeSelector ?? {}).every(([name, value]) => labels[name] === value);
}
