/** A run whose steps come back not done, with no checkpoint, no progress and no time spent: it is noticed, and slowed down. */
import type { DurationMs } from '../core/time.ts';

/** How often in a row of empty steps the clock is looked at. */
export const LOOK_EACH = 256;

/** Empty steps for this long in a row, each shorter than {@link NO_TIME_MS} on average, are a stall. */
const STALLED_AFTER_MS = 250;
/** With a clock that stands still (a test), the count says the same. */
const STALLED_AFTER_STEPS = 5_000_000;
const NO_TIME_MS = 0.02;
const LONGEST_DELAY_MS = 100;

/**
 * Whether steps that came back with nothing are a stall.
 *
 * @param empties how many in a row
 * @param spentMs from the start of the first to the start of the last
 */
export function isStall(empties: number, spentMs: DurationMs): boolean {
  const isLong = spentMs >= STALLED_AFTER_MS || empties >= STALLED_AFTER_STEPS;
  return isLong && spentMs / empties < NO_TIME_MS;
}

/** Slows a run down that has stalled once. */
export class Stall {
  #delayMs: DurationMs = 0;
  #isSlow = false;

  /**
   * How long to wait before the next step.
   *
   * @param empties and
   * @param spentMs as for {@link isStall}
   * @returns 1 ms, doubling up to 100 ms; 0 while it has got going again and has not stalled anew
   */
  delayFor(empties: number, spentMs: DurationMs): DurationMs {
    this.#isSlow ||= isStall(empties, spentMs);
    if (!this.#isSlow) return 0;
    this.#delayMs = Math.min(LONGEST_DELAY_MS, this.#delayMs === 0 ? 1 : this.#delayMs * 2);
    return this.#delayMs;
  }

  /** A step brought a checkpoint or progress: full speed again. */
  movedOn(): void {
    this.#isSlow = false;
    this.#delayMs = 0;
  }
}
