/** The real clocks and timers. */
import type { Clock, Timer } from '../core/ports.ts';
import type { MonotonicMs } from '../core/time.ts';

/** The longest delay that `setTimeout` takes; above it, it fires after 1 ms. */
const LONGEST_DELAY_MS = 2 ** 31 - 1;

/**
 * The machine's clocks: wall time by `Date.now`, monotonic time by `performance.now`.
 *
 * `setTimeout` counts whole milliseconds from a cached instant, and may fire up to one of them early; a timer here looks at the
 * monotonic clock when it fires and arms itself again until its instant is reached.
 *
 * @returns a clock; as many as one likes may exist, they agree
 */
export function createSystemClock(): Clock {
  return {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    setTimer: (at, callback) => new ChainedTimer(at, callback),
    defer: (callback) => {
      setImmediate(callback);
    },
  };
}

class ChainedTimer implements Timer {
  readonly at: MonotonicMs;
  callback: (() => void) | undefined;
  handle: NodeJS.Timeout;

  constructor(at: MonotonicMs, callback: () => void) {
    this.at = Number.isNaN(at) ? 0 : at;
    this.callback = callback;
    this.handle = this.arm();
  }

  /** Whoever keeps a cancelled timer keeps nothing else alive with it. */
  cancel(): void {
    clearTimeout(this.handle);
    this.callback = undefined;
  }

  arm(): NodeJS.Timeout {
    const delayMs = Math.ceil(this.at - performance.now());
    return setTimeout(fire, Math.min(LONGEST_DELAY_MS, Math.max(1, delayMs)), this);
  }
}

function fire(timer: ChainedTimer): void {
  if (performance.now() < timer.at) {
    timer.handle = timer.arm();
    return;
  }
  const { callback } = timer;
  timer.callback = undefined;
  callback?.();
}
