/** Whether a daemon is well. */
import type { Health } from '../core/control.ts';
import type { DurationMs, MonotonicMs } from '../core/time.ts';
import { roughly } from './instant-text.ts';
import type { LiveState } from './live-state.ts';
import type { RunLogs } from './run-log.ts';
import { LONGEST_SLEEP_MS } from './wake-timer.ts';

/** A loop that has not moved for longer stands still: its timer is never set for longer than the longest sleep. */
export const LONGEST_STILL_MS: DurationMs = LONGEST_SLEEP_MS + 5_000;
/** Lines that were lost are worth a word for so long. */
const LOSS_TOLD_MS: DurationMs = 3_600_000;
/** Blocked runs that are named. */
const MOST_SHOWN = 5;

/**
 * Looks at a scheduler.
 *
 * @param state of the scheduler
 * @param monotonic the clock now
 * @param logs what was lost of them
 * @returns its health; never throws
 */
export function healthOf(state: LiveState, monotonic: MonotonicMs, logs: Pick<RunLogs, 'lost' | 'lostAt'>): Health {
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
  const { lost, lostAt } = logs;
  if (lostAt !== undefined && monotonic - lostAt < LOSS_TOLD_MS)
    faults.push(`the store failed ${roughly(monotonic - lostAt)} ago, and ${lost} lines of run logs are lost`);
  return { loopMovedMsAgo, alive, ready: alive && isRunning && !isDraining && outage === undefined, faults };
}
