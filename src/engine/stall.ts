/** A run whose steps come back not done, with no checkpoint, no progress and no time spent: it is noticed, and slowed down. */
import type { DurationMs, MonotonicMs } from '../core/time.ts';

/** How often in a row of empty steps the time is looked at: at each, it would cost more than the step. */
const LOOK_EACH = 256;
/** Empty steps for this long in a row, each shorter than {@link NO_TIME_MS} on average, are a stall. */
const STALLED_AFTER_MS = 250;
/** With a clock that stands still (a test), the count says the same. */
const STALLED_AFTER_STEPS = 5_000_000;
const NO_TIME_MS = 0.02;
const LONGEST_DELAY_MS = 100;

/** For one attempt. */
export class StallWatch {
  /** Set when a stall is noticed, and kept: it is a fault of the task that its author should see. */
  isStalled = false;
  #empties = 0;
  #since: MonotonicMs = 0;
  #delayMs: DurationMs = 0;
  #isSlow = false;

  /**
   * Counts a step that came back with nothing.
   *
   * @param startedAt when it began
   * @returns whether the next one may follow at once; else ask for the `delay`
   */
  passes(startedAt: MonotonicMs): boolean {
    if (this.#empties++ === 0) this.#since = startedAt;
    return this.#empties % LOOK_EACH !== 0 && !this.#isSlow;
  }

  /**
   * How long to wait before the next step.
   *
   * @param startedAt when the last one began
   * @returns 0 unless the run has stalled; then 1 ms, doubling up to 100 ms
   */
  delay(startedAt: MonotonicMs): DurationMs {
    const spentMs = startedAt - this.#since;
    const isLong = spentMs >= STALLED_AFTER_MS || this.#empties >= STALLED_AFTER_STEPS;
    this.#isSlow ||= isLong && spentMs / this.#empties < NO_TIME_MS;
    if (!this.#isSlow) return 0;
    this.isStalled = true;
    this.#delayMs = Math.min(LONGEST_DELAY_MS, this.#delayMs === 0 ? 1 : this.#delayMs * 2);
    return this.#delayMs;
  }

  /** A step brought a checkpoint or progress: full speed again. */
  movedOn(): void {
    this.#empties = 0;
    this.#isSlow = false;
    this.#delayMs = 0;
  }
}
