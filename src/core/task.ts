/** The words of whoever writes steps: handlers, their context, their results. */
import type { Context } from './context.ts';
import { TickwiseError } from './errors.ts';
import type { JobName } from './job.ts';
import type { DurationMs, Instant } from './time.ts';

/** How far a run has come, for people to watch. */
export interface Progress {
  readonly completed: number;
  readonly total?: number;
  readonly message?: string;
}

/** What a step may return instead of a boolean. */
export interface StepResult<Checkpoint = unknown> {
  /** `true`: the work is finished. `false`: call again while budget remains. */
  readonly done: boolean;
  /** JSON of at most 1 MiB. The next run starts from it. Kept from the last step that gave one; cleared by a `done` without one. */
  readonly checkpoint?: Checkpoint;
  readonly progress?: Progress;
  /** JSON of at most 1 MiB; kept with the run. */
  readonly result?: unknown;
  /** Milliseconds to wait before the next step, cut short by a stop and by the end of the budget. */
  readonly waitMs?: DurationMs;
}

/** Writes lines into the run's log. Never throws. */
export interface TaskLog {
  debug(message: string, fields?: Record<string, unknown>): void;
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
}

/**
 * What each step is given. The same object for all steps of an attempt; `step` and `checkpoint` move on. Its functions may be taken
 * out of it. What is derived from it ends with the attempt at the latest.
 */
export interface TaskContext<Checkpoint = unknown, Input = unknown> extends Context {
  readonly job: JobName;
  readonly runId: string;
  /** The instant for which this run was started, epoch milliseconds. */
  readonly tick: Instant;
  /** Counted from 1. */
  readonly attempt: number;
  /** Counted from 1, within the attempt. */
  readonly step: number;
  readonly input: Input;
  /** What the last finished step saved, in this run or an earlier one; `undefined` at a fresh start. */
  readonly checkpoint: Checkpoint | undefined;
  /** Grows by one each time the job's slot is granted: lets what you write to refuse a stale writer. */
  readonly fence: number;
  /** Aborted when the run is asked to stop; its reason is a TickwiseError `RUN_STOPPED`. */
  readonly signal: AbortSignal;
  /** When the budget is spent, epoch milliseconds. */
  readonly deadline: Instant;
  /** Milliseconds of budget left, by a clock that never steps; never below 0. */
  readonly remainingMs: () => DurationMs;
  /** A value handed down by whoever started the run; `undefined` where there is none. */
  readonly value: (key: string | symbol) => unknown;
  /** Waits, and rejects with the signal's reason when the run is asked to stop. */
  readonly sleep: (ms: DurationMs) => Promise<void>;
  /** The global `fetch`, bound to the run's signal. */
  readonly fetch: typeof globalThis.fetch;
  readonly log: TaskLog;
}

/** Step-wise work: called again and again, each call one smallest unit of work, until it says done or the budget is spent. */
export interface TimeoutTaskHandler<Checkpoint = unknown, Input = unknown> {
  handleTimeoutTask(
    context: TaskContext<Checkpoint, Input>,
  ): boolean | StepResult<Checkpoint> | Promise<boolean | StepResult<Checkpoint>>;
}

const LEGAL =
  'legal are: true (done), false (more to do), or {done: boolean, checkpoint?, progress?: {completed, total?, message?}, result?, waitMs?}';

/**
 * Checks what a step returned.
 *
 * @param returned any value
 * @param job named in the error
 * @returns the same value, typed
 * @throws TickwiseError `STEP_RESULT_INVALID`, naming the job and listing what is legal
 */
export function parseStepResult(returned: unknown, job: JobName): boolean | StepResult {
  if (typeof returned === 'boolean') return returned;
  const fault = faultOf(returned);
  if (fault === undefined) return returned as StepResult;
  throw new TickwiseError('STEP_RESULT_INVALID', `job ${job}: a step returned ${fault}; ${LEGAL}`);
}

function faultOf(returned: unknown): string | undefined {
  if (typeof returned !== 'object' || returned === null || Array.isArray(returned)) {
    return returned === undefined
      ? 'nothing (undefined)'
      : returned === null
        ? 'null'
        : `a value of type ${Array.isArray(returned) ? 'array' : typeof returned}`;
  }
  const result = returned as Record<keyof StepResult, unknown>;
  if (typeof result.done !== 'boolean') return 'an object without a boolean "done"';
  if (result.waitMs !== undefined && !isCount(result.waitMs)) return '"waitMs" that is not a finite number of at least 0';
  if (result.progress !== undefined && !isProgress(result.progress))
    return '"progress" that is not {completed, total?, message?}';
  return undefined;
}

function isProgress(value: unknown): value is Progress {
  if (typeof value !== 'object' || value === null) return false;
  const { completed, total, message } = value as Record<keyof Progress, unknown>;
  return isCount(completed) && (total === undefined || isCount(total)) && (message === undefined || typeof message === 'string');
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}
