/** What waits for the next turn, and the making of that turn. Bounded: one due entry a job, one end and checkpoint a live run. */
import type { GateContext } from '../core/gate.ts';
import type { Job } from '../core/job.ts';
import type { Calendar, Clock } from '../core/ports.ts';
import type { CheckpointWrite, Claim, EndWrite, Idempotency, SpawnWrite, Turn } from '../core/store.ts';
import type { DurationMs, Instant } from '../core/time.ts';
import { dueTicksOf } from './due-ticks.ts';
import type { JobEntry } from './job-entry.ts';
import type { LiveRun } from './live-run.ts';
import { STOPPED, type TriggerResult } from './trigger.ts';

/** Jobs whose ticks are decided in one turn: keeps a turn of 10,000 due jobs from holding the event loop. */
const MOST_DUE_A_TURN = 256;
/** Ticks that are listed in one turn; each is a row to be written. A job more may exceed it by its own. */
const MOST_TICKS_A_TURN = 4_000;
/** What a gap costs, in ticks that are listed: it takes about a hundred questions to the calendar. */
const COST_OF_GAP = 100;
/** Triggers that may wait, e.g. while the store fails. */
const MOST_TRIGGERS = 10_000;

/** A trigger that waits for its decision. */
export interface PendingTrigger {
  readonly entry: JobEntry;
  readonly runId: string;
  readonly at: Instant;
  readonly by: string;
  readonly input: string | undefined;
  readonly budgetMs: DurationMs | undefined;
  readonly idempotency: Idempotency | undefined;
  readonly resolve: (result: TriggerResult) => void;
}

/** A process that waits for the word. */
export interface PendingSpawn {
  readonly write: SpawnWrite;
  readonly resolve: () => void;
}

/** A turn, and where its parts came from. */
export interface BuiltTurn extends Turn {
  readonly runs: readonly LiveRun[];
  readonly dueEntries: readonly JobEntry[];
  readonly nextTicks: readonly (Instant | undefined)[];
  readonly triggers: readonly PendingTrigger[];
  readonly pendingSpawns: readonly PendingSpawn[];
}

/** The one place where turns are put together. */
export class Inbox {
  readonly #clock: Clock;
  readonly #calendar: Calendar;
  readonly #mostListed: number | undefined;
  #ends: EndWrite[] = [];
  #stepped = new Set<LiveRun>();
  #promotions = new Set<JobEntry>();
  readonly #due = new Set<JobEntry>();
  #triggers: PendingTrigger[] = [];
  #spawns: PendingSpawn[] = [];

  /** @param mostListed due ticks of a job; more become a range */
  constructor(clock: Clock, calendar: Calendar, mostListed: number | undefined) {
    this.#clock = clock;
    this.#calendar = calendar;
    this.#mostListed = mostListed;
  }

  end(write: EndWrite): void {
    this.#ends.push(write);
  }

  stepped(run: LiveRun): void {
    this.#stepped.add(run);
  }

  spawned(spawn: PendingSpawn): void {
    this.#spawns.push(spawn);
  }

  promote(entry: JobEntry): void {
    this.#promotions.add(entry);
  }

  due(entry: JobEntry): void {
    this.#due.add(entry);
  }

  /** @returns `false` when too many wait already */
  trigger(pending: PendingTrigger): boolean {
    if (this.#triggers.length >= MOST_TRIGGERS) return false;
    this.#triggers.push(pending);
    return true;
  }

  /** Ticks wait to be decided. */
  get hasDue(): boolean {
    return this.#due.size > 0;
  }

  /** Whether anything that waits needs this entry. */
  awaits(entry: JobEntry): boolean {
    return this.#due.has(entry) || this.#promotions.has(entry) || this.#triggers.some((trigger) => trigger.entry === entry);
  }

  /** Nothing is written any more: whoever waits for a trigger is told so. */
  refuseTriggers(): void {
    for (const { resolve } of this.#triggers.splice(0)) resolve(STOPPED);
  }

  /**
   * Puts the next turn together.
   *
   * @param contextFor what the gate is told about a job
   * @param liveSince ticks after it are on time, and go first
   * @param mayPromote whether a job's queued runs may start now; whoever changes that asks for the promotion again
   * @returns `undefined` when nothing waits
   */
  build(
    contextFor: (entry: JobEntry, now: Instant) => GateContext,
    liveSince: Instant,
    mayPromote: (entry: JobEntry) => boolean,
  ): BuiltTurn | undefined {
    if (this.#isEmpty()) return undefined;
    const at = this.#clock.now();
    const ends = this.#ends;
    const runs = this.#takeStepped(ends);
    const promotions = this.#takePromotions(mayPromote);
    const dueEntries: JobEntry[] = [];
    const nextTicks: (Instant | undefined)[] = [];
    const claims: Claim[] = [];
    let listed = 0;
    for (const entry of this.#sortedDue(liveSince)) {
      if (claims.length >= MOST_DUE_A_TURN || listed >= MOST_TICKS_A_TURN) break;
      this.#due.delete(entry);
      const { gap, ticks, nextTickAt } = dueTicksOf(entry, this.#calendar, at, this.#mostListed);
      listed += ticks.length + (gap === undefined ? 0 : COST_OF_GAP);
      dueEntries.push(entry);
      entry.claimedAs = entry.job;
      nextTicks.push(nextTickAt);
      const context = contextFor(entry, at);
      // Whatever kept the scheduler from deciding so many ticks: nobody could have started them, so `onMissed` has the word.
      const missed = gap === undefined ? context : { ...context, liveSince: at };
      const { job, horizons, rewind } = entry;
      claims.push({ kind: 'ticks', job, gap, dueTicks: ticks, horizons, rewind, context: missed });
    }
    const triggers = this.#triggers;
    for (const { entry, resolve: _, ...trigger } of triggers) {
      entry.claimedAs = entry.job;
      claims.push({ kind: 'trigger', job: entry.job, ...trigger, context: contextFor(entry, at) });
    }
    const pendingSpawns = this.#spawns;
    this.#ends = [];
    this.#triggers = [];
    this.#spawns = [];
    return {
      at,
      ends,
      checkpoints: runs.map(checkpointOf),
      spawns: pendingSpawns.map(({ write }) => write),
      promotions,
      claims,
      runs,
      dueEntries,
      nextTicks,
      triggers,
      pendingSpawns,
    };
  }

  /** Puts a turn back of which nothing was applied. */
  restore(turn: BuiltTurn, entryOf: (job: Job) => JobEntry | undefined): void {
    this.#ends = [...turn.ends, ...this.#ends];
    for (const run of turn.runs) this.#stepped.add(run);
    for (const job of turn.promotions) {
      const entry = entryOf(job);
      if (entry !== undefined) this.#promotions.add(entry);
    }
    for (const entry of turn.dueEntries) this.#due.add(entry);
    this.#triggers = [...turn.triggers, ...this.#triggers];
    this.#spawns = [...turn.pendingSpawns, ...this.#spawns];
  }

  #isEmpty(): boolean {
    const waiting = this.#ends.length + this.#triggers.length + this.#spawns.length;
    return waiting + this.#stepped.size + this.#promotions.size + this.#due.size === 0;
  }

  /** The end of a run carries its checkpoint, so a run that ends in this turn needs no other write. */
  #takeStepped(ends: readonly EndWrite[]): LiveRun[] {
    if (this.#stepped.size === 0) return [];
    const ending = new Set(ends.map((end) => end.runId));
    const runs = [...this.#stepped].filter((run) => !ending.has(run.grant.runId));
    this.#stepped = new Set();
    return runs;
  }

  #takePromotions(mayPromote: (entry: JobEntry) => boolean): Job[] {
    if (this.#promotions.size === 0) return [];
    const jobs = [...this.#promotions]
      .filter(mayPromote)
      .map((entry) => (entry.claimedAs = entry.job))
      .toSorted((a, b) => b.priority - a.priority);
    this.#promotions = new Set();
    return jobs;
  }

  /** Jobs that catch up come behind those whose ticks are on time. */
  #sortedDue(liveSince: Instant): JobEntry[] {
    if (this.#due.size === 0) return [];
    const isLate = (entry: JobEntry): number => Number((entry.nextTickAt ?? 0) <= liveSince);
    return [...this.#due].toSorted((a, b) => isLate(a) - isLate(b) || byPriorityThenTick(a, b));
  }
}

function byPriorityThenTick(a: JobEntry, b: JobEntry): number {
  return b.job.priority - a.job.priority || (a.nextTickAt ?? 0) - (b.nextTickAt ?? 0);
}

function checkpointOf(run: LiveRun): CheckpointWrite {
  const { job, runId, fence } = run.grant;
  const checkpoint = run.checkpoint === run.savedCheckpoint ? undefined : run.checkpoint;
  if (checkpoint !== undefined) run.isCheckpointInDoubt = true;
  return { job, runId, fence, checkpoint, progress: run.progress, steps: run.steps };
}
