/** When a failed attempt is repeated. */
import type { RetryPolicy } from './job.ts';
import type { DurationMs } from './time.ts';

/**
 * The delay before the next attempt, or the decision to give up.
 *
 * @param policy the job's policy; absent means one attempt
 * @param attempt the attempt that failed, counted from 1
 * @param remainingMs what is left of the run's budget
 * @param random a number in [0, 1) for the jitter
 * @returns milliseconds to wait; `undefined` when no attempt is left, or the delay would spend the budget
 */
export function retryDelay(
  policy: RetryPolicy | undefined,
  attempt: number,
  remainingMs: DurationMs,
  random: number,
): DurationMs | undefined {
  if (policy === undefined || attempt >= policy.attempts) return undefined;
  // The cap keeps no delay (0) at nothing: 0 × Infinity is not a number.
  const growth = Math.min(Number.MAX_VALUE, policy.factor ** (attempt - 1));
  const full = Math.min(policy.maxDelayMs, policy.delayMs * growth);
  const delay = Math.round(full * (1 - policy.jitter * random));
  return delay < remainingMs ? delay : undefined;
}
