/** The clock inside a host. */
import type { Clock, Timer } from '../core/ports.ts';
import type { MonotonicMs } from '../core/time.ts';

const LONGEST_TIMER_MS = 2_147_483_647;

/**
 * The kernel's monotonic clock, the same one in every thread and process of a machine; `performance.now()` is not, for each
 * thread counts it from its own start.
 *
 * @returns milliseconds with fractions, from an arbitrary origin; never throws
 */
export function hrNow(): MonotonicMs {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** The clock of a host, and where its monotonic zero stands on the kernel's clock. */
export interface HostClock extends Clock {
  readonly originHr: MonotonicMs;
}

/**
 * Makes the clock of this thread. Its `monotonic()` is `performance.now()`, which costs a third of `hrtime`.
 *
 * @returns the clock; never throws
 */
export function createHostClock(): HostClock {
  return {
    originHr: hrNow() - performance.now(),
    now: () => Date.now(),
    monotonic: () => performance.now(),
    defer: (callback) => void setImmediate(callback),
    setTimer: (at, callback) => new HostTimer(at, callback),
  };
}

class HostTimer implements Timer {
  #timer: NodeJS.Timeout | undefined;

  constructor(at: MonotonicMs, callback: () => void) {
    this.#arm(at, callback);
  }

  cancel(): void {
    clearTimeout(this.#timer);
  }

  /** A timer of Node's may fire a fraction early, and above 2^31 − 1 ms it fires at once. */
  #arm(at: MonotonicMs, callback: () => void): void {
    const left = Math.ceil(at - performance.now());
    this.#timer = setTimeout(
      () => {
        if (performance.now() >= at) callback();
        else this.#arm(at, callback);
      },
      Math.min(Math.max(left, 0), LONGEST_TIMER_MS),
    );
  }
}
