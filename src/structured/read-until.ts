/** Reading a source that may keep one waiting. */
import { Future } from './future.ts';

/**
 * Gives the values of a source until the signal aborts, even while the source has nothing to give. The source is then told to stop;
 * one that is in the middle of a wait of its own hears of it when that wait is over.
 *
 * @param source read one value at a time, when asked
 * @param signal ends the reading; no error comes of it
 * @throws what the source throws
 */
export async function* readUntil<Value>(
  source: AsyncIterable<Value> | Iterable<Value>,
  signal: AbortSignal,
): AsyncGenerator<Value, void, undefined> {
  const iterator: AsyncIterator<Value> | Iterator<Value> =
    Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  let waiting = false;
  let atItsEnd = false;
  try {
    while (!signal.aborted) {
      waiting = true;
      const next = await Future.of(async () => iterator.next()).wait({ signal });
      waiting = false;
      if (next.done === true) {
        atItsEnd = true;
        return;
      }
      yield next.value;
    }
  } catch (error) {
    if (!waiting || !signal.aborted) {
      atItsEnd = waiting;
      throw error;
    }
  } finally {
    if (!atItsEnd) {
      const stopped = Future.of(async () => iterator.return?.());
      // Whoever waits for nothing but the source's own wait would wait as long as that does.
      if (!waiting) await stopped.wait();
    }
  }
}
