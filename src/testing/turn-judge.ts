/** Watches what the scheduler asks of the store and what the store makes true: promises 1, 2 (proved dead) and 5 (accounted). */
import type { Decision, RangeDecision, TickDecision, TriggerDecision } from '../core/gate.ts';
import type { Job } from '../core/job.ts';
import type { Claim, Grant, TickClaim, Turn, TurnResult } from '../core/store.ts';
import type { Rewind } from '../core/reliving.ts';
import { runIdOf } from '../core/tick.ts';
import type { Facts, JobFacts } from './facts.ts';

/** What held when a turn was asked for; judged by it, since a pause may come while the store is at work. */
interface Asked {
  readonly draining: boolean;
  readonly paused: ReadonlySet<string>;
}

/** A smaller step back is waited out. */
const WAITED_OUT_MS = 60_000;
/** After a step back from here on, fixed times fall due again as well. */
const CORRECTION_MS = 3 * 3_600_000;

/** See the head of this file. */
export class TurnJudge {
  readonly #facts: Facts;
  readonly #asked = new WeakMap<Turn, Asked>();

  constructor(facts: Facts) {
    this.#facts = facts;
  }

  /** The scheduler asks for a turn. */
  asked(turn: Turn): void {
    const facts = this.#facts;
    const paused = this.#pausedNow();
    this.#asked.set(turn, { draining: facts.draining, paused });
    for (const end of turn.ends) {
      const { live } = facts.of(end.job);
      if (live?.runId === end.runId)
        facts.violate('proved dead', `the end of run ${end.runId} of ${end.job} is written while it is live`);
    }
  }

  /** The turn is true in the store, whether the scheduler knows it yet or not. */
  applied(turn: Turn, result: TurnResult): void {
    const before = this.#asked.get(turn) ?? { draining: false, paused: new Set<string>() };
    // A job that is resumed while a slow store decides may be found so.
    const asked = { ...before, paused: before.paused.intersection(this.#pausedNow()) };
    turn.ends.forEach((end, index) => this.#judgeEnd(end, result.ended[index] === true));
    const triggered = new Set(turn.claims.map((claim) => (claim.kind === 'trigger' ? claim.runId : undefined)));
    for (const grant of result.grants) this.#judgeGrant(grant, jobOf(grant, turn), asked, triggered.has(grant.runId));
    turn.claims.forEach((claim, index) => this.#judgeClaim(claim, result.decisions[index] ?? [], asked));
  }

  #judgeEnd(end: Turn['ends'][number], accepted: boolean): void {
    const facts = this.#facts;
    const of = facts.of(end.job);
    if (end.fence === undefined) {
      if (accepted && !of.queued.delete(end.runId))
        facts.violate('accounted', `run ${end.runId} of ${end.job} was withdrawn, and was not queued`);
      if (accepted) of.ended.add(end.runId);
      return;
    }
    facts.history.note('ended', end.runId, end.job, end.outcome, accepted ? '' : 'refused');
    if (!accepted || of.granted?.runId !== end.runId || of.granted.fence !== end.fence) {
      facts.violate(
        'proved dead',
        `the end of run ${end.runId} of ${end.job} under fence ${end.fence} met a slot of ${of.granted?.runId}`,
      );
    }
    if (of.ended.has(end.runId)) facts.violate('accounted', `run ${end.runId} of ${end.job} ended twice`);
    of.ended.add(end.runId);
    for (const name of of.granted?.exclusive ?? []) facts.handedOverAt.set(name, facts.clock.monotonic());
    of.granted = undefined;
  }

  #pausedNow(): Set<string> {
    const facts = this.#facts;
    const paused = new Set<string>();
    for (const [name, of] of facts.jobs)
      if (of.pausedForSure || (of.job.paused && facts.reloading === undefined)) paused.add(name);
    return paused;
  }

  #judgeGrant(grant: Grant, job: Job, asked: Asked, isTriggered: boolean): void {
    const facts = this.#facts;
    const of = facts.of(grant.job);
    const what = `run ${grant.runId} of ${grant.job}`;
    facts.history.note('granted', grant.runId, grant.job, 'fence', grant.fence, grant.cause);
    if (of.granted !== undefined) facts.violate('never two', `${what} was granted while ${of.granted.runId} holds the slot`);
    if (grant.fence <= of.fence) facts.violate('fence', `${what} was granted under fence ${grant.fence} after ${of.fence}`);
    if (asked.draining) facts.violate('draining', `${what} was granted while the scheduler drains`);
    // A paused job may be triggered; what waits behind its slot goes on waiting.
    if (asked.paused.has(grant.job) && !isTriggered) facts.violate('paused', `${what} was granted while the job is paused`);
    for (const [name, other] of facts.jobs) {
      const common = other.granted?.exclusive.find((resource) => job.exclusive.includes(resource));
      if (common !== undefined)
        facts.violate('never two', `${what} was granted ${common}, which ${other.granted?.runId} of ${name} holds`);
    }
    of.fence = grant.fence;
    of.queued.delete(grant.runId);
    of.granted = {
      runId: grant.runId,
      fence: grant.fence,
      exclusive: job.exclusive,
      grantedAt: facts.clock.monotonic(),
      attempts: 0,
      budgetEnd: undefined,
    };
    for (const name of job.exclusive) facts.handedOverAt.set(name, facts.clock.monotonic());
  }

  #judgeClaim(claim: Claim, decisions: readonly (Decision | TriggerDecision)[], asked: Asked): void {
    const of = this.#facts.of(claim.job.name);
    for (const made of decisions) {
      if (made.kind !== 'queue') continue;
      const isTick = 'tick' in made;
      this.#enqueue(of, made.runId, isTick ? made.cause : 'trigger', claim.job);
    }
    if (claim.kind === 'ticks') this.#judgeTicks(of, claim, decisions as readonly Decision[], asked);
  }

  #judgeTicks(of: JobFacts, { job, rewind, dueTicks }: TickClaim, decisions: readonly Decision[], asked: Asked): void {
    const facts = this.#facts;
    const { reloading } = facts;
    if (reloading?.get(job.name) === job) facts.adopt(job, facts.clock.now());
    if (rewind !== undefined && dueTicks.length > 0) this.#judgeRewind(of, rewind);
    const decided = decisions
      .filter((made): made is TickDecision | RangeDecision => made.kind !== 'stop')
      .toSorted((a, b) => lastOf(a) - lastOf(b));
    for (const made of decided) {
      if (made.kind === 'range') {
        this.#judgeRange(of, made);
        continue;
      }
      facts.history.note('tick', job.name, new Date(made.tick).toISOString(), made.kind, 'reason' in made ? made.reason : '');
      if (made.tick !== of.nextTick) {
        facts.violate(
          'accounted',
          `job ${job.name}: tick ${iso(made.tick)} was decided; ${iso(of.nextTick)} was the next one due`,
        );
      }
      of.decided(made.tick);
      if (made.kind === 'start' || made.kind === 'queue') {
        of.ticks.ran++;
        if (asked.draining || asked.paused.has(job.name))
          facts.violate('paused', `job ${job.name}: tick ${iso(made.tick)} ran while paused or draining`);
        if (made.runId !== runIdOf(job.name, made.tick))
          facts.violate('accounted', `job ${job.name}: tick ${iso(made.tick)} led to run ${made.runId}`);
      } else if (made.kind === 'fold') {
        of.ticks.folded++;
        const isKnown = of.queued.has(made.into) || of.granted?.runId === made.into;
        if (!isKnown)
          facts.violate(
            'accounted',
            `job ${job.name}: tick ${iso(made.tick)} folded into ${made.into}, which neither waits nor holds the slot`,
          );
      } else of.ticks[made.kind === 'skip' ? 'skipped' : 'missed']++;
    }
  }

  /** Only a clock that was set back by more than a minute lets ticks go on from an earlier instant. */
  #judgeRewind(of: JobFacts, rewind: Rewind): void {
    const facts = this.#facts;
    const { to, horizon } = rewind;
    facts.history.note('rewound', of.job.name, iso(horizon.until), iso(to));
    const backMs = of.decidedUntil - to;
    const isSound = horizon.until === of.decidedUntil && backMs > WAITED_OUT_MS && horizon.correction === backMs >= CORRECTION_MS;
    if (!isSound)
      facts.violate(
        'accounted',
        `job ${of.job.name}: went back from ${iso(of.decidedUntil)} to ${iso(to)}, and the clock was not set back so`,
      );
    of.rewound(rewind);
  }

  /** All ticks of the range are decided, and there is none before it that is not. */
  #judgeRange(of: JobFacts, { range, outcome, into }: RangeDecision): void {
    const facts = this.#facts;
    const { name } = of.job;
    facts.history.note('range', name, iso(range.from), iso(range.to), outcome);
    if (of.nextTick <= range.from)
      facts.violate(
        'accounted',
        `job ${name}: a range after ${iso(range.from)} was decided; ${iso(of.nextTick)} was the next one due`,
      );
    if (range.from < of.cursor)
      facts.violate('accounted', `job ${name}: a range after ${iso(range.from)} holds ticks that are decided`);
    if (into !== undefined && !of.queued.has(into) && of.granted?.runId !== into)
      facts.violate('accounted', `job ${name}: a range folded into ${into}, which neither waits nor holds the slot`);
    for (; of.nextTick <= range.to; of.ticks[outcome]++) of.decided(of.nextTick);
  }

  #enqueue(of: JobFacts, runId: string, cause: 'tick' | 'trigger' | 'catchup', job: Job): void {
    of.queued.set(runId, cause);
    const causes = [...of.queued.values()];
    const plain = causes.filter((queued) => queued !== 'catchup').length;
    if (plain > 1) this.#facts.violate('queue', `${plain} runs of ${job.name} are queued beside catch-ups`);
  }
}

function lastOf(made: TickDecision | RangeDecision): number {
  return made.kind === 'range' ? made.range.to : made.tick;
}

/** Under which definition a run was granted. */
function jobOf(grant: Grant, turn: Turn): Job {
  const job =
    turn.promotions.find(({ name }) => name === grant.job) ?? turn.claims.find((claim) => claim.job.name === grant.job)?.job;
  if (job === undefined) throw new Error(`simulation: nobody asked for run ${grant.runId} of ${grant.job}`);
  return job;
}

function iso(at: number): string {
  return Number.isFinite(at) ? new Date(at).toISOString() : 'never';
}
