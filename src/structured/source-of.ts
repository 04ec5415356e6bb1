/** Sources made of what else gives values. */
import { Channel } from './channel.ts';
import { Future } from './future.ts';
import type { Source, Taken } from './source.ts';

/**
 * Makes a source of a promise or of an async iterable. A promise has its value for ever. Of an iterable one value is read ahead,
 * and kept until it is taken; `close` tells the iterable to stop.
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

  async [Symbol.asyncDispose](): Promise<void> {
    this.#channel.close();
    await this.#iterator.return?.();
    await this.#read;
  }

  async #readOn(): Promise<void> {
    try {
      for (let next = await this.#iterator.next(); next.done !== true; next = await this.#iterator.next())
        await this.#channel.send({ value: next.value });
    } catch (failure) {
      if (!this.#channel.closed) await this.#channel.send({ failure }).catch(() => undefined);
    } finally {
      this.#channel.close();
    }
  }
}
