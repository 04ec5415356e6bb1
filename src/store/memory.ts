/**
 * The store that lives and dies with the process: for tests, the simulation, the library without a file, and as the
 * measure of what the engine itself costs. One commit is a plain synchronous function; nothing else can run in between, so a turn
 * is a transaction by nature. What SQLite keeps by constraints is kept here by shape: an entry has room for one live run only.
 */
import { TickwiseError } from '../core/errors.ts';
import { type Decision, decide, decideTrigger, type GateContext, type TriggerDecision } from '../core/gate.ts';
import type { Job, JobName } from '../core/job.ts';
import type { NodeIdentity } from '../core/ledger.ts';
import type { PlanMessages } from '../core/message.ts';
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
import type { Cause } from '../core/run.ts';
import type { SlotState } from '../core/slot.ts';
import type { Instant } from '../core/time.ts';
import { missedIn } from './happenings.ts';
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
  rewind,
} from './memory-entry.ts';
import { keepKey, recallKey } from './memory-keys.ts';
import { createMemoryLedger } from './memory-ledger.ts';
import { MemoryLog } from './memory-log.ts';
import { MemoryOutbox } from './memory-outbox.ts';
import { MemoryResources } from './memory-resources.ts';
import { MemoryRun } from './memory-run.ts';
import { busyError } from './set-checkpoint.ts';
import { tickOutcome } from './tick-outcome.ts';

const NO_BOOLEANS: readonly boolean[] = [];

/** How a store in memory is made. */
export interface MemoryOptions {
  /** Named by the live runs. */
  readonly node: NodeIdentity;
  /** Makes messages of what happens in a turn; absent: none are made. */
  readonly messages?: PlanMessages | undefined;
}

/**
 * A store in memory. Its commits are synchronous and not durable; its history holds, for each job, the newest
 * `history.maxRunsPerJob` runs and as many ticks.
 *
 * @param options node, and who makes messages
 * @returns an empty store
 * @throws never
 */
export function createMemoryStore(options: MemoryOptions): Store {
  const entries = new Map<JobName, Entry>();
  const log = new MemoryLog(entries);
  const outbox = new MemoryOutbox();
  const writer = new MemoryWriter({ entries, log, outbox, plan: options.messages });
  return {
    ...createMemoryLedger(entries, options.node, log),
    durable: false,
    arm: async (jobs, now) => writer.arm(jobs, now),
    commit: (turn) => writer.commit(turn),
    setPaused: async (job, paused) => writer.setPaused(job, paused),
    setCheckpoint: async (job, checkpoint) => writer.setCheckpoint(job, checkpoint),
    appendLog: (writes) => log.append(writes),
    enqueue: async (drafts, at) => outbox.add(drafts, at),
    dueMessages: async (now, limit) => outbox.due(now, limit),
    nextMessageAt: async () => outbox.nextAt(),
    settleMessage: async (id, delivery) => outbox.settle(id, delivery),
    async [Symbol.asyncDispose]() {},
  };
}

interface MemoryParts {
  readonly entries: Map<JobName, Entry>;
  readonly log: MemoryLog;
  readonly outbox: MemoryOutbox;
  readonly plan: PlanMessages | undefined;
}

class MemoryWriter {
  readonly #entries: Map<JobName, Entry>;
  readonly #log: MemoryLog;
  readonly #outbox: MemoryOutbox;
  readonly #plan: PlanMessages | undefined;
  readonly #resources = new MemoryResources();
  #entered = 0; // Runs are numbered as they enter the ledger.

  constructor({ entries, log, outbox, plan }: MemoryParts) {
    this.#entries = entries;
    this.#log = log;
    this.#outbox = outbox;
    this.#plan = plan;
  }

  arm(jobs: readonly Job[], now: Instant): readonly SlotState[] {
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
    const ended = turn.ends.length === 0 ? NO_BOOLEANS : turn.ends.map((end) => this.#end(end, at));
    const saved = turn.checkpoints.length === 0 ? NO_BOOLEANS : turn.checkpoints.map((write) => this.#save(write));
    for (const write of turn.spawns) this.#keepProcess(write);
    for (const job of turn.promotions) this.#promote(job, at, grants);
    const decisions = turn.claims.map((claim) =>
      claim.kind === 'trigger' ? this.#claimTrigger(claim, at, grants) : this.#claimTicks(claim, at, grants),
    );
    return { ended, saved, grants, decisions };
  }

  setPaused(job: JobName, paused: boolean): void {
    const entry = this.#entries.get(job);
    if (entry === undefined) throw new TickwiseError('JOB_NOT_FOUND', `no job is called ${job}`);
    entry.paused = paused;
  }

  setCheckpoint(job: JobName, checkpoint: string | null): void {
    const entry = this.#entries.get(job);
    if (entry === undefined) throw new TickwiseError('JOB_NOT_FOUND', `no job is called ${job}`);
    if (entry.live !== undefined) throw busyError(job, entry.live.runId);
    entry.checkpoint = checkpoint ?? undefined;
    entry.checkpointOf = undefined;
  }

  #end(end: EndWrite, at: Instant): boolean {
    const entry = this.#entries.get(end.job);
    if (entry === undefined) return false;
    const previous = entry.lastOutcome;
    const run = endRun(entry, end, this.#log);
    if (run === undefined) return false;
    this.#resources.free(run);
    if (this.#plan !== undefined && end.fence !== undefined) this.#outbox.add(this.#plan({ kind: 'ended', end, previous }), at);
    return true;
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
    const { job, context, runId, idempotency } = claim;
    const entry = this.#entryOf(job);
    const known = idempotency === undefined ? undefined : recallKey(entry, idempotency, at);
    if (known !== undefined) return [known];
    const ownInput = claim.input !== undefined || claim.budgetMs !== undefined;
    const decisions = decideTrigger(job, runId, ownInput, entry, this.#seen(job, context));
    for (const made of decisions) {
      if (made.kind !== 'start' && made.kind !== 'queue') continue;
      const run = this.#enter(job, runId, claim.at, 'trigger', at);
      run.by = claim.by;
      run.input = claim.input;
      run.budgetMs = claim.budgetMs;
      if (made.kind === 'start') this.#grant(entry, job, run, at, grants);
      else enqueue(entry, run);
    }
    if (idempotency !== undefined) keepKey(entry, idempotency, decisions, at);
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
      const run = this.#enter(job, made.runId, made.tick, made.cause, at);
      if (made.kind === 'start') this.#grant(entry, job, run, at, grants);
      else enqueue(entry, run);
    }
    entry.decidedUntil = Math.max(entry.decidedUntil, dueTicks.at(-1) ?? entry.decidedUntil);
    if (this.#plan !== undefined)
      for (const missed of missedIn(job.name, decisions, at)) this.#outbox.add(this.#plan(missed), at);
    return decisions;
  }

  #enter(job: Job, runId: string, tick: Instant, cause: Cause, at: Instant): MemoryRun {
    const run = new MemoryRun(runId, tick, cause, at, job.history.maxRunsPerJob, ++this.#entered);
    this.#log.entered(run);
    return run;
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
}
