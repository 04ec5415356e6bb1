/** The clock as one simulated process has it: when the process dies, its timers and deferred calls die with it. */
import type { Clock, Timer } from '../core/ports.ts';

/** A clock that can end. */
export interface ProcessClock extends Clock {
  /** Timers that would still fire, by how many milliseconds from now. */
  pendingMs(): readonly number[];
  /** Nothing that was set fires any more. */
  end(): void;
}

/** @param clock the clock of the world. @returns a clock for one process */
export function createProcessClock(clock: Clock): ProcessClock {
  const pending = new Map<object, { readonly timer: Timer; readonly at: number }>();
  let isOver = false;
  return {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    setTimer(at, callback) {
      const key = {};
      if (isOver) return { cancel: () => {} };
      const fire = (): void => {
        pending.delete(key);
        if (!isOver) callback();
      };
      const timer = clock.setTimer(at, fire);
      pending.set(key, { timer, at });
      return {
        cancel() {
          pending.delete(key);
          timer.cancel();
        },
      };
    },
    defer: (callback) =>
      clock.defer(() => {
        if (!isOver) callback();
      }),
    pendingMs: () => [...pending.values()].map(({ at }) => at - clock.monotonic()),
    end() {
      isOver = true;
      for (const { timer } of pending.values()) timer.cancel();
      pending.clear();
    },
  };
}
