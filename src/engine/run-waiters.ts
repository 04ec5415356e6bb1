/** Who waits for the end of which run. */
import type { EventMap } from './events.ts';

/** The end of a run, as `runEnded` tells it. */
export type RunEnd = EventMap['runEnded'];

/** Waiters by run id; emptied as runs end. */
export class RunWaiters {
  readonly #waiters = new Map<string, Set<(end: RunEnd) => void>>();

  /** @returns resolves when the run has ended and its end is durable */
  waitFor(runId: string): Promise<RunEnd> {
    return new Promise((resolve) => void this.add(runId, resolve));
  }

  /** @param ended called once, when the run has ended and its end is durable @returns disposing it ends the wait */
  add(runId: string, ended: (end: RunEnd) => void): Disposable {
    const own = (end: RunEnd): void => ended(end);
    const waiters = this.#waiters.get(runId) ?? new Set();
    this.#waiters.set(runId, waiters.add(own));
    return {
      [Symbol.dispose]: () => {
        waiters.delete(own);
        if (waiters.size === 0 && this.#waiters.get(runId) === waiters) this.#waiters.delete(runId);
      },
    };
  }

  /** Whether anybody waits. */
  has(runId: string): boolean {
    return this.#waiters.has(runId);
  }

  ended(end: RunEnd): void {
    const waiters = this.#waiters.get(end.runId);
    if (waiters === undefined) return;
    this.#waiters.delete(end.runId);
    for (const resolve of waiters) resolve(end);
  }
}
