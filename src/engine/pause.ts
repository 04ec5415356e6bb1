/** A wait that can be cut short. */
import type { Clock } from '../core/ports.ts';
import type { MonotonicMs } from '../core/time.ts';

/** One wait at a time. */
export class Pause {
  #end: (() => void) | undefined;

  /**
   * Waits until an instant of the monotonic clock, or until `end` is called.
   *
   * @param clock its timers
   * @param at when the wait is over by itself
   */
  until(clock: Clock, at: MonotonicMs): Promise<void> {
    return new Promise((resolve) => {
      const timer = clock.setTimer(at, () => this.end());
      this.#end = () => {
        this.#end = undefined;
        timer.cancel();
        resolve();
      };
    });
  }

  /** Ends the wait that is on, if any. */
  end(): void {
    this.#end?.();
  }
}
