/** Looks now and then whether anything waits for nothing: no due tick, queued run, granted run or trigger is forgotten. */
import type { MonotonicMs } from '../core/time.ts';
import { nextTickOfLives } from './enumeration.ts';
import type { Facts, JobFacts } from './facts.ts';

/** The scheduler sleeps 30 s at the most; beyond that, the store's retry and the turn itself. */
const LONGEST_WAIT_MS = 33_000;
/** Ticks that are decided so little ahead of the clock are waited for; a step back from three hours on is a correction. */
const SILENCE_MS = 60_000;
const CORRECTION_MS = 3 * 3_600_000;
/** What needs no timer is done in the next turns of the loop. */
const LONGEST_TURN_MS = 2_000;

/** See the head of this file. */
export class LivenessJudge {
  readonly #facts: Facts;
  readonly #triggers = new Map<object, { readonly job: string; readonly since: MonotonicMs }>();

  constructor(facts: Facts) {
    this.#facts = facts;
  }

  /** Somebody waits for the answer to a trigger. @returns to be called when it comes */
  waits(job: string): () => void {
    const mark = {};
    this.#triggers.set(mark, { job, since: this.#facts.clock.monotonic() });
    return () => void this.#triggers.delete(mark);
  }

  /** The process has ended; nobody waits any more. */
  forgetTriggers(): void {
    this.#triggers.clear();
  }

  get pendingTriggers(): number {
    return this.#triggers.size;
  }

  /** Judges what has waited for too long while nothing disturbed the scheduler. */
  look(): void {
    const facts = this.#facts;
    if (facts.calmSince === undefined || facts.draining || facts.reloading !== undefined) {
      for (const of of facts.jobs.values()) of.waitingSince = of.overdueSince = of.ahead = undefined;
      return;
    }
    const now = facts.clock.monotonic();
    for (const [name, of] of facts.jobs) {
      this.#lookAtTick(name, of, now);
      this.#lookAtSilence(name, of, facts.calmSince);
      this.#lookAtQueue(name, of, now);
      this.#lookAtPlace(name, of, now);
    }
    for (const { job, since } of this.#triggers.values()) {
      if (now - Math.max(since, facts.calmSince) > LONGEST_TURN_MS)
        facts.violate('no stall', `a trigger of ${job} waits since ${now - since} ms`);
    }
  }

  #lookAtTick(name: string, of: JobFacts, now: MonotonicMs): void {
    const facts = this.#facts;
    if (!of.inForce || of.nextTick > facts.clock.now()) {
      of.overdueSince = undefined;
      return;
    }
    of.overdueSince ??= now;
    if (now - Math.max(of.overdueSince, facts.calmSince ?? now) <= LONGEST_WAIT_MS) return;
    facts.violate('no stall', `job ${name}: tick ${new Date(of.nextTick).toISOString()} is due and not decided`);
  }

  /** The clock was set back behind what is decided: the job is silent for one interval at the most, and the time to notice. */
  #lookAtSilence(name: string, of: JobFacts, calmSince: MonotonicMs): void {
    const facts = this.#facts;
    const now = facts.clock.now();
    if (!of.inForce || of.decidedUntil - now <= SILENCE_MS) {
      of.ahead = undefined;
      return;
    }
    if (of.ahead?.calmSince !== calmSince) of.ahead = { at: now, calmSince };
    const noticedAt = Math.max(of.ahead.at + LONGEST_WAIT_MS, of.since);
    const horizon = { until: of.decidedUntil, correction: of.decidedUntil - noticedAt >= CORRECTION_MS };
    const due = nextTickOfLives(of.job.schedules, [...of.horizons, horizon], noticedAt);
    // Counted by the clock that never steps: one step forward may pass the tick and much time beyond it at once.
    const monotonic = facts.clock.monotonic();
    if (now < due) of.ahead.dueSince = undefined;
    else of.ahead.dueSince ??= monotonic;
    if (monotonic - (of.ahead.dueSince ?? monotonic) > LONGEST_WAIT_MS)
      facts.violate('no silence', `job ${name}: the clock was set back, and tick ${new Date(due).toISOString()} is not decided`);
  }

  #lookAtQueue(name: string, of: JobFacts, now: MonotonicMs): void {
    const facts = this.#facts;
    // What a removed job has queued waits for the job to come back.
    const mayGo =
      of.inForce && of.queued.size > 0 && of.granted === undefined && of.unpausedForSure && !of.job.paused && !this.#isHeld(of);
    if (!mayGo) {
      of.waitingSince = undefined;
      return;
    }
    of.waitingSince ??= now;
    const handedOver = Math.max(0, ...of.job.exclusive.map((resource) => facts.handedOverAt.get(resource) ?? 0));
    if (now - Math.max(of.waitingSince, handedOver, facts.calmSince ?? now) <= LONGEST_TURN_MS) return;
    facts.violate('no stall', `job ${name}: ${[...of.queued.keys()].join(', ')} waits, and nothing is in its way`);
  }

  #lookAtPlace(name: string, of: JobFacts, now: MonotonicMs): void {
    const facts = this.#facts;
    const { granted } = of;
    if (granted === undefined || granted.attempts > 0) return;
    const begun = [...facts.jobs.values()].filter((other) => (other.granted?.attempts ?? 0) > 0).length;
    if (begun >= facts.concurrency || now - Math.max(granted.grantedAt, facts.calmSince ?? now) <= LONGEST_WAIT_MS) return;
    facts.violate('no stall', `run ${granted.runId} of ${name} has the slot and a place, and does not begin`);
  }

  #isHeld(of: JobFacts): boolean {
    for (const other of this.#facts.jobs.values()) {
      if (other !== of && other.granted?.exclusive.some((resource) => of.job.exclusive.includes(resource)) === true) return true;
    }
    return false;
  }
}
