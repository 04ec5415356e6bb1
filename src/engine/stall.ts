/** Notices a run whose steps come back not done, with no checkpoint, no progress and no time spent, and slows it down. */
import type { DurationMs, MonotonicMs } from '../core/time.ts';

/** Empty steps this much in a row, each shorter than {@link NO_TIME_MS} on average, are a stall. */
const STALLED_AFTER_MS = 250;
/** With a clock that stands still (a test), the count says the same. */
const STALLED_AFTER_STEPS = 5_000_000;
const NO_TIME_MS = 0.02;
const LONGEST_DELAY_MS = 100;
/** How often the clock is looked at: not each step, which would cost more than the step. */
const LOOK_EACH = 256;

/** One for each attempt. */
export class StallWatch {
  /** Set when the stall was noticed; never reset, for it is a fault of the task that its author should see. */
  flagged = false;
  #empty = 0;
  #since: MonotonicMs = 0;
  #delayMs: DurationMs = 0;

  /**
   * Counts a step that came back with nothing.
   *
   * @param startedAt when the step was started
   * @returns how long to wait before the next one: 0 until a stall is noticed, then 1 ms, doubling up to 100 ms
   */
  emptyStep(startedAt: MonotonicMs): DurationMs {
    if (this.#empty++ === 0) this.#since = startedAt;
    if (this.#delayMs > 0) return this.#slower();
    if (this.#empty % LOOK_EACH !== 0) return 0;
    const spent = startedAt - this.#since;
    const isLong = spent >= STALLED_AFTER_MS || this.#empty >= STALLED_AFTER_STEPS;
    if (!isLong || spent / this.#empty >= NO_TIME_MS) return 0;
    this.flagged = true;
    return this.#slower();
  }

  /** A step brought a checkpoint or progress: full speed again. */
  movedOn(): void {
    this.#empty = 0;
    this.#delayMs = 0;
  }

  #slower(): DurationMs {
    this.#delayMs = Math.min(LONGEST_DELAY_MS, this.#delayMs === 0 ? 1 : this.#delayMs * 2);
    return this.#delayMs;
  }
}
