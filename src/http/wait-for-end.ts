/** Waiting for a run on behalf of a caller: for a time, and no longer than the caller stays. */
import type { Control } from '../core/control.ts';
import type { Clock } from '../core/ports.ts';
import type { DurationMs } from '../core/time.ts';

/**
 * Waits for the end of a run, for a time.
 *
 * @param control knows the run
 * @param clock times the wait; its timer is gone when this resolves
 * @param runId whose end
 * @param bounds the longest wait, and the signal of a caller who may go away
 * @returns when the run has ended, the time is over or the caller is gone
 */
export async function waitForEnd(
  control: Control,
  clock: Clock,
  runId: string,
  { waitMs, gone }: { readonly waitMs: DurationMs; readonly gone: AbortSignal },
): Promise<void> {
  if (gone.aborted) return;
  const over = new AbortController();
  const giveUp = (): void => over.abort();
  const timer = clock.setTimer(clock.monotonic() + waitMs, giveUp);
  gone.addEventListener('abort', giveUp, { once: true });
  try {
    await control.waitForEnd(runId, over.signal);
  } finally {
    timer.cancel();
    gone.removeEventListener('abort', giveUp);
  }
}
