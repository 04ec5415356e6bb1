/** How long a second lasts in an example: a real one when you run it, a short one when a test repeats it with all ratios kept. */
import { setTimeout as delay } from 'node:timers/promises';

/** A measure of time for one experiment. */
export class Stopwatch {
  /** Real milliseconds of one second of the experiment. */
  readonly secondMs: number;
  readonly #start = performance.now();

  constructor(secondMs = 1_000) {
    this.secondMs = secondMs;
  }

  /** Seconds of the experiment since its start, to the tenth. */
  get seconds(): number {
    return Math.round((performance.now() - this.#start) / (this.secondMs / 10)) / 10;
  }

  /** @returns real milliseconds */
  ms(seconds: number): number {
    return seconds * this.secondMs;
  }

  /** @returns a duration as the scheduler takes it, e.g. `"2500ms"` */
  duration(seconds: number): string {
    return `${Math.max(1, Math.round(this.ms(seconds)))}ms`;
  }

  /** Waits; rejects with the signal's reason as soon as it is aborted. */
  async wait(seconds: number, signal?: AbortSignal): Promise<void> {
    try {
      await delay(this.ms(seconds), undefined, signal === undefined ? {} : { signal });
    } catch (error) {
      throw signal?.aborted === true ? signal.reason : error;
    }
  }
}
