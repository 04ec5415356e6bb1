/** A store that is slow or fails when it is told to, in front of one that is right. */
import { TickwiseError } from '../core/errors.ts';
import type { Clock, Store, Turn, TurnResult } from '../core/ports.ts';
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
  }

  /** @returns the store as the scheduler sees it */
  asStore(): Store {
    const inner = this.#inner;
    return {
      durable: inner.durable,
      commit: (turn) => this.#commit(turn),
      arm: (jobs, now) => this.#late(() => inner.arm(jobs, now)),
      setPaused: (job, paused) => this.#late(() => inner.setPaused(job, paused)),
      setCheckpoint: (job, checkpoint) => this.#late(() => inner.setCheckpoint(job, checkpoint)),
      liveRuns: () => inner.liveRuns(),
      slots: () => inner.slots(),
      runs: (query) => inner.runs(query),
      findRuns: (part) => inner.findRuns(part),
      ticks: (query) => inner.ticks(query),
      ranges: (query) => inner.ranges(query),
      checkpoint: (job) => inner.checkpoint(job),
      tallies: (job) => inner.tallies(job),
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
    this.#watch.asked(turn);
    switch (this.mood) {
      case 'ready':
        return this.write(turn);
      case 'slow':
        return this.#random.chance(0.5) ? this.#answerLate(turn) : this.#late(async () => this.write(turn));
      case 'failing':
        if (this.#random.chance(0.5)) throw injected();
        return this.#late(() => Promise.reject(injected()));
      default:
        return this.mood satisfies never;
    }
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
    return work();
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

function injected(): TickwiseError {
  return new TickwiseError('STORE_UNUSABLE', INJECTED);
}
