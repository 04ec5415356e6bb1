/** A bounded queue between tasks. */
import type { Within } from '../core/context.ts';
import { TickwiseError } from '../core/errors.ts';
import type { Source, Taken } from './source.ts';
import { WaitingLine } from './waiting-line.ts';

/**
 * Values go through in order, each to one receiver. Sending waits while the buffer is full. A closed channel takes nothing more and
 * gives what is left; then it is at its end.
 */
export class Channel<Value> implements Source<Value>, AsyncIterable<Value> {
  readonly capacity: number;
  readonly #buffer: Value[] = [];
  /** Where the buffer begins: a shift each time would cost as much as the buffer is long. */
  #head = 0;
  /** They bring their value, and are told whether it was taken. */
  readonly #senders = new WaitingLine<boolean, Value>();
  readonly #receivers = new WaitingLine<Taken<Value>>();
  readonly #watchers = new Set<() => void>();
  #closed = false;

  /** @param capacity values that wait in it, at most; a whole number of at least 1. @throws RangeError */
  constructor(capacity: number) {
    if (!Number.isSafeInteger(capacity) || capacity < 1)
      throw new RangeError(`a channel holds at least one value, got ${capacity}`);
    this.capacity = capacity;
  }

  /** Values that wait in it. */
  get length(): number {
    return this.#buffer.length - this.#head;
  }

  /** Whether `close` was called; there may be values left. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Puts a value in, once there is room; senders that wait go first.
   *
   * @param within gives up with it: the value was not put in
   * @throws TickwiseError `SCOPE_CLOSED` when the channel is, or gets, closed; rejects with the signal's reason
   */
  async send(value: Value, within?: Within): Promise<void> {
    within?.signal.throwIfAborted();
    if (!this.trySend(value) && !(await this.#senders.wait(within, value))) throw closed();
  }

  /** Puts a value in if there is room now. @returns whether it did. @throws TickwiseError `SCOPE_CLOSED` */
  trySend(value: Value): boolean {
    if (this.#closed) throw closed();
    if (this.length >= this.capacity) return false;
    // Whoever waits to receive waits at an empty buffer.
    if (this.#receivers.serve({ done: false, value }) === undefined) this.#put(value);
    return true;
  }

  /**
   * Takes the oldest value, once there is one.
   *
   * @returns `{ done: true }` when the channel is closed and empty
   * @throws rejects with the signal's reason; nothing was taken then
   */
  async receive(within?: Within): Promise<Taken<Value>> {
    within?.signal.throwIfAborted();
    return this.tryTake() ?? this.#receivers.wait(within, undefined);
  }

  tryTake(): Taken<Value> | undefined {
    if (this.length === 0) return this.#closed ? { done: true } : undefined;
    const value = this.#buffer[this.#head] as Value;
    this.#head++;
    if (this.#head >= this.capacity || this.#head === this.#buffer.length) {
      this.#buffer.splice(0, this.#head);
      this.#head = 0;
    }
    const next = this.#senders.serve(true);
    if (next !== undefined) this.#put(next.brought);
    return { done: false, value };
  }

  watch(wake: () => void): Disposable {
    this.#watchers.add(wake);
    if (this.length > 0 || this.#closed) wake();
    return { [Symbol.dispose]: () => void this.#watchers.delete(wake) };
  }

  /** Takes nothing more from now on; those who wait to send are refused. Repeating it is harmless. */
  close(): void {
    this.#closed = true;
    while (this.#senders.serve(false) !== undefined);
    while (this.#receivers.serve({ done: true }) !== undefined);
    for (const wake of this.#watchers) wake();
  }

  /** What it gives until its end; leaving the loop early leaves the rest where it is. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Value, void, undefined> {
    for (let taken = await this.receive(); !taken.done; taken = await this.receive()) yield taken.value;
  }

  #put(value: Value): void {
    this.#buffer.push(value);
    for (const wake of this.#watchers) wake();
  }
}

function closed(): TickwiseError {
  return new TickwiseError('SCOPE_CLOSED', 'the channel is closed and takes nothing more');
}
