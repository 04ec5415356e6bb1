/** Whether a daemon is well. */
import type { Health } from '../core/control.ts';
import type { DurationMs, MonotonicMs } from '../core/time.ts';
import { roughly } from './instant-text.ts';
import type { LiveState } from './live-state.ts';
import { LONGEST_SLEEP_MS } from './wake-timer.ts';

/** A loop that has not moved for longer stands still: its timer is never set for longer than the longest sleep. */
export const LONGEST_STILL_MS: DurationMs = LONGEST_SLEEP_MS + 5_000;
/** Blocked runs that are named. */
const MOST_SHOWN = 5;

/**
 * Looks at a scheduler.
 *
 * @param state of the scheduler
 * @param monotonic the clock now
 * @param lostLines lines of runs that the store would not take
 * @returns its health; never throws
 */
export function healthOf(state: LiveState, monotonic: MonotonicMs, lostLines: number): Health {
  const { loopMovedMsAgo, outage, isDraining, isRunning } = state;
  const alive = loopMovedMsAgo <= LONGEST_STILL_MS;
  const faults: string[] = [];
  if (!alive) faults.push(`the scheduler's loop has not moved for ${roughly(loopMovedMsAgo)}`);
  if (isDraining) faults.push('the daemon is shutting down');
  else if (!isRunning) faults.push('the daemon has not begun yet');
  if (outage !== undefined) faults.push(`the store has failed for ${roughly(monotonic - outage.since)}: ${outage.error.message}`);
  const blocked = [...state.runs()].filter((run) => run.state === 'blocked');
  for (const { grant, blockedOn } of blocked.slice(0, MOST_SHOWN))
    faults.push(`run ${grant.runId} of job ${grant.job} is blocked: ${blockedOn ?? 'no proof of its end'}`);
  if (blocked.length > MOST_SHOWN) faults.push(`${blocked.length - MOST_SHOWN} more runs are blocked`);
  if (lostLines > 0) faults.push(`${lostLines} lines of run logs are lost, for the store failed`);
  return { loopMovedMsAgo, alive, ready: alive && isRunning && !isDraining && outage === undefined, faults };
}
