/**
 * The words of structured concurrency: contexts that form a tree, and what hangs on them. Implemented in `structured/`; the
 * context of a run's steps is one of them.
 */
import type { DurationMs, Instant } from './time.ts';

/** Whatever can be told to give up: a context, or `{ signal }`. */
export interface Within {
  readonly signal: AbortSignal;
}

/**
 * A node of the tree. What is derived from it can only be stricter: its deadline is never later, and it is cancelled when this
 * one is. Its functions may be taken out of it.
 */
export interface Context extends Within {
  /** Aborted when this context or one above it is cancelled or runs out of time; the reason is kept as it was given. */
  readonly signal: AbortSignal;
  /** When its time is over, epoch milliseconds; `Infinity` where there is no limit. */
  readonly deadline: Instant;
  /** Milliseconds left, by a clock that never steps; never below 0. */
  readonly remainingMs: () => DurationMs;
  /** The nearest value of that key, here or above; `undefined` where there is none. */
  readonly value: (key: string | symbol) => unknown;
  /** Waits, and rejects with the signal's reason when the context is cancelled. */
  readonly sleep: (ms: DurationMs) => Promise<void>;
  /** The global `fetch`, bound to the signal. */
  readonly fetch: typeof globalThis.fetch;
  /** A child that can be cancelled by itself. */
  readonly withCancel: () => ChildContext;
  /** A child that ends at an instant, epoch milliseconds, if this context does not end earlier. */
  readonly withDeadline: (at: Instant) => ChildContext;
  /** A child that ends after so many milliseconds, if this context does not end earlier. */
  readonly withTimeout: (ms: DurationMs) => ChildContext;
  /** A child that sees one value more. */
  readonly withValue: (key: string | symbol, value: unknown) => ChildContext;
  /** A context with these values, and neither this deadline nor this cancellation: for work that must outlive its caller. Who makes it must end it. */
  readonly detached: () => ChildContext;
  /**
   * Waits for a mutex by its name, one for all runs of the process, threads included; whoever gets the lease has it until it is
   * disposed of. It is not re-entrant: who holds it and asks again waits for itself.
   * Rejects with the signal's reason as soon as the context is cancelled, and has left the queue by then.
   */
  readonly lock: (name: string) => Promise<Lease>;
  /** A group of tasks that are awaited together; made for `await using`. */
  readonly group: () => TaskGroup;
  /** Runs tasks, at most so many at once, and gives what they gave, in the order of the tasks. */
  readonly gather: Gather;
}

/** A derived context. `using` ends it: what is still under it is cancelled, and its parent forgets it. */
export interface ChildContext extends Context, Disposable {
  /** Cancels this context and all below it; the first reason stays. Without one it is a TickwiseError `CONTEXT_CANCELLED`. */
  readonly cancel: (reason?: unknown) => void;
}

/** The right to go on, until it is disposed of; disposing twice is harmless. */
export interface Lease extends Disposable {
  /** The same as disposing. */
  release(): void;
}

/** A piece of work under a context, which it is expected to heed. */
export type Work<Value> = (context: Context) => Value | PromiseLike<Value>;

/** Tasks that live and end together. `await using` waits for all of them, and throws their first failure. */
export interface TaskGroup extends AsyncDisposable {
  /** What its tasks are given: cancelled by the first failure, by `cancel`, and with the context that the group was made under. */
  readonly context: Context;
  /** Tasks that have not ended. */
  readonly live: number;
  /**
   * Starts a task at once. A task of a group that has been cancelled is not started.
   *
   * @param name for errors
   * @returns what the task gives or throws; it need not be looked at, the group looks after it
   * @throws TickwiseError `SCOPE_CLOSED` when the group has ended
   */
  start<Value>(work: Work<Value>, name?: string): Promise<Value>;
  /**
   * Resolves when all tasks have ended, those that tasks have started included.
   *
   * @throws TickwiseError `TASK_FAILED` for the first failure, which is its cause; or the reason for which the context above was
   *   cancelled, if that cut a task short. A group that was cancelled by its own `cancel` resolves
   */
  wait(): Promise<void>;
  /** Cancels all tasks; `wait` tells when they have ended. */
  cancel(reason?: unknown): void;
}

/** How tasks are gathered. */
export interface GatherOptions {
  /** Tasks at work at once; all unless given. */
  readonly concurrency?: number;
  /** After so many milliseconds what has not ended is cancelled. */
  readonly timeoutMs?: DurationMs;
  /** `all` (unless given): the first failure cancels the others and is thrown. `settled`: nothing is thrown, each result is marked. */
  readonly mode?: 'all' | 'settled';
}

/** One marked result. `cancelled`: cut short, or never started (`started: false`), by the timeout or with the context above. */
export type Gathered<Value> =
  | { readonly status: 'fulfilled'; readonly value: Value }
  | { readonly status: 'rejected'; readonly reason: unknown }
  | { readonly status: 'cancelled'; readonly reason: unknown; readonly started: boolean };

/** Runs tasks and waits until each of them has ended, whatever becomes of them. */
export interface Gather {
  <Value>(works: Iterable<Work<Value>>, options: GatherOptions & { readonly mode: 'settled' }): Promise<Gathered<Value>[]>;
  /** @throws TickwiseError `TASK_FAILED` with the first failure as its cause, or the reason of the cancellation */
  <Value>(works: Iterable<Work<Value>>, options?: GatherOptions & { readonly mode?: 'all' }): Promise<Value[]>;
}
