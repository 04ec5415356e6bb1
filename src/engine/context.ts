/** The object that every step of an attempt is given. */
import type { ChildContext, Context } from '../core/context.ts';
import { TickwiseError } from '../core/errors.ts';
import type { Clock, LiveAttempt, RunObserver, RunOrder } from '../core/ports.ts';
import { describeStop, type StopReason } from '../core/run.ts';
import type { TaskContext, TaskLog } from '../core/task.ts';
import type { DurationMs, Instant, MonotonicMs } from '../core/time.ts';
import { createRoot } from '../structured/context.ts';
import { isEcho } from '../structured/failure.ts';
import { sleep } from '../structured/sleep.ts';

/**
 * A task's context. Its AbortController is made when somebody first looks at `signal`: making one costs as much as a whole
 * run of a task that never looks.
 */
export class StepContext implements TaskContext {
  readonly job: string;
  readonly runId: string;
  readonly tick: Instant;
  readonly attempt: number;
  readonly input: unknown;
  readonly fence: number;
  readonly deadline: Instant;
  step = 0;
  checkpoint: unknown;
  /** A time-bounded loop within this one (see `async-task.ts`): what stops this attempt stops it too. */
  inner: Pick<LiveAttempt, 'stop' | 'windDown' | 'saved'> | undefined;
  readonly #order: RunOrder;
  readonly #clock: Clock;
  readonly #observer: RunObserver;
  readonly #values: Pick<ReadonlyMap<string | symbol, unknown>, 'get'> | undefined;
  #controller: AbortController | undefined;
  #stop: TickwiseError | undefined;
  #log: TaskLog | undefined;
  /** The root of what is derived; made when something is. */
  #root: ChildContext | undefined;

  constructor(
    order: RunOrder,
    clock: Clock,
    observer: RunObserver,
    values: Pick<ReadonlyMap<string | symbol, unknown>, 'get'> | undefined,
  ) {
    this.job = order.job.name;
    this.runId = order.runId;
    this.tick = order.tick;
    this.attempt = order.attempt;
    this.input = order.input;
    this.fence = order.fence;
    this.deadline = order.deadline;
    this.checkpoint = order.checkpoint === undefined ? undefined : JSON.parse(order.checkpoint);
    this.#order = order;
    this.#clock = clock;
    this.#observer = observer;
    this.#values = values;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#stop !== undefined) this.#controller.abort(this.#stop);
    }
    return this.#controller.signal;
  }

  get log(): TaskLog {
    this.#log ??= taskLog(this.#observer);
    return this.#log;
  }

  get fetch(): typeof globalThis.fetch {
    return (input, init) => {
      const own = init?.signal;
      const signal = own === undefined || own === null ? this.signal : AbortSignal.any([this.signal, own]);
      return globalThis.fetch(input, { ...init, signal });
    };
  }

  // These are given out bound, and made only when asked for: steps take them out of their context, as in `({ sleep }) => …`.

  get remainingMs(): () => DurationMs {
    return () => Math.max(0, this.#order.budgetEnd - this.#clock.monotonic());
  }

  get value(): (key: string | symbol) => unknown {
    return (key) => this.#values?.get(key);
  }

  get sleep(): (ms: DurationMs) => Promise<void> {
    return (ms) => sleep(this.#clock, ms, this);
  }

  get withCancel(): Context['withCancel'] {
    return this.#tree.withCancel;
  }

  get withDeadline(): Context['withDeadline'] {
    return this.#tree.withDeadline;
  }

  get withTimeout(): Context['withTimeout'] {
    return this.#tree.withTimeout;
  }

  get withValue(): Context['withValue'] {
    return this.#tree.withValue;
  }

  get detached(): Context['detached'] {
    return this.#tree.detached;
  }

  get lock(): Context['lock'] {
    return this.#tree.lock;
  }

  get group(): Context['group'] {
    return this.#tree.group;
  }

  get gather(): Context['gather'] {
    return this.#tree.gather;
  }

  /** Aborts `signal`. Called by the step loop alone, once. */
  abort(reason: StopReason): void {
    this.#stop = new TickwiseError('RUN_STOPPED', `job ${this.job}: the run was asked to stop: ${describeStop(reason)}`, {
      facts: { ...reason },
    });
    this.#controller?.abort(this.#stop);
    this.#root?.cancel(this.#stop);
    this.inner?.stop(reason);
  }

  /** Cancels what was derived and not ended. Called by the step loop alone, when the attempt is over. */
  close(): void {
    this.#root?.[Symbol.dispose]();
  }

  get #tree(): ChildContext {
    if (this.#root === undefined) {
      this.#root = createRoot({ clock: this.#clock, values: this.#values, end: this.budgetEnd, deadline: this.deadline });
      if (this.#stop !== undefined) this.#root.cancel(this.#stop);
    }
    return this.#root;
  }

  /** What a loop within this one goes by. */
  get clock(): Clock {
    return this.#clock;
  }

  /** What a loop within this one is told to tell. */
  get observer(): RunObserver {
    return this.#observer;
  }

  /** Whether whoever drives this attempt is told of durable checkpoints. */
  get awaitsSaves(): boolean {
    return this.#order.awaitsSaves === true;
  }

  /** When this attempt's budget is spent. */
  get budgetEnd(): MonotonicMs {
    return this.#order.budgetEnd;
  }

  /** Whether an error is nothing but the echo of the abort. */
  isEcho(thrown: unknown): boolean {
    return this.#stop !== undefined && isEcho(thrown, this.signal);
  }
}

function taskLog(observer: RunObserver): TaskLog {
  const writer =
    (level: 'debug' | 'info' | 'warn' | 'error') =>
    (message: string, fields?: Record<string, unknown>): void =>
      observer.line(level, 'task', String(message), fields);
  return { debug: writer('debug'), info: writer('info'), warn: writer('warn'), error: writer('error') };
}
