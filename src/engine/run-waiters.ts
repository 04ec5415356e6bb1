/** Who waits for the end of which run. */
import type { EventMap } from './events.ts';

/** The end of a run, as `runEnded` tells it. */
export type RunEnd = EventMap['runEnded'];

/** Waiters by run id; emptied as runs end. */
export class RunWaiters {
  readonly #waiters = new Map<string, ((end: RunEnd) => void)[]>();

  /** @returns resolves when the run has ended and its end is durable */
  waitFor(runId: string): Promise<RunEnd> {
    return new Promise((resolve) => {
      const waiters = this.#waiters.get(runId);
      if (waiters === undefined) this.#waiters.set(runId, [resolve]);
      else waiters.push(resolve);
    });
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
