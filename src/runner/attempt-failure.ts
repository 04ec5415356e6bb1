/** How an attempt in a host can fail that no step of it has failed, each in one line; and how its end is judged from outside. */
import { type ErrorRecord, errorRecord, TickwiseError } from '../core/errors.ts';
import type { JobName } from '../core/job.ts';
import type { AttemptEnd } from '../core/ports.ts';
import { judge, type LastStep, type StopReason } from '../core/run.ts';
import type { HostExit } from './pool.ts';

/** The host ended on its own. @param what the host is, e.g. `thread` */
export function crashOf(job: JobName, what: string, { code, signal, error }: HostExit): TickwiseError {
  const how = signal === null ? `exit code ${code}` : `signal ${signal}`;
  const why = error === undefined ? '' : ` (${error.message})`;
  return new TickwiseError('RUN_CRASHED', `job ${job}: the run's ${what} ended on its own with ${how}${why}`, {
    facts: { code, signal },
  });
}

/** The host said that nobody caught an error of the run. */
export function uncaughtOf(job: JobName, error: ErrorRecord): TickwiseError {
  const crash = new TickwiseError('RUN_CRASHED', `job ${job}: nobody caught an error of the run: ${error.message}`);
  if (error.stack !== undefined) crash.stack = error.stack;
  return crash;
}

/** No host could be made. */
export function notStarted(job: JobName, cause: unknown): TickwiseError {
  const message = `job ${job}: no thread or process could be started for the run: ${errorRecord(cause).message}`;
  return new TickwiseError('RUN_CRASHED', message, { cause });
}

/** The order cannot be sent. */
export function notHandedOver(job: JobName, cause: unknown): TickwiseError {
  const why = cause instanceof Error ? cause.message : 'its input is not JSON';
  return new TickwiseError('TASK_INVALID', `job ${job}: the run cannot be handed over: ${why}`, { cause });
}

/**
 * Judges an end again that the host judged by the first reason to stop that it knew, which need not be the first.
 *
 * @param stop the reason that came first; without one, the stop is one that the task's own time-bounded loop knew
 * @param end as the host judged it
 * @returns never `killed`, for force is not the host's to report; nor an end by a stop of which nobody knows the reason
 */
export function rejudge(stop: StopReason | undefined, end: AttemptEnd): AttemptEnd['outcome'] {
  const isUnexplained = end.stop === undefined && (end.outcome === 'timedOut' || end.outcome === 'cancelled');
  if (stop === undefined) return end.outcome === 'killed' || isUnexplained ? 'failed' : end.outcome;
  const last: LastStep = end.outcome === 'succeeded' ? 'done' : end.outcome === 'unfinished' ? 'more' : 'threw';
  return judge(stop, last);
}
