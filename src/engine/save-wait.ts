/**
 * Keeps a run from going ahead of its durable checkpoint. The step after one of 5 ms or more waits until the checkpoint is known to be
 * durable; shorter ones go on, for 50 ms at a time. So a crash, or a daemon that freezes first, repeats one step, or 50 ms of short ones.
 */
import type { Clock } from '../core/ports.ts';
import type { DurationMs, MonotonicMs } from '../core/time.ts';
import { Pause } from './pause.ts';

/** As often as checkpoints are written while steps are faster than commits. */
const SAVE_EACH_MS = 50;
/** A commit costs little beside a step as long as this. */
const LONG_STEP_MS = 5;

/** For one attempt. */
export class SaveWait {
  readonly #clock: Clock;
  /** The last step whose checkpoint is not known to be durable; 0: none. */
  #unsavedStep = 0;
  #isLong = false;
  #savedAt: MonotonicMs;
  #pause: Pause | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#savedAt = clock.monotonic();
  }

  /** A step has handed over a checkpoint. @returns whether the next one waits for it, so that it should be written at once */
  wrote(step: number, tookMs: DurationMs): boolean {
    this.#unsavedStep = step;
    this.#isLong = tookMs >= LONG_STEP_MS;
    return this.#isLong;
  }

  /** Whether the next step shall wait. */
  isDue(now: MonotonicMs): boolean {
    return this.#unsavedStep > 0 && (this.#isLong || now - this.#savedAt >= SAVE_EACH_MS);
  }

  /** Waits for a checkpoint to be durable, and no longer than until `budgetEnd`, or until `end`. */
  until(budgetEnd: MonotonicMs): Promise<void> {
    this.#pause ??= new Pause();
    return this.#pause.until(this.#clock, budgetEnd);
  }

  /** The checkpoint of this step, and so of all before it, is durable. */
  saved(step: number): void {
    if (step >= this.#unsavedStep) this.#unsavedStep = 0;
    this.#savedAt = this.#clock.monotonic();
    this.end();
  }

  /** Ends the wait: the attempt is asked to stop, or winds down. */
  end(): void {
    this.#pause?.end();
  }
}
