/** Token buckets, one for each caller or address, in bounded memory. */
import type { Clock } from '../core/ports.ts';
import type { DurationMs, MonotonicMs } from '../core/time.ts';

interface Bucket {
  level: number;
  filledAt: MonotonicMs;
}

/** How large a bucket is, and how fast it fills. */
export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

/**
 * Buckets by key. No more than `mostKeys` are kept: one that is full again is forgotten, as a new one is the same. When none is,
 * newcomers share one bucket, so that a flood from many addresses cannot make the door forget whom it has slowed down.
 */
export class RateLimit {
  readonly #clock: Clock;
  readonly #rate: Rate;
  readonly #mostKeys: number;
  /** The one that was used longest ago comes first. */
  readonly #buckets = new Map<string, Bucket>();
  readonly #shared: Bucket;

  constructor(clock: Clock, rate: Rate, mostKeys = 10_000) {
    this.#clock = clock;
    this.#rate = rate;
    this.#mostKeys = mostKeys;
    this.#shared = { level: rate.burst, filledAt: clock.monotonic() };
  }

  /** How many keys are remembered. */
  get size(): number {
    return this.#buckets.size;
  }

  /**
   * Takes one from a bucket.
   *
   * @returns 0 if there was one; else how long it takes until there is
   */
  take(key: string): DurationMs {
    const bucket = this.#find(key);
    this.#fill(bucket);
    if (bucket.level < 1) return Math.ceil(((1 - bucket.level) / this.#rate.perSecond) * 1_000);
    bucket.level -= 1;
    return 0;
  }

  #find(key: string): Bucket {
    let bucket = this.#buckets.get(key);
    if (bucket === undefined) {
      if (!this.#hasRoom()) return this.#shared;
      bucket = { level: this.#rate.burst, filledAt: this.#clock.monotonic() };
    }
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    return bucket;
  }

  #hasRoom(): boolean {
    if (this.#buckets.size < this.#mostKeys) return true;
    const [oldest] = this.#buckets;
    if (oldest === undefined) return false;
    this.#fill(oldest[1]);
    return oldest[1].level >= this.#rate.burst && this.#buckets.delete(oldest[0]);
  }

  #fill(bucket: Bucket): void {
    const now = this.#clock.monotonic();
    const { burst, perSecond } = this.#rate;
    bucket.level = Math.min(burst, bucket.level + ((now - bucket.filledAt) / 1_000) * perSecond);
    bucket.filledAt = now;
  }
}
