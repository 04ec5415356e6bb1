/** What a failure under a context is: the echo of a cancellation, or something of its own. */
import { TickwiseError } from '../core/errors.ts';

/**
 * Whether an error says no more than that the signal was aborted: its reason, an `AbortError`, or an error that has the reason as
 * its cause; or two of these, where the end of a block threw over what the block had thrown.
 *
 * @param thrown what came out of the work
 * @param signal under which the work ran
 */
export function isEcho(thrown: unknown, signal: AbortSignal): boolean {
  if (!signal.aborted) return false;
  const reason: unknown = signal.reason;
  if (thrown instanceof SuppressedError) return isEcho(thrown.error, signal) && isEcho(thrown.suppressed, signal);
  return thrown === reason || (thrown instanceof Error && (thrown.name === 'AbortError' || thrown.cause === reason));
}

/**
 * Says which of several tasks failed; the cause is what it threw, untouched.
 *
 * @param thrown any value
 * @param task its name, or `task` and its number
 */
export function taskFailed(thrown: unknown, task: string): TickwiseError {
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new TickwiseError('TASK_FAILED', `${task}: ${message}`, { cause: thrown, facts: { task } });
}
