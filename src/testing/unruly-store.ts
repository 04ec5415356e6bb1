/**
 * A store that is slow, or fails before or after its commit, when it is told to, in front of one that is right. It is also where a
 * process dies: nothing of a scheduler is seen from outside between two calls of its store, its runner and its clock, so a crash
 * right before or right after a call of the store stands for a crash at any instruction.
 */
import { TickwiseError } from '../core/errors.ts';
import type { Clock } from '../core/ports.ts';
import type { Store, Turn, TurnResult } from '../core/store.ts';
import type { DurationMs } from '../core/time.ts';
import type { Random } from './random.ts';

/** How the store behaves for now. */
export type StoreMood = 'ready' | 'slow' | 'failing';

/** Sees turns as the scheduler asks for them and as they become true. */
export interface TurnWatch {
  asked(turn: Turn): void;
  applied(turn: Turn, result: TurnResult): void;
}

const LONGEST_DELAY_MS: DurationMs = 3_000;

/** See the head of this file. `inner` must commit synchronously. */
export class UnrulyStore {
  mood: StoreMood = 'ready';
  readonly #inner: Store;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #watch: TurnWatch;
  /** A turn that was applied, or not, and whose commit said that it does not know. */
  #doubt: { readonly turn: Turn; readonly result: TurnResult | undefined } | undefined;
  #crash: { callsLeft: number; readonly when: 'before' | 'after'; readonly die: () => void } | undefined;
  /** Grows when the process dies: what was on its way to the store then is lost. */
  #life = 0;

  constructor(inner: Store, clock: Clock, random: Random, watch: TurnWatch) {
    this.#inner = inner;
    this.#clock = clock;
    this.#random = random;
    this.#watch = watch;
  }

  /** The process that used this store is gone. */
  crash(): void {
    this.#life++;
    this.#doubt = undefined;
    this.#crash = undefined;
  }

  /**
   * The process dies at a call of the store.
   *
   * @param calls how many are let pass first
   * @param when before the call has its effect, or after
   * @param die ends the process
   */
  crashAt(calls: number, when: 'before' | 'after', die: () => void): void {
    this.#crash = { callsLeft: calls, when, die };
  }

  /** No crash waits any more. */
  spare(): void {
    this.#crash = undefined;
  }

  /** @returns the store as the scheduler sees it */
  asStore(): Store {
    const inner = this.#inner;
    return {
      durable: inner.durable,
      commit: (turn) => this.#mortal(() => this.#commit(turn)),
      settle: (turn) => this.#mortal(() => this.#settle(turn)),
      arm: (jobs, now) => this.#late(() => inner.arm(jobs, now)),
      setPaused: (job, paused) => this.#late(() => inner.setPaused(job, paused)),
      setCheckpoint: (job, checkpoint) => this.#late(() => inner.setCheckpoint(job, checkpoint)),
      appendLog: (writes) => this.#late(async () => inner.appendLog(writes)),
      enqueue: (drafts, at) => this.#late(() => inner.enqueue(drafts, at)),
      settleMessage: (id, delivery) => this.#late(() => inner.settleMessage(id, delivery)),
      liveRuns: () => this.#late(() => inner.liveRuns()),
      slots: () => inner.slots(),
      runs: (query) => inner.runs(query),
      findRuns: (part) => inner.findRuns(part),
      ticks: (query) => inner.ticks(query),
      ranges: (query) => inner.ranges(query),
      checkpoint: (job) => inner.checkpoint(job),
      tallies: (job) => inner.tallies(job),
      log: (query) => inner.log(query),
      dueMessages: (now, limit) => inner.dueMessages(now, limit),
      nextMessageAt: () => inner.nextMessageAt(),
      async [Symbol.asyncDispose]() {},
    };
  }

  /** Makes a turn true at once, whatever the mood. */
  write(turn: Turn): TurnResult {
    const result = this.#inner.commit(turn) as TurnResult;
    this.#watch.applied(turn, result);
    return result;
  }

  #commit(turn: Turn): TurnResult | Promise<TurnResult> {
    if (this.#doubt !== undefined) throw new Error('the scheduler brings a turn while another is in doubt');
    this.#watch.asked(turn);
    switch (this.mood) {
      case 'ready':
        return this.write(turn);
      case 'slow':
        return this.#random.chance(0.5) ? this.#answerLate(turn) : this.#late(async () => this.write(turn));
      case 'failing':
        if (this.#random.chance(0.5)) return this.#doubtful(turn);
        if (this.#random.chance(0.5)) throw injected();
        return this.#late(() => Promise.reject(injected()));
      default:
        return this.mood satisfies never;
    }
  }

  /** Applied or not, at once or late: the scheduler is told that nobody knows. */
  #doubtful(turn: Turn): Promise<never> {
    this.#doubt = { turn, result: this.#random.chance(0.5) ? this.write(turn) : undefined };
    if (this.#random.chance(0.5)) throw injected({ inDoubt: true });
    return this.#delay().then(() => {
      throw injected({ inDoubt: true });
    });
  }

  #settle(turn: Turn): TurnResult | undefined | Promise<TurnResult | undefined> {
    if (this.#doubt?.turn !== turn) throw new Error('the scheduler asks for a turn that is not in doubt');
    if (this.mood === 'failing' && this.#random.chance(0.7)) throw injected();
    const { result } = this.#doubt;
    this.#doubt = undefined;
    return this.mood === 'slow' ? this.#late(async () => result) : result;
  }

  /** A call at which the process may die: then there is no answer, ever. */
  #mortal<Value>(call: () => Value | Promise<Value>): Value | Promise<Value> {
    const crash = this.#crash;
    if (crash === undefined || crash.callsLeft-- > 0) return call();
    const never = new Promise<never>(() => {});
    if (crash.when === 'after') {
      try {
        const answer = call();
        if (answer instanceof Promise) answer.catch(() => {});
      } catch {
        // Nobody hears it.
      }
    }
    crash.die();
    return never;
  }

  /** True at once; the answer takes its time. */
  #answerLate(turn: Turn): Promise<TurnResult> {
    const result = this.write(turn);
    return this.#late(async () => result);
  }

  async #late<Value>(work: () => Promise<Value>): Promise<Value> {
    const { mood } = this;
    if (mood !== 'ready') await this.#delay();
    if (mood === 'failing') throw injected();
    return this.#mortal(work);
  }

  #delay(): Promise<void> {
    const life = this.#life;
    return new Promise((resolve) => {
      this.#clock.setTimer(this.#clock.monotonic() + this.#random.scale(1, LONGEST_DELAY_MS), () => {
        if (life === this.#life) resolve();
      });
    });
  }
}

/** What a failing store says; told apart from a fault of the scheduler by these words. */
export const INJECTED = 'the simulated store fails';

function injected(facts: Record<string, unknown> = {}): TickwiseError {
  return new TickwiseError('STORE_UNUSABLE', INJECTED, { facts });
}
