/**
 * The library's two words: an `AsyncTask` is what the scheduler fires once for each tick, and `timeoutTask` makes one from a
 * `TimeoutTaskHandler` by wrapping it in the time-bounded loop.
 */
import { JOB_DEFAULTS } from '../core/job.ts';
import type { Clock, RunObserver, RunOrder } from '../core/ports.ts';
import type { StopReason } from '../core/run.ts';
import type { TaskContext, TimeoutTaskHandler } from '../core/task.ts';
import { type DurationMs, parseDuration } from '../core/time.ts';
import { StepContext } from './context.ts';
import { TaskOutcome } from './outcome.ts';
import type { LoopParts } from './loop-parts.ts';
import { RunLoop } from './run-loop.ts';
import { SharedTurn } from './turn.ts';

/** What the scheduler fires once for each tick. */
export type AsyncTask = (context: TaskContext) => Promise<TaskOutcome>;

/** The bounds of a time-bounded loop, as durations such as `"5s"`. */
export interface TimeBounds {
  /** How long the loop may go on starting steps. */
  readonly budget: string;
  /** How long a step that was asked to stop may take before it counts as blocked; `"5s"` unless given. */
  readonly grace?: string;
}

/** What one call of `runWithinBudget` may bring. */
export interface WithinBudgetOptions extends TimeBounds {
  /** Named in errors and in `context.job`; `task` unless given. */
  readonly name?: string;
  readonly input?: unknown;
  /** JSON; what an earlier outcome held as its checkpoint. */
  readonly checkpoint?: unknown;
  /** Aborting it stops the loop. */
  readonly signal?: AbortSignal;
  /** What `context.value` sees. */
  readonly values?: ReadonlyMap<string | symbol, unknown>;
  /** Told of steps, lines and a blocked end. */
  readonly observer?: Partial<RunObserver>;
}

/** Makes and runs time-bounded loops on one clock. */
export class AsyncTasks {
  readonly #clock: Clock;
  readonly #parts: LoopParts;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#parts = { clock, turn: new SharedTurn(clock), lateNote: LATE_NOTE };
  }

  /** See `timeoutTask` of the library's door. */
  timeoutTask(handler: TimeoutTaskHandler<never, never>, bounds: TimeBounds): AsyncTask {
    const budgetMs = parseDuration(bounds.budget);
    const graceMs = parseDuration(bounds.grace ?? DEFAULT_GRACE);
    return async (context) => {
      const outer = context instanceof StepContext ? context : undefined;
      // A run under test goes by its test's clock, and the loop within it too.
      const clock = outer?.clock ?? this.#clock;
      const order = orderOf(
        clock,
        context.job,
        Math.min(budgetMs, context.remainingMs()),
        graceMs,
        context.input,
        context.checkpoint,
      );
      const loop = new RunLoop(
        () => handler,
        {
          ...order,
          awaitsSaves: outer?.awaitsSaves ?? false,
          runId: context.runId,
          tick: context.tick,
          fence: context.fence,
          attempt: context.attempt,
        },
        outer?.observer === undefined ? SILENT : within(outer.observer),
        {
          clock,
          turn: clock === this.#clock ? this.#parts.turn : new SharedTurn(clock),
          values: { get: (key: string | symbol) => context.value(key) },
        },
      );
      if (outer !== undefined) outer.inner = loop;
      using _link = outer === undefined ? stopWith(context.signal, loop) : undefined;
      const end = await loop.ended;
      if (end.durations !== undefined) outer?.observer.stepped({ steps: end.steps, durations: end.durations });
      return new TaskOutcome(end);
    };
  }

  /** See `runWithinBudget` of the library's door. */
  async runWithinBudget(target: unknown, options: WithinBudgetOptions): Promise<TaskOutcome> {
    const { name = 'task', input, checkpoint, signal, values } = options;
    const order = orderOf(
      this.#clock,
      name,
      parseDuration(options.budget),
      parseDuration(options.grace ?? DEFAULT_GRACE),
      input,
      checkpoint,
    );
    const loop = new RunLoop(() => target, order, { ...SILENT, ...options.observer }, { ...this.#parts, values });
    using _link = stopWith(signal, loop);
    return new TaskOutcome(await loop.ended);
  }
}

const DEFAULT_GRACE = '5s';
const LATE_NOTE = 'its handler has not settled, and an inline handler cannot be stopped by force';

const SILENT: RunObserver = { stepped() {}, stopping() {}, blocked() {}, stalled() {}, line() {} };

/** The attempt around a loop is told of everything but the loop's own stop, which is not the attempt's. */
function within(outer: RunObserver): RunObserver {
  return {
    stepped: (update) => outer.stepped(update),
    stopping() {},
    blocked() {},
    stalled: () => outer.stalled(),
    line: (level, source, text, fields) => outer.line(level, source, text, fields),
  };
}

function stopWith(signal: AbortSignal | undefined, loop: RunLoop): Disposable {
  const onAbort = (): void => loop.stop(stopReasonOf(signal?.reason));
  if (signal?.aborted === true) onAbort();
  signal?.addEventListener('abort', onAbort, { once: true });
  return { [Symbol.dispose]: () => signal?.removeEventListener('abort', onAbort) };
}

/** The caller's own reason is kept by name: `TimeoutError`, `AbortError`, or the name that an error of the caller's has. */
function stopReasonOf(reason: unknown): StopReason {
  return { kind: 'cancel', by: reason instanceof Error ? reason.name : 'signal' };
}

function orderOf(
  clock: Clock,
  name: string,
  budgetMs: DurationMs,
  graceMs: DurationMs,
  input: unknown,
  checkpoint: unknown,
): RunOrder {
  const now = clock.now();
  return {
    job: { ...JOB_DEFAULTS, name, isolation: 'inline', task: { kind: 'function', target: undefined } },
    runId: `${name}@${now}`,
    tick: now,
    fence: 0,
    attempt: 1,
    input,
    checkpoint: checkpoint === undefined ? undefined : JSON.stringify(checkpoint),
    deadline: now + budgetMs,
    budgetEnd: clock.monotonic() + budgetMs,
    graceMs,
    stepTimeoutMs: undefined,
  };
}
