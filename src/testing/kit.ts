/**
 * `tickwise/testing`: what it takes to test one's own tasks without a daemon and without waiting. Time is virtual: a run that
 * spends its budget of an hour takes a moment, and takes the same course each time.
 *
 * ```ts
 * const clock = createVirtualClock();
 * const first = await runTick(new Import(), { clock, budget: '10s', killAtStep: 3 });
 * const second = await runTick(new Import(), { clock, budget: '10s', checkpoint: first.checkpoint });
 * ```
 */
import { type Job, JOB_DEFAULTS } from '../core/job.ts';
import type { RunObserver, RunOrder } from '../core/ports.ts';
import type { TaskContext } from '../core/task.ts';
import { runIdOf } from '../core/tick.ts';
import { type Instant, parseDuration } from '../core/time.ts';
import { type EnteredTask, enterTask } from '../engine/handler.ts';
import { TaskOutcome } from '../engine/outcome.ts';
import { RunLoop } from '../engine/run-loop.ts';
import { SharedTurn } from '../engine/turn.ts';
import { createVirtualClock, type VirtualClock } from './virtual-clock.ts';

export { createVirtualClock, type VirtualClock, type VirtualClockOptions } from './virtual-clock.ts';
export { TaskOutcome } from '../engine/outcome.ts';

/** A line that the task under test wrote. */
export interface LoggedLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly text: string;
  readonly fields: Record<string, unknown> | undefined;
}

/** What one run is given. Durations are texts such as `"250ms"`, `"30s"`, `"5m"`. */
export interface RunTickOptions {
  /** `"1h"` unless given. */
  readonly budget?: string;
  /** `"5s"` unless given. */
  readonly grace?: string;
  /** A step that takes longer is asked to stop. */
  readonly stepTimeout?: string;
  /** JSON: what an earlier outcome held as its checkpoint. */
  readonly checkpoint?: unknown;
  readonly input?: unknown;
  /** The time of the run. Absent: a clock of its own, which waits for real input and output before it jumps. */
  readonly clock?: VirtualClock;
  /** Named in `context.job`; `task` unless given. */
  readonly job?: string;
  /** The instant for which the run is started; now unless given. */
  readonly tick?: Instant;
  readonly attempt?: number;
  readonly fence?: number;
  /** What `context.value` sees. */
  readonly values?: ReadonlyMap<string | symbol, unknown>;
  /** Aborting it stops the run, as a cancel does. */
  readonly signal?: AbortSignal;
  /**
   * The process dies when this many steps have finished and the next one is about to begin. The outcome is `killed`, with what
   * the next run would find in the ledger: hand its `checkpoint` to another `runTick` to see the task go on from there.
   */
  readonly killAtStep?: number;
  /** Gets the lines that the task writes with `context.log`. */
  readonly onLine?: (line: LoggedLine) => void;
}

const DEFAULTS = { budget: '1h', grace: '5s', job: 'task' } as const;

/**
 * Runs a task once, through the scheduler's own step loop, as inline isolation does.
 *
 * @param task a handler with `handleTimeoutTask`, a class with it, a function that returns one, a plain async function, or an
 *   `AsyncTask` such as `timeoutTask` makes
 * @param options see {@link RunTickOptions}
 * @returns how it ended; what a step throws is an outcome, `failed`
 * @throws TickwiseError `DURATION_INVALID`; Error when the task waits for something that can never happen, e.g. a promise that
 *   nothing settles
 */
export async function runTick(task: unknown, options: RunTickOptions = {}): Promise<TaskOutcome> {
  const clock = options.clock ?? createVirtualClock({ waitForRealWork: true });
  const order = orderOf(options, clock);
  const { killAtStep = Infinity, signal, values } = options;
  const death = new Death(task, killAtStep);
  const loop = new RunLoop(() => (killAtStep === Infinity ? task : death), order, observerOf(options), {
    clock,
    turn: new SharedTurn(clock),
    lateNote: 'its handler has not settled',
    values,
  });
  const onAbort = (): void => loop.stop({ kind: 'cancel', by: 'signal' });
  if (signal?.aborted === true) onAbort();
  signal?.addEventListener('abort', onAbort, { once: true });
  const end = await clock.waitFor(loop.ended);
  signal?.removeEventListener('abort', onAbort);
  return new TaskOutcome(death.struck ? { ...end, outcome: 'killed', steps: killAtStep, error: undefined } : end);
}

/** Lets so many steps through to the task, and then strikes. */
class Death implements EnteredTask {
  struck = false;
  readonly #task: unknown;
  readonly #atStep: number;
  #entered: EnteredTask | undefined;

  constructor(task: unknown, atStep: number) {
    this.#task = task;
    this.#atStep = atStep;
  }

  handleTimeoutTask(context: TaskContext): ReturnType<EnteredTask['handleTimeoutTask']> {
    if (context.step > this.#atStep) {
      this.struck = true;
      throw new Error('the process dies here');
    }
    this.#entered ??= enterTask(this.#task, context.job, context);
    return this.#entered.handleTimeoutTask(context);
  }
}

function orderOf(options: RunTickOptions, clock: VirtualClock): RunOrder {
  const { checkpoint, attempt = 1, fence = 1, stepTimeout } = options;
  const { budget, grace, job: name } = { ...DEFAULTS, ...options };
  const budgetMs = parseDuration(budget);
  const tick = options.tick ?? clock.now();
  const job: Job = { ...JOB_DEFAULTS, name, isolation: 'inline', task: { kind: 'function', target: undefined } };
  return {
    job,
    runId: runIdOf(name, tick),
    tick,
    fence,
    attempt,
    input: options.input,
    checkpoint: checkpoint === undefined ? undefined : JSON.stringify(checkpoint),
    deadline: clock.now() + budgetMs,
    budgetEnd: clock.monotonic() + budgetMs,
    graceMs: parseDuration(grace),
    stepTimeoutMs: stepTimeout === undefined ? undefined : parseDuration(stepTimeout),
  };
}

function observerOf({ onLine }: RunTickOptions): RunObserver {
  return {
    stepped() {},
    stopping() {},
    blocked() {},
    stalled() {},
    line: (level, _source, text, fields) => onLine?.({ level, text, fields }),
  };
}
