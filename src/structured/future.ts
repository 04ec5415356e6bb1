/** A result that is set once and awaited by many. */
import type { Within } from '../core/context.ts';
import type { Source, Taken } from './source.ts';
import { WaitingLine } from './waiting-line.ts';

type State<Value> =
  | { readonly kind: 'pending' }
  | { readonly kind: 'resolved'; readonly value: Value }
  | { readonly kind: 'rejected'; readonly reason: unknown };

/**
 * Settles exactly once: the first `resolve` or `reject` counts, the others are told that they came too late. Whoever waits may
 * give up, and leaves nothing behind. A rejection that nobody awaits harms nobody. As a source of `select` it has its value for ever.
 */
export class Future<Value> implements Source<Value> {
  readonly #line = new WaitingLine<void>();
  readonly #watchers = new Set<() => void>();
  #state: State<Value> = { kind: 'pending' };

  /**
   * The future of work that has begun: it settles as the work does, so that a failed task never leaves its waiter hanging.
   *
   * @param work its promise, or a function that is called at once and may throw
   */
  static of<Value>(work: PromiseLike<Value> | (() => Value | PromiseLike<Value>)): Future<Value> {
    const future = new Future<Value>();
    const begun = typeof work === 'function' ? new Promise<Value>((resolve) => resolve(work())) : work;
    begun.then(
      (value) => future.resolve(value),
      (reason: unknown) => future.reject(reason),
    );
    return future;
  }

  /** Whether it is set. */
  get settled(): boolean {
    return this.#state.kind !== 'pending';
  }

  /** Sets the value. @returns `false` when it was settled before; nothing changes then */
  resolve(value: Value): boolean {
    return this.#settle({ kind: 'resolved', value });
  }

  /** Sets the failure. @returns `false` when it was settled before; nothing changes then */
  reject(reason: unknown): boolean {
    return this.#settle({ kind: 'rejected', reason });
  }

  /**
   * Waits for the result.
   *
   * @param within a context, or `{ signal }`, with which the waiter gives up; the future does not mind
   * @throws rejects with what `reject` was given, or with the signal's reason
   */
  async wait(within?: Within): Promise<Value> {
    within?.signal.throwIfAborted();
    if (!this.settled) await this.#line.wait(within, undefined);
    return this.#result() as Value;
  }

  tryTake(): Taken<Value> | undefined {
    return this.settled ? { done: false, value: this.#result() as Value } : undefined;
  }

  watch(wake: () => void): Disposable {
    if (this.settled) wake();
    else this.#watchers.add(wake);
    return { [Symbol.dispose]: () => void this.#watchers.delete(wake) };
  }

  #result(): Value | undefined {
    if (this.#state.kind === 'rejected') throw this.#state.reason;
    return this.#state.kind === 'resolved' ? this.#state.value : undefined;
  }

  #settle(state: State<Value>): boolean {
    if (this.settled) return false;
    this.#state = state;
    while (this.#line.serve(undefined) !== undefined);
    for (const wake of this.#watchers) wake();
    this.#watchers.clear();
    return true;
  }
}
