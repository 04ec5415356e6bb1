/** A scheduler over a store in memory and a scripted runner, under a virtual clock, with everything that it told. */
import type { Job } from '../../src/core/job.ts';
import { JOB_DEFAULTS } from '../../src/core/job.ts';
import { TickwiseError } from '../../src/core/errors.ts';
import type { RunRecord, TickRecord } from '../../src/core/ledger.ts';
import type { LogWrite } from '../../src/core/log-line.ts';
import type { AttemptEnd, Calendar, RunOrder, Runner } from '../../src/core/ports.ts';
import type { Store, Turn, TurnResult } from '../../src/core/store.ts';
import { listTicks } from '../../src/core/tick-range.ts';
import type { EventMap, EventType, SchedulerEvent } from '../../src/engine/events.ts';
import { Scheduler } from '../../src/engine/scheduler.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { createCalendar } from '../../src/system/calendar.ts';
import type { AttemptScript } from '../../src/testing/script.ts';
import { createScriptedRunner } from '../../src/testing/scripted-runner.ts';
import { createVirtualClock, type VirtualClock } from '../../src/testing/virtual-clock.ts';

export const SECOND = 1_000;
export const MINUTE = 60_000;
export const HOUR = 3_600_000;
/** A whole hour, where the clocks of these tests start. */
export const START = 1_767_225_600_000;

/** A job each minute, in a worker, with a budget of 40 s and a grace of 1 s. */
export function jobOf(name: string, own: Partial<Job> = {}): Job {
  return {
    ...JOB_DEFAULTS,
    name,
    schedules: [{ kind: 'every', everyMs: MINUTE }],
    task: { kind: 'module', module: '/test', export: 'default' },
    budgetMs: 40 * SECOND,
    graceMs: SECOND,
    ...own,
  };
}

/** A run of one step. */
export function takes(takesMs: number): AttemptScript {
  return { steps: [{ takesMs }], stopDelayMs: 0, forceDelayMs: 0 };
}

export interface EngineOptions {
  readonly concurrency?: number;
  readonly script?: (order: RunOrder) => AttemptScript;
  readonly runner?: (clock: VirtualClock) => Runner;
  readonly store?: Store;
  readonly clock?: VirtualClock;
  readonly matches?: (job: Job) => boolean;
  readonly calendar?: Calendar;
}

export interface Engine {
  readonly clock: VirtualClock;
  readonly scheduler: Scheduler;
  readonly store: GatedStore;
  /** Every event, in order. */
  readonly told: SchedulerEvent[];
  /** Orders and ends of the attempts, in order. */
  readonly orders: RunOrder[];
  readonly ends: AttemptEnd[];
  /** Begins of steps: job, step, monotonic instant. */
  readonly steps: { readonly job: string; readonly step: number; readonly at: number }[];
  /** Attempts that are live now. */
  live(): readonly string[];
  of<Type extends EventType>(type: Type): EventMap[Type][];
  ticks(job: string): Promise<readonly TickRecord[]>;
  runs(job: string): Promise<readonly RunRecord[]>;
}

/** All ticks of a job, those in ranges too, newest first. */
export async function allTicks(store: Store, job: string): Promise<readonly TickRecord[]> {
  const query = { job, limit: 100_000 };
  return listTicks(await store.ticks(query), await store.ranges(query), createCalendar(), query);
}

/** Starts a scheduler with these jobs. */
export async function startEngine(jobs: readonly Job[], options: EngineOptions = {}): Promise<Engine> {
  const engine = makeEngine(options);
  await engine.clock.waitFor(engine.scheduler.start(jobs));
  return engine;
}

/** Makes a scheduler that is not started. */
export function makeEngine(options: EngineOptions = {}): Engine {
  const { concurrency = 16, script = () => takes(10 * SECOND), clock = createVirtualClock({ start: START }) } = options;
  const inner = options.store ?? memoryStore();
  const store = new GatedStore(inner);
  const told: SchedulerEvent[] = [];
  const orders: RunOrder[] = [];
  const ends: AttemptEnd[] = [];
  const steps: { job: string; step: number; at: number }[] = [];
  const scripted = createScriptedRunner(clock, script, {
    began: (order) => void orders.push(order),
    stepBegan: (order, step) => void steps.push({ job: order.job.name, step, at: clock.monotonic() }),
    stepEnded: () => {},
    ended: (_, end) => void ends.push(end),
  });
  const runner = options.runner?.(clock) ?? scripted;
  let dice = 0;
  const scheduler = new Scheduler({
    clock,
    calendar: options.calendar ?? createCalendar(),
    store,
    runnerFor: () => runner,
    concurrency,
    matches: options.matches,
    random: () => (dice = (dice + 0.137) % 1),
  });
  scheduler.events.subscribe((event) => void told.push(event));
  return {
    clock,
    scheduler,
    store,
    told,
    orders,
    ends,
    steps,
    live: () => scripted.live().map((order) => order.job.name),
    of: <Type extends EventType>(type: Type) => told.filter((event) => event.type === type) as unknown as EventMap[Type][],
    ticks: async (job) => (await inner.ticks({ job, limit: 1_000 })).toReversed(),
    runs: async (job) => (await inner.runs({ job, limit: 1_000 })).toReversed(),
  };
}

export function memoryStore(): Store {
  return createMemoryStore({ node: { id: 'n', host: 'h', bootId: 'b', pid: 1, pidStart: 1, startedAt: 0 } });
}

/** A store that can be held, so that its answers come when the test says, and that can fail. */
export class GatedStore implements Store {
  readonly durable = false;
  isFailing = false;
  readonly turns: Turn[] = [];
  readonly #inner: Store;
  #held: (() => void)[] | undefined;
  #holdsArm = false;

  constructor(inner: Store) {
    this.#inner = inner;
  }

  /** Answers to commits wait from now on, and to `arm` if asked for; what a commit writes is written at once. */
  hold(what: 'commits' | 'all' = 'commits'): void {
    this.#held = [];
    this.#holdsArm = what === 'all';
  }

  /** Gives the answers that wait, and holds no more. */
  letGo(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const answer of held) answer();
  }

  commit(turn: Turn): TurnResult | Promise<TurnResult> {
    this.turns.push(turn);
    if (this.isFailing) throw unusable();
    const result = this.#inner.commit(turn);
    return this.#held === undefined ? result : this.#gate().then(() => result);
  }

  settle(turn: Turn): ReturnType<NonNullable<Store['settle']>> {
    return this.#inner.settle?.(turn);
  }

  async arm(...args: Parameters<Store['arm']>): ReturnType<Store['arm']> {
    if (this.#holdsArm) await this.#gate();
    if (this.isFailing) throw unusable();
    return this.#inner.arm(...args);
  }

  async setPaused(...args: Parameters<Store['setPaused']>): Promise<void> {
    if (this.isFailing) throw unusable();
    return this.#inner.setPaused(...args);
  }

  appendLog(writes: readonly LogWrite[]): void | Promise<void> {
    if (this.isFailing) throw unusable();
    return this.#inner.appendLog(writes);
  }

  setCheckpoint: Store['setCheckpoint'] = (job, checkpoint) => this.#inner.setCheckpoint(job, checkpoint);
  slots: Store['slots'] = () => this.#inner.slots();
  runs: Store['runs'] = (query) => this.#inner.runs(query);
  findRuns: Store['findRuns'] = (part) => this.#inner.findRuns(part);
  ticks: Store['ticks'] = (query) => this.#inner.ticks(query);
  ranges: Store['ranges'] = (query) => this.#inner.ranges(query);
  checkpoint: Store['checkpoint'] = (job) => this.#inner.checkpoint(job);
  tallies: Store['tallies'] = (job) => this.#inner.tallies(job);
  liveRuns: Store['liveRuns'] = () => this.#inner.liveRuns();
  log: Store['log'] = (query) => this.#inner.log(query);
  enqueue: Store['enqueue'] = (drafts, at) => this.#inner.enqueue(drafts, at);
  dueMessages: Store['dueMessages'] = (now, limit) => this.#inner.dueMessages(now, limit);
  nextMessageAt: Store['nextMessageAt'] = () => this.#inner.nextMessageAt();
  settleMessage: Store['settleMessage'] = (id, delivery) => this.#inner.settleMessage(id, delivery);
  async [Symbol.asyncDispose](): Promise<void> {}

  #gate(): Promise<void> {
    const held = this.#held;
    return held === undefined ? Promise.resolve() : new Promise((resolve) => void held.push(resolve));
  }
}

function unusable(): TickwiseError {
  return new TickwiseError('STORE_UNUSABLE', 'this store fails, for the test asked it to');
}
