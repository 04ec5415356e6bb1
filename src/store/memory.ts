/**
 * The store that lives and dies with the process: for tests, the simulation, the library without a file, and as the
 * measure of what the engine itself costs. One commit is a plain synchronous function; nothing else can run in between, so a turn
 * is a transaction by nature. What SQLite keeps by constraints is kept here by shape: an entry has room for one live run only.
 */
import { TickwiseError } from '../core/errors.ts';
import { type Decision, decide, decideTrigger, type GateContext, type TriggerDecision } from '../core/gate.ts';
import type { Job, JobName } from '../core/job.ts';
import type { NodeIdentity, RangeRecord, RunQuery, RunRecord, Tally, TickQuery, TickRecord } from '../core/ledger.ts';
import type {
  CheckpointWrite,
  EndWrite,
  Grant,
  SpawnWrite,
  Store,
  TickClaim,
  TriggerClaim,
  Turn,
  TurnResult,
} from '../core/store.ts';
import type { SlotState } from '../core/slot.ts';
import type { Instant } from '../core/time.ts';
import {
  endRun,
  type Entry,
  enqueue,
  keepRange,
  keepTick,
  keepProcess,
  newEntry,
  saveRun,
  slotState,
  pageOfRuns,
  rangesOf,
  rewind,
  runsNewestFirst,
  tallyOf,
  ticksOf,
} from './memory-entry.ts';
import { MemoryResources } from './memory-resources.ts';
import { MemoryRun } from './memory-run.ts';
import { busyError } from './set-checkpoint.ts';
import { tickOutcome } from './tick-outcome.ts';

const NO_BOOLEANS: readonly boolean[] = [];
const MOST_FOUND = 10;

/**
 * A store in memory. Its commits are synchronous and not durable; its history holds, for each job, the newest
 * `history.maxRunsPerJob` runs and as many ticks.
 *
 * @param options `node`: named by the live runs
 * @returns an empty store
 * @throws never
 */
export function createMemoryStore(options: { readonly node: NodeIdentity }): Store {
  return new MemoryStore(options.node);
}

class MemoryStore implements Store {
  readonly durable = false;
  readonly #node: NodeIdentity;
  readonly #entries = new Map<JobName, Entry>();
  readonly #resources = new MemoryResources();
  #entered = 0; // Runs are numbered as they enter the ledger.

  constructor(node: NodeIdentity) {
    this.#node = node;
  }

  async arm(jobs: readonly Job[], now: Instant): Promise<readonly SlotState[]> {
    return jobs.map((job) => {
      let entry = this.#entries.get(job.name);
      if (entry === undefined) {
        entry = newEntry(job.name, now);
        this.#entries.set(job.name, entry);
      }
      return slotState(entry);
    });
  }

  commit(turn: Turn): TurnResult {
    const { at } = turn;
    // Nothing below throws, so a turn is kept whole or, here, not at all.
    for (const job of turn.promotions) this.#entryOf(job);
    for (const { job } of turn.claims) this.#entryOf(job);
    const grants: Grant[] = [];
    const ended = turn.ends.length === 0 ? NO_BOOLEANS : turn.ends.map((end) => this.#end(end));
    const saved = turn.checkpoints.length === 0 ? NO_BOOLEANS : turn.checkpoints.map((write) => this.#save(write));
    for (const write of turn.spawns) this.#keepProcess(write);
    for (const job of turn.promotions) this.#promote(job, at, grants);
    const decisions = turn.claims.map((claim) =>
      claim.kind === 'trigger' ? this.#claimTrigger(claim, at, grants) : this.#claimTicks(claim, at, grants),
    );
    return { ended, saved, grants, decisions };
  }

  async setPaused(job: JobName, paused: boolean): Promise<void> {
    const entry = this.#entries.get(job);
    if (entry === undefined) throw new TickwiseError('JOB_NOT_FOUND', `no job is called ${job}`);
    entry.paused = paused;
  }

  async setCheckpoint(job: JobName, checkpoint: string | null): Promise<void> {
    const entry = this.#entries.get(job);
    if (entry === undefined) throw new TickwiseError('JOB_NOT_FOUND', `no job is called ${job}`);
    if (entry.live !== undefined) throw busyError(job, entry.live.runId);
    entry.checkpoint = checkpoint ?? undefined;
    entry.checkpointOf = undefined;
  }

  async slots(): Promise<readonly SlotState[]> {
    return [...this.#entries.values()].map(slotState).sort((a, b) => (a.job < b.job ? -1 : 1));
  }

  async liveRuns(): Promise<readonly RunRecord[]> {
    const live: RunRecord[] = [];
    for (const entry of this.#entries.values()) if (entry.live !== undefined) live.push(this.#record(entry, entry.live));
    return live.sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  async runs(query: RunQuery): Promise<readonly RunRecord[]> {
    return pageOfRuns(this.#runsNewestFirst(query.job), query).map(([entry, run]) => this.#record(entry, run));
  }

  async findRuns(idOrPart: string): Promise<readonly RunRecord[]> {
    const pairs = this.#runsNewestFirst(undefined);
    const exact = pairs.filter(([, run]) => run.runId === idOrPart);
    const found = exact.length > 0 ? exact : pairs.filter(([, run]) => run.runId.includes(idOrPart));
    return found.slice(0, MOST_FOUND).map(([entry, run]) => this.#record(entry, run));
  }

  async ticks(query: TickQuery): Promise<readonly TickRecord[]> {
    return ticksOf(this.#entries.get(query.job), query);
  }

  async ranges(query: TickQuery): Promise<readonly RangeRecord[]> {
    return rangesOf(this.#entries.get(query.job), query);
  }

  async checkpoint(job: JobName): Promise<string | undefined> {
    return this.#entries.get(job)?.checkpoint;
  }

  async tallies(job?: JobName): Promise<readonly Tally[]> {
    const entries = [...this.#entries.values()].filter((entry) => job === undefined || entry.job === job);
    return entries.map(tallyOf).sort((a, b) => (a.job < b.job ? -1 : 1));
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #end(end: EndWrite): boolean {
    const entry = this.#entries.get(end.job);
    const run = entry === undefined ? undefined : endRun(entry, end);
    if (run !== undefined) this.#resources.free(run);
    return run !== undefined;
  }

  #save(write: CheckpointWrite): boolean {
    const entry = this.#entries.get(write.job);
    return entry !== undefined && saveRun(entry, write);
  }

  #keepProcess(write: SpawnWrite): void {
    const entry = this.#entries.get(write.job);
    if (entry !== undefined) keepProcess(entry, write);
  }

  #promote(job: Job, at: Instant, grants: Grant[]): void {
    const entry = this.#entryOf(job);
    const oldest = entry.queued[0];
    if (oldest === undefined || entry.live !== undefined || this.#isHeld(job)) return;
    entry.queued = entry.queued.slice(1);
    this.#grant(entry, job, oldest, at, grants);
  }

  #claimTrigger(claim: TriggerClaim, at: Instant, grants: Grant[]): readonly TriggerDecision[] {
    const { job, context, runId } = claim;
    const entry = this.#entryOf(job);
    const ownInput = claim.input !== undefined || claim.budgetMs !== undefined;
    const decisions = decideTrigger(job, runId, ownInput, entry, this.#seen(job, context));
    for (const made of decisions) {
      if (made.kind !== 'start' && made.kind !== 'queue') continue;
      const run = new MemoryRun(runId, claim.at, 'trigger', at, job.history.maxRunsPerJob, ++this.#entered);
      run.by = claim.by;
      run.input = claim.input;
      run.budgetMs = claim.budgetMs;
      if (made.kind === 'start') this.#grant(entry, job, run, at, grants);
      else enqueue(entry, run);
    }
    return decisions;
  }

  #claimTicks(claim: TickClaim, at: Instant, grants: Grant[]): readonly Decision[] {
    const { job, context, gap, dueTicks } = claim;
    const entry = this.#entryOf(job);
    rewind(entry, claim);
    const decisions = decide(job, dueTicks, entry, this.#seen(job, context), gap);
    for (const made of decisions) {
      if (made.kind === 'range') keepRange(entry, made, claim, at);
      if (made.kind === 'stop' || made.kind === 'range') continue;
      keepTick(entry, { job: job.name, tick: made.tick, ...tickOutcome(made), decidedAt: at }, job.history.maxRunsPerJob);
      if (made.kind !== 'start' && made.kind !== 'queue') continue;
      const run = new MemoryRun(made.runId, made.tick, made.cause, at, job.history.maxRunsPerJob, ++this.#entered);
      if (made.kind === 'start') this.#grant(entry, job, run, at, grants);
      else enqueue(entry, run);
    }
    entry.decidedUntil = Math.max(entry.decidedUntil, dueTicks.at(-1) ?? entry.decidedUntil);
    return decisions;
  }

  /** The one place that fills a slot. */
  #grant(entry: Entry, job: Job, run: MemoryRun, at: Instant, grants: Grant[]): void {
    if (entry.live !== undefined) throw new Error(`job ${job.name}: a second run was granted while ${entry.live.runId} is live`);
    entry.live = run;
    run.fence = ++entry.fence;
    run.grantedAt = at;
    this.#resources.take(job.exclusive, run);
    grants.push({
      job: entry.job,
      runId: run.runId,
      fence: run.fence,
      tick: run.tick,
      cause: run.cause,
      checkpoint: entry.checkpoint,
      input: run.input,
      budgetMs: run.budgetMs,
    });
  }

  /** The gate's context, with what the store alone knows. */
  #seen(job: Job, context: GateContext): GateContext {
    const exclusiveHeld = this.#isHeld(job);
    return exclusiveHeld === context.exclusiveHeld ? context : { ...context, exclusiveHeld };
  }

  #isHeld(job: Job): boolean {
    return job.exclusive.length > 0 && this.#resources.areHeld(job.exclusive, this.#entries.get(job.name)?.live);
  }

  #entryOf(job: Job): Entry {
    const entry = this.#entries.get(job.name);
    if (entry === undefined) throw new Error(`job ${job.name} was claimed before it was armed`);
    return entry;
  }

  #runsNewestFirst(job: JobName | undefined): [Entry, MemoryRun][] {
    return runsNewestFirst(job === undefined ? this.#entries.values() : [this.#entries.get(job)], job !== undefined);
  }

  #record(entry: Entry, run: MemoryRun): RunRecord {
    return run.record(entry.job, this.#node, entry.checkpointOf === run.runId ? entry.checkpoint : undefined);
  }
}
