/** Waiting by the clock port. */
import type { Within } from '../core/context.ts';
import type { Clock } from '../core/ports.ts';
import type { DurationMs } from '../core/time.ts';
import { onAbort } from './on-abort.ts';

/**
 * Waits, and gives up with the signal. No timer and no listener is left behind, whichever comes first.
 *
 * @param clock by which it waits
 * @param ms milliseconds; 0 or less: a turn of the clock
 * @param within what can cut it short
 * @throws rejects with the signal's reason
 */
export function sleep(clock: Clock, ms: DurationMs, { signal }: Within): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason as Error);
      return;
    }
    const unlisten = onAbort(signal, () => {
      timer.cancel();
      reject(signal.reason as Error);
    });
    const timer = clock.setTimer(clock.monotonic() + ms, () => {
      unlisten();
      resolve();
    });
  });
}
