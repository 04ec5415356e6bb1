/** Watches the attempts themselves: promises 1 (never two), 3 (bounded) and 4 (forward), whatever the ledger says. */
import { boundsOf } from '../core/budget.ts';
import type { AttemptEnd, RunOrder } from '../core/ports.ts';
import type { Facts, JobFacts } from './facts.ts';
import type { AttemptScript, AttemptWatch } from './script.ts';

/** Beyond budget and grace, for force and proof. */
const FORCE_MS = 2_000;
/** Sums of fractions. */
const ROUNDING_MS = 0.001;

/** See the head of this file. */
export class RunJudge implements AttemptWatch {
  readonly #facts: Facts;
  readonly #scriptOf: (order: RunOrder) => AttemptScript;
  readonly #heldBefore = new Map<RunOrder, number>();
  readonly #orphans = new Set<RunOrder>();

  /** @param scriptOf tells whether an attempt can be stopped by force */
  constructor(facts: Facts, scriptOf: (order: RunOrder) => AttemptScript) {
    this.#facts = facts;
    this.#scriptOf = scriptOf;
  }

  began(order: RunOrder): void {
    const facts = this.#facts;
    const { job, runId, fence, attempt } = order;
    const of = facts.of(job.name);
    facts.history.note('began', runId, job.name, 'fence', fence, 'attempt', attempt);
    if (of.live !== undefined) facts.violate('never two', `job ${job.name}: run ${runId} began while ${of.live.runId} is live`);
    for (const name of job.exclusive) {
      const holder = facts.holders.get(name);
      if (holder !== undefined) {
        facts.violate(
          'never two',
          `resource ${name}: run ${runId} of ${job.name} began while ${holder.runId} of ${holder.job.name} holds it`,
        );
      }
      facts.holders.set(name, order);
    }
    of.live = order;
    facts.liveAttempts++;
    this.#heldBefore.set(order, facts.heldMs);
    if (facts.liveAttempts > facts.concurrency)
      facts.violate('concurrency', `${facts.liveAttempts} runs are live, ${facts.concurrency} may be`);
    if (facts.draining) facts.violate('draining', `run ${runId} of ${job.name} began while the scheduler drains`);
    this.#checkGrant(of, order);
    this.#checkCheckpoint(of, order);
  }

  stepBegan(order: RunOrder, step: number): void {
    const now = this.#facts.clock.monotonic();
    this.#facts.history.note('step', step, order.runId, order.job.name);
    if (now >= order.budgetEnd) {
      this.#facts.violate(
        'time-bounded',
        `step ${step} of run ${order.runId} began ${now - order.budgetEnd} ms after its budget`,
      );
    }
  }

  stepEnded(order: RunOrder, checkpoint: string | undefined): void {
    this.#facts.of(order.job.name).checkpoint = checkpoint;
  }

  ended(order: RunOrder, end: AttemptEnd): void {
    const facts = this.#facts;
    facts.history.note('proved', order.runId, order.job.name, end.outcome);
    const held = facts.heldMs - (this.#heldBefore.get(order) ?? 0);
    const lateMs = facts.clock.monotonic() - order.budgetEnd - order.graceMs - held;
    if (this.#scriptOf(order).forceDelayMs !== undefined && lateMs > FORCE_MS) {
      facts.violate('time-bounded', `run ${order.runId} of ${order.job.name} ended ${lateMs} ms after budget and grace`);
    }
    this.gone(order);
  }

  /** Its daemon is dead, and it goes on: it holds slot and resources, but no place of the next daemon's. */
  orphaned(order: RunOrder): void {
    this.#orphans.add(order);
    this.#facts.liveAttempts--;
  }

  /** The attempt is no more, proved or with its process. */
  gone(order: RunOrder): void {
    const facts = this.#facts;
    const of = facts.of(order.job.name);
    if (of.live === order) of.live = undefined;
    for (const name of order.job.exclusive) if (facts.holders.get(name) === order) facts.holders.delete(name);
    if (!this.#orphans.delete(order)) facts.liveAttempts--;
    this.#heldBefore.delete(order);
  }

  #checkGrant(of: JobFacts, order: RunOrder): void {
    const facts = this.#facts;
    const { granted } = of;
    if (granted?.runId !== order.runId || granted.fence !== order.fence) {
      facts.violate('one gate', `run ${order.runId} of ${order.job.name} began under fence ${order.fence} without a grant`);
      return;
    }
    if (order.attempt !== ++granted.attempts)
      facts.violate('retry', `attempt ${order.attempt} of run ${order.runId}; ${granted.attempts} was expected`);
    if (order.attempt > 1 && facts.clock.monotonic() >= order.budgetEnd) {
      facts.violate('retry', `attempt ${order.attempt} of run ${order.runId} began after the budget`);
    }
    granted.budgetEnd ??= order.budgetEnd;
    if (order.budgetEnd !== granted.budgetEnd)
      facts.violate('time-bounded', `run ${order.runId} was given more budget for its attempt ${order.attempt}`);
    const leftMs = order.budgetEnd - facts.clock.monotonic();
    const { budgetMs, graceMs } = boundsOf(order.job, undefined);
    if (leftMs > budgetMs + ROUNDING_MS)
      facts.violate('time-bounded', `run ${order.runId} of ${order.job.name} was given ${leftMs} ms of a budget of ${budgetMs}`);
    if (order.graceMs > graceMs)
      facts.violate('time-bounded', `run ${order.runId} of ${order.job.name} was given ${order.graceMs} ms of grace`);
  }

  #checkCheckpoint(of: JobFacts, order: RunOrder): void {
    if (!of.checkpointUnknown && order.checkpoint !== of.checkpoint) {
      this.#facts.violate(
        'forward',
        `run ${order.runId} of ${order.job.name} was handed checkpoint ${order.checkpoint}; the last finished step left ${of.checkpoint}`,
      );
    }
    of.checkpointUnknown = false;
    of.checkpoint = order.checkpoint;
  }
}
