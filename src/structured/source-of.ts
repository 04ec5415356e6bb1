/** Sources made of what else gives values. */
import { Channel } from './channel.ts';
import { Future } from './future.ts';
import type { Source, Taken } from './source.ts';

/**
 * Makes a source of a promise or of an async iterable. A promise has its value for ever. Of an iterable one value is read ahead,
 * and kept until it is taken.
 *
 * @param origin is read from now on
 * @returns a source for `select`; disposing of it closes the iterable, and resolves when that has closed
 */
export function sourceOf<Value>(origin: PromiseLike<Value> | AsyncIterable<Value>): Source<Value> & AsyncDisposable {
  if (Symbol.asyncIterator in origin) return new IterableSource(origin);
  return Object.assign(Future.of(origin), { [Symbol.asyncDispose]: () => Promise.resolve() });
}

class IterableSource<Value> implements Source<Value>, AsyncDisposable {
  readonly #channel = new Channel<{ readonly value: Value } | { readonly failure: unknown }>(1);
  readonly #iterator: AsyncIterator<Value>;
  readonly #read: Promise<void>;
  #reading = false;

  constructor(origin: AsyncIterable<Value>) {
    this.#iterator = origin[Symbol.asyncIterator]();
    this.#read = this.#readOn();
  }

  tryTake(): Taken<Value> | undefined {
    const taken = this.#channel.tryTake();
    if (taken === undefined || taken.done) return taken;
    if ('failure' in taken.value) throw taken.value.failure;
    return { done: false, value: taken.value.value };
  }

  watch(wake: () => void): Disposable {
    return this.#channel.watch(wake);
  }

  /** One that is in the middle of a wait of its own hears of it when that wait is over, and is not waited for. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#channel.close();
    const stopped = Future.of(async () => this.#iterator.return?.());
    if (this.#reading) return;
    await stopped.wait();
    await this.#read;
  }

  async #readOn(): Promise<void> {
    try {
      for (let next = await this.#next(); next.done !== true; next = await this.#next())
        await this.#channel.send({ value: next.value });
    } catch (failure) {
      if (!this.#channel.closed) await this.#channel.send({ failure }).catch(() => undefined);
    } finally {
      this.#channel.close();
    }
  }

  async #next(): Promise<IteratorResult<Value>> {
    this.#reading = true;
    try {
      return await this.#iterator.next();
    } finally {
      this.#reading = false;
    }
  }
}
