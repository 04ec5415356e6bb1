/**
 * The one gate. Every door (tick, trigger, catch-up, reload, restart) leads through `decide` or `decideTrigger`, both
 * called by the store inside the transaction that makes their decisions true. They are total and pure: the same slot,
 * ticks and instant give the same decisions on every node.
 */
import { planCatchUp, planGap } from './catchup.ts';
import type { Job } from './job.ts';
import type { Cause } from './run.ts';
import type { QueuedRun, SlotView } from './slot.ts';
import type { TickRange } from './tick-range.ts';
import { type MissReason, runIdOf, type SkipReason } from './tick.ts';
import type { Instant } from './time.ts';

/** What the gate needs to know beside the job and its slot. */
export interface GateContext {
  readonly now: Instant;
  /** Ticks at or before this instant fell due while no node was up, or while the wall clock jumped over them. */
  readonly liveSince: Instant;
  /** The daemon is shutting down. */
  readonly draining: boolean;
  /** This node's labels match the job's `nodeSelector`. */
  readonly matched: boolean;
  /** The run that holds the slot has not begun: it waits for one of the node's `concurrency` places. */
  readonly waitingForPlace: boolean;
  /** A resource of the job's `exclusive` is held by another job's run. */
  readonly exclusiveHeld: boolean;
}

/** What shall become of one tick, or of the live run. */
export type Decision =
  | { readonly kind: 'start'; readonly tick: Instant; readonly cause: Cause; readonly runId: string }
  | { readonly kind: 'queue'; readonly tick: Instant; readonly cause: Cause; readonly runId: string }
  | { readonly kind: 'skip'; readonly tick: Instant; readonly reason: SkipReason }
  | { readonly kind: 'miss'; readonly tick: Instant; readonly reason: MissReason }
  | { readonly kind: 'fold'; readonly tick: Instant; readonly into: string }
  | RangeDecision
  /** Ask the live run to stop: a newer tick of policy `cancel` waits for its proven end. */
  | { readonly kind: 'stop'; readonly runId: string };

/** What shall become of all ticks in a range. */
export type RangeDecision = { readonly kind: 'range'; readonly range: TickRange } & (
  | { readonly outcome: 'skipped'; readonly reason: SkipReason; readonly into?: undefined }
  | { readonly outcome: 'missed'; readonly reason: MissReason; readonly into?: undefined }
  | { readonly outcome: 'folded'; readonly reason?: undefined; readonly into: string }
);

/** A decision about one tick. */
export type TickDecision = Extract<Decision, { readonly tick: Instant }>;

/** Why a trigger was refused. */
export type RefusalReason = Extract<SkipReason, 'overlap' | 'exclusive' | 'draining' | 'unmatched'>;

/** What shall become of a trigger. */
export type TriggerDecision =
  | { readonly kind: 'start' | 'queue'; readonly runId: string }
  | { readonly kind: 'fold'; readonly into: string }
  | { readonly kind: 'stop'; readonly runId: string }
  | { readonly kind: 'refuse'; readonly reason: RefusalReason; readonly liveRunId?: string | undefined }
  /** Not the gate's: the store knows the trigger's key. `sameRequest` is false when it stands for another request. */
  | { readonly kind: 'repeat'; readonly runId: string; readonly sameRequest: boolean };

/**
 * Decides ticks that are due.
 *
 * @param job the job as configured
 * @param dueTicks ascending; those at or before `slot.decidedUntil` are passed over: a tick is decided once
 * @param slot the slot as the transaction reads it
 * @param context instant and circumstances
 * @param gap ticks before `dueTicks` that are too many to be listed: missed, whatever `liveSince` says
 * @returns one decision for each undecided tick, in order of their carrying out; at most two for the gap, which together cover
 *   what of it is undecided; and a `stop` where the policy asks for one. At most one decision is `start`, and none if a run is live
 */
export function decide(
  job: Job,
  dueTicks: readonly Instant[],
  slot: SlotView,
  context: GateContext,
  gap?: TickRange,
): Decision[] {
  const decisions: Decision[] = [];
  const first = dueTicks.findIndex((tick) => tick > slot.decidedUntil);
  if (first === -1) return decisions;
  const door = new Door(job, slot, context);
  const firstLive = dueTicks.findIndex((tick) => tick > slot.decidedUntil && tick > context.liveSince);
  const missed = dueTicks.slice(first, firstLive === -1 ? undefined : firstLive);
  if (missed.length > 0 || gap !== undefined) decideMissed(door, missed, gap, decisions);
  if (firstLive === -1) return decisions;
  for (let index = firstLive; index < dueTicks.length; index++) decideLive(door, dueTicks[index] as Instant, decisions);
  return decisions;
}

/**
 * Decides a run that was asked for by hand or by a program. A paused job may be triggered.
 *
 * @param job the job as configured
 * @param runId the id that the run shall have
 * @param ownInput the trigger brings an input or a budget of its own, so it cannot fold into another run
 * @param slot the slot as the transaction reads it
 * @param context instant and circumstances
 * @returns one decision, and a `stop` before it where the policy asks for one
 */
export function decideTrigger(
  job: Job,
  runId: string,
  ownInput: boolean,
  slot: SlotView,
  context: GateContext,
): TriggerDecision[] {
  const refuse = (reason: RefusalReason): TriggerDecision[] => [{ kind: 'refuse', reason, liveRunId: slot.live?.runId }];
  if (context.draining) return refuse('draining');
  if (!context.matched) return refuse('unmatched');
  if (slot.live === undefined && slot.queued.length === 0 && !context.exclusiveHeld) return [{ kind: 'start', runId }];
  if (job.onOverlap === 'skip') return refuse(slot.live === undefined && context.exclusiveHeld ? 'exclusive' : 'overlap');
  const stops: TriggerDecision[] =
    job.onOverlap === 'cancel' && slot.live !== undefined && !context.waitingForPlace
      ? [{ kind: 'stop', runId: slot.live.runId }]
      : [];
  const behind = foldTarget(slot.queued) ?? (context.waitingForPlace ? slot.live?.runId : undefined);
  if (behind === undefined) return [...stops, { kind: 'queue', runId }];
  return ownInput ? refuse('overlap') : [...stops, { kind: 'fold', into: behind }];
}

/** The slot as it stands after the decisions made so far. */
class Door {
  readonly job: Job;
  readonly context: GateContext;
  live: string | undefined;
  /** The live run, if any, does not merely wait for a place. */
  readonly begun: boolean;
  readonly queued: QueuedRun[];
  readonly paused: boolean;
  readonly decidedUntil: Instant;
  /** The live run is one of these decisions. */
  startedNow = false;
  stopAsked = false;

  constructor(job: Job, slot: SlotView, context: GateContext) {
    this.job = job;
    this.context = context;
    this.live = slot.live?.runId;
    this.begun = !context.waitingForPlace;
    this.queued = [...slot.queued];
    this.paused = job.paused || slot.paused;
    this.decidedUntil = slot.decidedUntil;
  }

  closedFor(): SkipReason | undefined {
    if (!this.context.matched) return 'unmatched';
    if (this.paused) return 'paused';
    return this.context.draining ? 'draining' : undefined;
  }

  isFree(): boolean {
    return this.live === undefined && this.queued.length === 0 && !this.context.exclusiveHeld;
  }

  start(tick: Instant, cause: Cause): Decision {
    this.live = runIdOf(this.job.name, tick);
    this.startedNow = true;
    return { kind: 'start', tick, cause, runId: this.live };
  }

  queue(tick: Instant, cause: Cause): Decision {
    const runId = runIdOf(this.job.name, tick);
    this.queued.push({ runId, cause });
    return { kind: 'queue', tick, cause, runId };
  }
}

function decideMissed(door: Door, missedTicks: readonly Instant[], gap: TickRange | undefined, decisions: Decision[]): void {
  const closed = door.closedFor();
  const undecided = gap === undefined ? undefined : { from: Math.max(gap.from, door.decidedUntil), to: gap.to };
  const range = undecided === undefined || undecided.from >= undecided.to ? undefined : undecided;
  if (closed !== undefined) {
    if (range !== undefined) decisions.push({ kind: 'range', range, outcome: 'skipped', reason: closed });
    for (const tick of missedTicks) decisions.push({ kind: 'skip', tick, reason: closed });
    return;
  }
  // Catch-ups that wait since an earlier downtime count: a daemon that falls ten times queues no more than one that falls once.
  const waiting = door.queued.filter((run) => run.cause === 'catchup').length;
  const missedLimit = Math.max(0, door.job.missedLimit - waiting);
  const plan = planCatchUp({ ...door.job, missedLimit }, missedTicks, door.context.now);
  const parts = planGap(door.job, range, door.context.now);
  for (const { reason, ...part } of parts.missed) decisions.push({ kind: 'range', range: part, outcome: 'missed', reason });
  for (const { tick, reason } of plan.missed) decisions.push({ kind: 'miss', tick, reason });
  const newest = plan.run[0];
  const target = newest === undefined ? undefined : runIdOf(door.job.name, newest);
  for (const tick of plan.run) {
    if (door.isFree()) decisions.push(door.start(tick, 'catchup'));
    else if (door.job.onMissed === 'all') decisions.push(door.queue(tick, 'catchup'));
    else decideLive(door, tick, decisions);
  }
  const led = decisions.some((made) => (made.kind === 'start' || made.kind === 'queue') && made.runId === target);
  for (const tick of plan.folded) {
    decisions.push(led && target !== undefined ? { kind: 'fold', tick, into: target } : { kind: 'miss', tick, reason: 'down' });
  }
  if (parts.folded === undefined) return;
  const fate = led && target !== undefined ? ({ outcome: 'folded', into: target } as const) : MISSED_DOWN;
  decisions.push({ kind: 'range', range: parts.folded, ...fate });
}

const MISSED_DOWN = { outcome: 'missed', reason: 'down' } as const;

function decideLive(door: Door, tick: Instant, decisions: Decision[]): void {
  const closed = door.closedFor();
  if (closed !== undefined) decisions.push({ kind: 'skip', tick, reason: closed });
  else if (door.isFree()) decisions.push(door.start(tick, 'tick'));
  else if (door.job.onOverlap === 'skip') decisions.push({ kind: 'skip', tick, reason: busyReason(door) });
  else decideBehind(door, tick, decisions);
}

/** Why a tick of policy `skip` finds no way in. */
function busyReason(door: Door): SkipReason {
  if (door.live === undefined) return door.context.exclusiveHeld ? 'exclusive' : 'overlap';
  return door.begun ? 'overlap' : 'capacity';
}

/**
 * Policies `queue` and `cancel`: one run waits behind the slot, later ticks fold into it. A run that was started by an earlier
 * of these decisions is not cancelled before it has begun: it is as new as the tick, which folds into it.
 */
function decideBehind(door: Door, tick: Instant, decisions: Decision[]): void {
  const cancels = door.job.onOverlap === 'cancel';
  if (cancels && door.begun && door.live !== undefined && !door.startedNow && !door.stopAsked) {
    door.stopAsked = true;
    decisions.push({ kind: 'stop', runId: door.live });
  }
  const takesMore = !door.begun || (cancels && door.startedNow);
  const behind = foldTarget(door.queued) ?? (takesMore ? door.live : undefined);
  decisions.push(behind === undefined ? door.queue(tick, 'tick') : { kind: 'fold', tick, into: behind });
}

/** The queued run into which a later tick folds: the newest that is no catch-up, else the newest of all. */
function foldTarget(queued: readonly QueuedRun[]): string | undefined {
  return (queued.findLast((run) => run.cause !== 'catchup') ?? queued.at(-1))?.runId;
}
