/** What is written of a run when its end is proved. */
import type { Bounds } from '../core/budget.ts';
import type { AttemptEnd } from '../core/ports.ts';
import type { EndWrite } from '../core/store.ts';
import { describeStop, type StopReason } from '../core/run.ts';
import type { Instant } from '../core/time.ts';
import type { LiveRun } from './live-run.ts';

/**
 * The write that ends a run under its fence.
 *
 * @param run with the figures of all its attempts
 * @param end of its last attempt
 * @param stop the reason that won, if the attempt does not name it itself
 * @param bounds that were in force
 * @param windingDown the daemon was shutting down
 * @param endedAt the wall clock
 * @returns a checkpoint only where it differs from what the ledger has
 */
export function endWriteOf(
  run: LiveRun,
  end: AttemptEnd,
  stop: StopReason | undefined,
  { budgetMs, graceMs }: Bounds,
  windingDown: boolean,
  endedAt: Instant,
): EndWrite {
  const { job, runId, fence } = run.grant;
  const reason = end.stop ?? stop;
  return {
    job,
    runId,
    fence,
    outcome: end.outcome,
    reason: reason === undefined ? unstoppedReason(end, windingDown) : describeStop(reason),
    by: reason?.kind === 'cancel' ? reason.by : undefined,
    startedAt: run.startedAt,
    endedAt,
    budgetMs,
    graceMs,
    steps: run.steps,
    attempts: run.attempts,
    checkpoint: end.checkpoint === run.savedCheckpoint && !run.isCheckpointInDoubt ? undefined : (end.checkpoint ?? null),
    progress: end.progress ?? run.progress,
    result: end.result,
    error: end.error,
    stalled: run.isStalled || undefined,
  };
}

/** A run that ended between steps, with more to do, was asked for nothing. */
function unstoppedReason(end: AttemptEnd, windingDown: boolean): string | undefined {
  if (end.outcome !== 'unfinished') return undefined;
  return windingDown ? 'shutdown' : 'budget';
}

/**
 * What is written of a run that ends before it began.
 *
 * @param run a grant that is not taken up; or, without a fence, a run that waits behind its slot
 * @param by who takes it back
 * @param endedAt the wall clock
 */
export function withdrawalOf(run: Pick<EndWrite, 'job' | 'runId' | 'fence'>, by: string, endedAt: Instant): EndWrite {
  const { job, runId, fence } = run;
  return { job, runId, fence, outcome: 'cancelled', reason: `cancelled by ${by}`, by, endedAt, steps: 0, attempts: 0 };
}
