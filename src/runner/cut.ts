/** The end of all patience with a program that was asked to stop. */
import type { Clock } from '../core/ports.ts';
import type { DurationMs } from '../core/time.ts';

/** Aborted when the grace is over or force is asked for. */
export class Cut implements Disposable {
  readonly #controller = new AbortController();
  readonly #force: AbortSignal;
  readonly #timer: { cancel(): void };
  readonly #abort = (): void => this.#controller.abort();

  /**
   * @param clock its timers
   * @param graceMs counted from now
   * @param force aborted: the grace is cut short
   */
  constructor(clock: Clock, graceMs: DurationMs, force: AbortSignal) {
    this.#force = force;
    this.#timer = clock.setTimer(clock.monotonic() + graceMs, this.#abort);
    if (force.aborted) this.#abort();
    else force.addEventListener('abort', this.#abort, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  [Symbol.dispose](): void {
    this.#timer.cancel();
    this.#force.removeEventListener('abort', this.#abort);
  }
}
