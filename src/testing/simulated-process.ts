/** One life of a simulated daemon: a real scheduler over the shared store, its runner, and how both end. */
import type { Job } from '../core/job.ts';
import type { RunRecord } from '../core/ledger.ts';
import type { Calendar } from '../core/ports.ts';
import type { EndWrite, Store } from '../core/store.ts';
import type { DurationMs } from '../core/time.ts';
import type { SchedulerEvent } from '../engine/events.ts';
import { recover } from '../engine/recovery.ts';
import { Scheduler } from '../engine/scheduler.ts';
import type { Facts } from './facts.ts';
import { LivenessJudge } from './liveness-judge.ts';
import type { Orphans } from './orphans.ts';
import { createProcessClock, type ProcessClock } from './process-clock.ts';
import type { Random } from './random.ts';
import type { RunJudge } from './run-judge.ts';
import type { ScriptedRunner } from './scripted-runner.ts';
import { INJECTED, type UnrulyStore } from './unruly-store.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** What lives longer than a process. */
export interface Surroundings {
  readonly clock: VirtualClock;
  readonly calendar: Calendar;
  readonly store: UnrulyStore;
  readonly facts: Facts;
  readonly judge: RunJudge;
  readonly runner: ScriptedRunner;
  readonly orphans: Orphans;
  readonly random: Random;
  /** How often the wall clock was stepped. */
  readonly steps: () => number;
}

/** So few that ranges come about in every downtime. */
const MOST_LISTED = 3;
/** The timer of a late checkpoint is the only one that a stopped scheduler may leave behind. */
const CHECKPOINT_MS: DurationMs = 50;

/** See the head of this file. */
export class SimulatedProcess {
  readonly scheduler: Scheduler;
  readonly liveness: LivenessJudge;
  /** Resolves when the process is over, whatever ended it. */
  readonly over: Promise<void>;
  #isOver = false;
  #tellOver: () => void = () => {};
  readonly #givingUp = new AbortController();
  #left: readonly RunRecord[] = [];
  #recovery: Promise<void> = Promise.resolve();
  readonly #around: Surroundings;
  readonly #clock: ProcessClock;
  readonly #store: Store;
  readonly #heldAtStart: number;
  readonly #stepsAtStart: number;
  readonly #ended = new Set<string>();

  constructor(around: Surroundings) {
    const { clock, calendar, store, facts, runner, random } = around;
    this.#around = around;
    this.over = new Promise((resolve) => (this.#tellOver = resolve));
    this.#heldAtStart = facts.heldMs;
    this.#stepsAtStart = around.steps();
    this.#clock = createProcessClock(clock);
    this.liveness = new LivenessJudge(facts);
    this.#store = store.asStore();
    this.scheduler = new Scheduler({
      clock: this.#clock,
      calendar,
      store: this.#store,
      runnerFor: () => runner,
      concurrency: facts.concurrency,
      mostListed: MOST_LISTED,
      random: () => random.next(),
    });
    this.scheduler.events.subscribe((event) => this.#heard(event));
  }

  /** Arms the jobs, each from where its ticks were decided last. @throws TickwiseError `STORE_UNUSABLE` when the store fails */
  async start(jobs: readonly Job[]): Promise<void> {
    const { facts } = this.#around;
    for (const job of jobs) facts.of(job.name).adopt(job, -Infinity);
    facts.draining = false;
    facts.history.note('start', jobs.length, 'jobs');
    this.#left = await this.#store.liveRuns();
    await this.scheduler.start(jobs);
    this.#recovery = recover(this.#left, {
      scheduler: this.scheduler,
      prover: this.#around.orphans.proverOn(this.#clock),
      clock: this.#clock,
      onUnproven: (run, why) => facts.history.note('unproven', run.id, run.job, why),
      signal: this.#givingUp.signal,
    });
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Resolves when what was found live at the start is written as lost. */
  async recovered(): Promise<void> {
    await this.#recovery;
  }

  /** Waits for something that the process does, and no longer than it lives. */
  whileAlive(work: Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      work.then(resolve, reject);
      this.over.then(resolve, reject);
    });
  }

  /** Drains, judges what is left, and ends the process. */
  async stop(graceMs: DurationMs, hurry: AbortSignal | undefined): Promise<void> {
    const { facts, runner } = this.#around;
    facts.draining = true;
    facts.history.note('stop', graceMs);
    this.#givingUp.abort();
    await this.#recovery;
    const unproven = await this.scheduler.stop(graceMs, hurry);
    if (this.#isOver) return;
    facts.history.note('stopped', unproven);
    for (const { runId, job } of runner.live()) {
      if (!unproven.includes(runId))
        facts.violate('proved dead', `the scheduler stopped and left run ${runId} of ${job.name} live, unsaid`);
      if (job.isolation !== 'inline')
        facts.violate('time-bounded', `the scheduler stopped before run ${runId} of ${job.name}, which force can end`);
    }
    for (const runId of unproven) {
      if (!runner.live().some((order) => order.runId === runId))
        facts.violate('proved dead', `run ${runId} is over, and was said to ignore its stop`);
    }
    if (this.liveness.pendingTriggers > 0)
      facts.violate('no stall', 'the scheduler stopped and left a trigger without an answer');
    const late = this.#clock.pendingMs().filter((ms) => ms > CHECKPOINT_MS);
    if (late.length > 0) facts.violate('no stall', `the scheduler stopped and left timers: ${late.join(', ')} ms`);
    if (unproven.length === 0 && facts.isCalm) {
      for (const [name, of] of facts.jobs) {
        const { granted } = of;
        if (granted !== undefined && !this.#left.some((run) => run.id === granted.runId))
          facts.violate('accounted', `the scheduler stopped and left the slot of ${name} to run ${granted.runId}`);
      }
    }
    this.end();
  }

  /** The process is gone, whatever it was doing. What it leaves live, its successor finds. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const { facts, orphans, runner, store } = this.#around;
    this.#clock.end();
    store.crash();
    this.liveness.forgetTriggers();
    facts.draining = true;
    for (const of of facts.jobs.values()) {
      of.inForce = false;
      if (of.granted !== undefined) of.checkpointUnknown = true;
    }
    orphans.leave(runner.live());
    runner.abandon();
    this.#tellOver();
  }

  /** Inline runs that ignore their stop ended with the last process; no other comes that would say so. */
  buryRest(): void {
    const { clock, facts, store } = this.#around;
    const ends: EndWrite[] = [];
    for (const [job, { granted }] of facts.jobs) {
      if (granted === undefined) continue;
      const { runId, fence, attempts } = granted;
      ends.push({ job, runId, fence, outcome: 'lost', endedAt: clock.now(), steps: 0, attempts });
    }
    store.write({ at: clock.now(), ends, checkpoints: [], spawns: [], promotions: [], claims: [] });
  }

  #heard(event: SchedulerEvent): void {
    const { facts, steps } = this.#around;
    switch (event.type) {
      case 'runEnded':
        if (this.#ended.has(event.runId))
          facts.violate('accounted', `the end of run ${event.runId} of ${event.job} was told twice`);
        this.#ended.add(event.runId);
        break;
      case 'storeFailed':
        facts.history.note('store failed', event.error.message);
        if (event.error.message !== INJECTED) facts.violate('one gate', `the store refused a turn: ${event.error.message}`);
        break;
      case 'storeRecovered':
        facts.history.note('store recovered');
        break;
      case 'loopStalled':
        if (facts.heldMs === this.#heldAtStart)
          facts.violate('no stall', `a stall of ${event.forMs} ms was told; the loop was never held`);
        break;
      case 'clockStepped':
        facts.history.note('step noticed', event.byMs);
        if (event.byMs < 0) for (const of of facts.jobs.values()) of.setBack(facts.clock.now());
        if (steps() === this.#stepsAtStart)
          facts.violate('clock', `a step of ${event.byMs} ms was told; the clock was never stepped`);
        break;
      case 'listenerFailed':
        facts.violate('events', String(event.error), event.error);
        break;
      default:
        break;
    }
  }
}
