/** What happened lately in a simulation, and the error that ends it. */
import type { Clock } from '../core/ports.ts';

/** Lines kept. */
const LENGTH = 60;

/** The tail of events; lines are put together only when somebody reads them. */
export class History {
  readonly #clock: Clock;
  readonly #tail: { readonly monotonic: number; readonly now: number; readonly words: readonly unknown[] }[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  note(...words: readonly unknown[]): void {
    this.#tail.push({ monotonic: this.#clock.monotonic(), now: this.#clock.now(), words });
    if (this.#tail.length > 2 * LENGTH) this.#tail.splice(0, LENGTH);
  }

  /** @returns a line an event: seconds since the start, wall clock, what happened */
  lines(): readonly string[] {
    return this.#tail
      .slice(-LENGTH)
      .map(
        ({ monotonic, now, words }) =>
          `${(monotonic / 1_000).toFixed(3).padStart(12)} s  ${new Date(now).toISOString()}  ${words.map(wordOf).join(' ')}`,
      );
  }
}

/** The first broken promise of a simulation. */
export class ViolationError extends Error {
  readonly promise: string;
  readonly atMs: number;

  /**
   * @param promise which of the promises is broken
   * @param what the facts, one line
   * @param atMs simulated milliseconds since the start
   */
  constructor(promise: string, what: string, atMs: number, options?: ErrorOptions) {
    super(`${promise}: ${what}`, options);
    this.name = 'ViolationError';
    this.promise = promise;
    this.atMs = atMs;
  }
}

/** @returns what was thrown, with its stack where there is one */
export function textOf(thrown: unknown): string {
  return thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
}

function wordOf(word: unknown): string {
  return typeof word === 'string' ? word : typeof word === 'number' ? String(Math.round(word)) : JSON.stringify(word);
}
