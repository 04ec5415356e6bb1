/**
 * One turn of the scheduler in SQLite: a few short statements between `begin` and `commit`. Everything is read inside the transaction,
 * handed to the gate, and what the gate decides is written before the next claim is read. Nothing about a job is kept between turns.
 */
import type { DatabaseSync } from 'node:sqlite';
import {
  type Decision,
  decide,
  decideTrigger,
  type RangeDecision,
  type TickDecision,
  type TriggerDecision,
} from '../core/gate.ts';
import type { Job } from '../core/job.ts';
import type { CheckpointWrite, Grant, TickClaim, TriggerClaim, Turn, TurnResult } from '../core/store.ts';
import type { PlanMessages } from '../core/message.ts';
import type { Rewind } from '../core/reliving.ts';
import type { Cause } from '../core/run.ts';
import type { DurationMs, Instant } from '../core/time.ts';
import type { Definitions } from './definitions.ts';
import { missedIn } from './happenings.ts';
import type { TriggerKeys } from './trigger-keys.ts';
import { type OpenSlot, openSlot } from './open-slot.ts';
import type { SqliteOutbox } from './outbox.ts';
import type { Pruner } from './prune.ts';
import { json, RunEnds } from './run-ends.ts';
import { tickOutcome } from './tick-outcome.ts';
import { get, prepareTurn, type TurnStatements } from './turn-statements.ts';

/** What a run brings along when it enters the ledger. */
interface Entry {
  readonly runId: string;
  readonly tick: Instant;
  readonly cause: Cause;
  readonly by?: string;
  readonly input?: string | undefined;
  readonly budgetMs?: DurationMs | undefined;
}

/** What turns are carried out with. */
export interface TurnWriterParts {
  /** Of the current version. */
  readonly db: DatabaseSync;
  /** This node's row in `nodes`. */
  readonly node: number;
  /** Paid for what each turn writes. */
  readonly pruner: Pruner;
  /** Told by which schedules ticks fell due. */
  readonly definitions: Definitions;
  readonly keys: TriggerKeys;
  readonly outbox: SqliteOutbox;
  /** Makes messages of what happens; absent: none are made. */
  readonly plan: PlanMessages | undefined;
}

/** Carries out turns. `carryOut` must be called inside a transaction. */
export class TurnWriter {
  readonly #node: number;
  readonly #pruner: Pruner;
  readonly #definitions: Definitions;
  readonly #keys: TriggerKeys;
  readonly #outbox: SqliteOutbox;
  readonly #plan: PlanMessages | undefined;
  #entered = 0;
  #decided = 0;
  #keysKept = 0;
  readonly #statements: TurnStatements;
  readonly #ends: RunEnds;

  constructor({ db, node, pruner, definitions, keys, outbox, plan }: TurnWriterParts) {
    this.#node = node;
    this.#pruner = pruner;
    this.#definitions = definitions;
    this.#keys = keys;
    this.#outbox = outbox;
    this.#plan = plan;
    this.#statements = prepareTurn(db);
    this.#ends = new RunEnds(this.#statements, outbox, plan);
  }

  /**
   * Ends, checkpoints, promotions, claims, in this order.
   *
   * @param turn what the scheduler asks for
   * @returns what became of it, true once the transaction is committed
   * @throws SQLite's error, or Error for a claim of a job that was never armed; then the transaction must be rolled back
   */
  carryOut(turn: Turn): TurnResult {
    const grants: Grant[] = [];
    const ended = turn.ends.map((end) => this.#ends.write(end, turn.at));
    const saved = turn.checkpoints.map((write) => this.#save(write));
    for (const { runId, fence, process } of turn.spawns) this.#statements.spawned.run(process.pid, process.start, runId, fence);
    for (const job of turn.promotions) this.#promote(job, turn.at, grants);
    const decisions = turn.claims.map((claim) =>
      claim.kind === 'trigger' ? this.#claimTrigger(claim, turn.at, grants) : this.#claimTicks(claim, turn.at, grants),
    );
    this.#pruner.sweep(turn.at, this.#entered, this.#decided, this.#keysKept);
    this.#entered = 0;
    this.#decided = 0;
    this.#keysKept = 0;
    return { ended, saved, grants, decisions };
  }

  #save(write: CheckpointWrite): boolean {
    const row = get(this.#statements.save, write.steps, json(write.progress), write.runId, write.fence, write.job);
    if (row === undefined) return false;
    if (write.checkpoint !== undefined) this.#statements.setCheckpoint.run(row[0] as number, write.runId, write.checkpoint);
    return true;
  }

  #promote(job: Job, at: Instant, grants: Grant[]): void {
    const slot = openSlot(this.#statements, job);
    if (slot.live !== undefined || slot.queued.length === 0 || slot.held) return;
    const [runId, cause, tick, input, budgetMs] = get(this.#statements.queued, slot.id) as [
      string,
      Cause,
      number,
      string | null,
      number | null,
    ];
    slot.nextFence++;
    this.#statements.grantQueued.run(slot.nextFence, this.#node, at, job.exclusive.length, runId);
    this.#taken(slot, job, { runId, cause, tick, input: input ?? undefined, budgetMs: budgetMs ?? undefined }, grants);
    this.#close(slot);
  }

  #claimTrigger(claim: TriggerClaim, at: Instant, grants: Grant[]): readonly TriggerDecision[] {
    const { job, runId, input, budgetMs, by, idempotency } = claim;
    const slot = openSlot(this.#statements, job);
    const known = idempotency === undefined ? undefined : this.#keys.recall(slot.id, idempotency, at);
    if (known !== undefined) return [known];
    const ownInput = input !== undefined || budgetMs !== undefined;
    const decisions = decideTrigger(job, runId, ownInput, slot, { ...claim.context, exclusiveHeld: slot.held });
    for (const made of decisions) {
      if (made.kind !== 'start' && made.kind !== 'queue') continue;
      this.#enter(slot, job, made.kind, { runId, tick: claim.at, cause: 'trigger', by, input, budgetMs }, at, grants);
      this.#close(slot);
    }
    if (idempotency !== undefined && this.#keys.keep(slot.id, idempotency, decisions)) this.#keysKept++;
    return decisions;
  }

  #claimTicks(claim: TickClaim, at: Instant, grants: Grant[]): readonly Decision[] {
    const { job, gap, dueTicks } = claim;
    const slot = openSlot(this.#statements, job);
    if (claim.rewind !== undefined && dueTicks.length > 0) this.#rewind(slot, claim.rewind);
    const decisions = decide(job, dueTicks, slot, { ...claim.context, exclusiveHeld: slot.held }, gap);
    for (const made of decisions) {
      if (made.kind === 'range') this.#writeRange(slot, job, made, at);
      if (made.kind === 'stop' || made.kind === 'range') continue;
      this.#writeTick(slot, made, at);
      if (made.kind === 'start' || made.kind === 'queue') this.#enter(slot, job, made.kind, made, at, grants);
    }
    if (this.#plan !== undefined)
      for (const missed of missedIn(job.name, decisions, at)) this.#outbox.add(this.#plan(missed), at);
    const newest = dueTicks.at(-1);
    if (newest === undefined || newest <= slot.decidedUntil) return decisions;
    this.#definitions.claimed(slot.id, job, slot.decidedUntil, gap === undefined ? (dueTicks[0] ?? newest) : gap.from + 1);
    slot.nextDecidedUntil = newest;
    this.#close(slot);
    return decisions;
  }

  /** The clock was set back: a new life begins, and what of it is kept begins with it. */
  #rewind(slot: OpenSlot, { to, horizon }: Rewind): void {
    if (slot.decidedUntil !== horizon.until) return;
    this.#statements.rewind.run(to, horizon.until, Number(horizon.correction), slot.id);
    this.#statements.keepAgain.run(to, slot.id);
    this.#definitions.rewound(slot.id, horizon.until, to);
    slot.decidedUntil = to;
  }

  #writeRange(slot: OpenSlot, job: Job, { range, outcome, reason, into }: RangeDecision, at: Instant): void {
    const schedules = JSON.stringify(job.schedules);
    this.#pruner.sweepRanges(at, slot.id);
    this.#statements.insertRange.run(
      slot.id,
      slot.id,
      range.from,
      range.to,
      outcome,
      reason ?? null,
      into ?? null,
      schedules,
      at,
    );
  }

  #writeTick(slot: OpenSlot, made: TickDecision, at: Instant): void {
    const { outcome, reason, runId } = tickOutcome(made);
    this.#decided++;
    this.#statements.insertTick.run(made.tick, slot.id, outcome, reason ?? null, runId ?? null, at);
  }

  #enter(slot: OpenSlot, job: Job, how: 'start' | 'queue', entry: Entry, at: Instant, grants: Grant[]): void {
    const granted = how === 'start';
    this.#entered++;
    if (granted) slot.nextFence++;
    this.#statements.insertRun.run(
      entry.runId,
      slot.id,
      entry.tick,
      entry.cause,
      granted ? slot.nextFence : null,
      granted ? this.#node : null,
      at,
      granted ? at : null,
      entry.by ?? null,
      entry.budgetMs ?? null,
      entry.input ?? null,
      granted ? job.exclusive.length : 0,
      slot.newest,
    );
    slot.newest = entry.runId;
    if (granted) this.#taken(slot, job, entry, grants);
  }

  /** The run's row stands under the new fence: takes its resources and tells. */
  #taken(slot: OpenSlot, job: Job, entry: Entry, grants: Grant[]): void {
    for (const name of job.exclusive) this.#statements.take.run(name, slot.id, entry.runId);
    grants.push({
      job: job.name,
      runId: entry.runId,
      fence: slot.nextFence,
      tick: entry.tick,
      cause: entry.cause,
      checkpoint: get(this.#statements.checkpoint, slot.id)?.[0] as string | undefined,
      input: entry.input,
      budgetMs: entry.budgetMs,
    });
  }

  #close(slot: OpenSlot): void {
    this.#statements.moveSlot.run(slot.nextDecidedUntil, slot.nextFence, slot.newest, slot.id, slot.fence);
  }
}
