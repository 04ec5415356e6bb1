/**
 * What the scheduler asks of the store, and what it makes of the answers: ticks are counted, queued runs lined up, live runs
 * stopped for a newer one, and grants begun. Called by the committer alone.
 */
import type { Decision, GateContext, RangeDecision, TriggerDecision } from '../core/gate.ts';
import type { Job, JobName } from '../core/job.ts';
import type { Clock } from '../core/ports.ts';
import type { TurnResult } from '../core/store.ts';
import type { Cause } from '../core/run.ts';
import type { MissReason, SkipReason, TickOutcome } from '../core/tick.ts';
import type { DurationMs, Instant } from '../core/time.ts';
import type { TurnSource } from './committer.ts';
import type { Events } from './events.ts';
import type { BuiltTurn, Inbox } from './inbox.ts';
import type { JobEntry } from './job-entry.ts';
import type { JobTable } from './job-table.ts';
import type { LiveRuns } from './live-runs.ts';
import { triggerResult } from './trigger.ts';

/** What the turns need from the scheduler. */
export interface TurnsParts {
  readonly clock: Clock;
  readonly events: Events;
  readonly table: JobTable;
  readonly inbox: Inbox;
  readonly runs: LiveRuns;
  readonly matches: (job: Job) => boolean;
  readonly isStoreFailing: () => boolean;
  /** Notices a step of the wall clock. */
  readonly lookAtClocks: () => void;
  /** Next ticks have changed. */
  readonly onApplied: () => void;
}

/** See the head of this file. */
export class Turns implements TurnSource {
  readonly ticks: Record<TickOutcome, number> = { ran: 0, skipped: 0, missed: 0, folded: 0 };
  /** Stretches of ticks that were decided as one; their ticks are not counted in `ticks`. */
  ranges = 0;
  clockSteps = 0;
  clockSteppedMs: DurationMs = 0;
  /** Ticks at or before this instant fell due while this scheduler could not have started them. */
  liveSince: Instant = 0;
  isDraining = false;
  readonly #parts: TurnsParts;

  constructor(parts: TurnsParts) {
    this.#parts = parts;
  }

  /** The wall clock was stepped. A step forth is downtime; after one back, what comes is on time again. */
  stepped(now: Instant, byMs: DurationMs): void {
    this.clockSteps++;
    this.clockSteppedMs += Math.abs(byMs);
    this.liveSince = byMs > 0 ? now : Math.min(this.liveSince, now);
  }

  build(): BuiltTurn | undefined {
    const { clock, inbox, isStoreFailing, lookAtClocks } = this.#parts;
    // No tick is decided by a clock that was not looked at: it may be put right before the next wake, and nobody would know.
    lookAtClocks();
    // Ticks that fell due while the store failed were missed: they follow `onMissed`, and make no burst.
    if (isStoreFailing()) this.liveSince = clock.now();
    const mayPromote = (entry: JobEntry): boolean => !this.isDraining && !entry.isPaused;
    return inbox.build((entry, now) => this.contextFor(entry, now), this.liveSince, mayPromote);
  }

  restore(turn: BuiltTurn): void {
    this.#parts.inbox.restore(turn, (job) => this.#parts.table.find(job.name));
  }

  apply(turn: BuiltTurn, result: TurnResult): void {
    const { clock, table, runs } = this.#parts;
    const now = clock.now();
    turn.ends.forEach((write, index) => {
      const entry = table.get(write.job);
      const ended = runs.find(write.runId);
      runs.ended(entry, write, result.ended[index] === true);
      // An earlier daemon's run of a job that is no longer configured has no entry, and frees its resources all the same.
      if (entry !== undefined && write.fence === undefined) table.dequeue(entry, write.runId);
      else if (entry !== undefined) table.unhold(entry);
      this.#promoteAfter(entry, ended?.job.exclusive);
    });
    turn.runs.forEach((run, index) => runs.saved(run, turn.checkpoints[index]?.checkpoint, result.saved[index] === true));
    for (const { resolve } of turn.pendingSpawns) resolve();
    turn.dueEntries.forEach((entry, index) => {
      const claim = turn.claims[index];
      if (claim?.kind !== 'ticks') throw new Error('claims of ticks come first in a turn');
      this.#applyTicks(entry, result.decisions[index] as readonly Decision[]);
      table.decided(entry, claim, turn.nextTicks[index], now);
    });
    turn.triggers.forEach((trigger, index) => {
      const decisions = result.decisions[turn.dueEntries.length + index] as readonly TriggerDecision[];
      this.#applyTrigger(trigger.entry, trigger.at, decisions);
      trigger.resolve(triggerResult(decisions));
    });
    for (const grant of result.grants) {
      const entry = table.get(grant.job);
      if (entry?.claimedAs === undefined) throw new Error(`a grant for ${grant.job}, which nobody asked for`);
      table.dequeue(entry, grant.runId);
      runs.begin(entry, entry.claimedAs, grant);
    }
    table.sweep((entry) => this.#parts.inbox.awaits(entry));
    this.#parts.onApplied();
  }

  /** What the gate is told about a job. */
  contextFor(entry: JobEntry, now: Instant): GateContext {
    return {
      now,
      liveSince: this.liveSince,
      draining: this.isDraining,
      matched: this.#parts.matches(entry.job),
      waitingForPlace: entry.live !== undefined && !entry.live.begun,
      exclusiveHeld: false,
    };
  }

  #applyTicks(entry: JobEntry, decisions: readonly Decision[]): void {
    const job = entry.job.name;
    for (const decision of decisions) {
      switch (decision.kind) {
        case 'start':
          this.#tick(job, decision.tick, 'ran', undefined, decision.runId);
          break;
        case 'queue':
          this.#tick(job, decision.tick, 'ran', undefined, decision.runId);
          this.#enqueue(entry, decision.runId, decision.tick, decision.cause);
          break;
        case 'skip':
          this.#tick(job, decision.tick, 'skipped', decision.reason, undefined);
          break;
        case 'miss':
          this.#tick(job, decision.tick, 'missed', decision.reason, undefined);
          break;
        case 'fold':
          this.#tick(job, decision.tick, 'folded', undefined, decision.into);
          break;
        case 'range':
          this.#range(job, decision);
          break;
        case 'stop':
          this.#stopForOverlap(decision.runId);
          break;
        default:
          decision satisfies never;
      }
    }
  }

  #applyTrigger(entry: JobEntry, at: Instant, decisions: readonly TriggerDecision[]): void {
    for (const decision of decisions) {
      if (decision.kind === 'queue') this.#enqueue(entry, decision.runId, at, 'trigger');
      else if (decision.kind === 'stop') this.#stopForOverlap(decision.runId);
    }
  }

  #enqueue(entry: JobEntry, runId: string, tick: Instant, cause: Cause): void {
    this.#parts.table.enqueue(entry, { runId, cause });
    this.#parts.events.emit('runQueued', { job: entry.job.name, runId, tick, cause });
  }

  #stopForOverlap(runId: string): void {
    const run = this.#parts.runs.find(runId);
    if (run !== undefined) this.#parts.runs.stop(run, 'overlap');
  }

  /**
   * A slot, and perhaps resources, are free: whoever waits for them is looked at in the next turn.
   *
   * @param freed resources of the run that ended, by the definition that it ran under; absent: not known, it may be any
   */
  #promoteAfter(entry: JobEntry | undefined, freed: readonly string[] | undefined): void {
    for (const waiting of this.#parts.table.queued) {
      const mayHaveWaited = (name: string): boolean => freed?.includes(name) ?? true;
      if (waiting === entry || waiting.job.exclusive.some(mayHaveWaited)) this.#parts.inbox.promote(waiting);
    }
  }

  #range(job: JobName, { range, outcome, reason, into }: RangeDecision): void {
    this.ranges++;
    this.#parts.events.emit('ticksDecided', { job, ...range, outcome, reason, runId: into });
  }

  #tick(
    job: JobName,
    tick: Instant,
    outcome: TickOutcome,
    reason: SkipReason | MissReason | undefined,
    runId: string | undefined,
  ): void {
    this.ticks[outcome]++;
    if (this.#parts.events.isHeard('tickDecided')) this.#parts.events.emit('tickDecided', { job, tick, outcome, reason, runId });
  }
}
