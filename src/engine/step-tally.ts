/**
 * How long the steps of an attempt take, at next to no cost: a step may take less time than looking at the clock. Steps of less than a
 * millisecond that follow each other without a wait, a batch, are counted together; a longer one is counted by itself.
 */
import type { RunObserver } from '../core/ports.ts';
import { classOf, STEP_BOUNDS_MS, type StepDurations } from '../core/step-durations.ts';
import type { DurationMs, MonotonicMs } from '../core/time.ts';

/** What is gathered is told so often, and at the end of the attempt. */
const TELL_EACH_MS: DurationMs = 1_000;
/** A shorter step is counted with its batch. It is a bound of a class, so that no batch holds steps of two. */
export const SHORT_MS: DurationMs = 1;

const NONE: readonly number[] = [...STEP_BOUNDS_MS, Infinity].map(() => 0);

/** For one attempt. */
export class StepTally {
  readonly #observer: RunObserver;
  #buckets: number[] | undefined;
  #count = 0;
  #totalMs: DurationMs = 0;
  /** Not a number: no step has begun. */
  #toldAt: MonotonicMs = NaN;
  #isOpen = false;
  /** Of the batch: when its first step began, and the number of the step before it. */
  #from: MonotonicMs = 0;
  #fromStep = 0;
  #longMs: DurationMs = 0;
  #longSteps = 0;
  /** The last step that was counted by itself. */
  #longStep = 0;

  constructor(observer: RunObserver) {
    this.#observer = observer;
  }

  /** A batch has begun and not ended. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /**
   * Called before a step begins that is the first of a batch, or that follows a long one.
   *
   * @param now when it begins
   * @param tookMs what the step before it took; NaN for the first of a batch
   * @param step the number of the step before it
   */
  mark(now: MonotonicMs, tookMs: DurationMs, step: number): void {
    if (this.#isOpen) {
      this.#long(tookMs, step);
      if (now - this.#toldAt < TELL_EACH_MS) return;
      this.close(now, now, step);
      this.#tell(now, step);
    } else if (Number.isNaN(this.#toldAt)) this.#toldAt = now;
    this.#isOpen = true;
    this.#from = now;
    this.#fromStep = step;
    this.#longMs = 0;
    this.#longSteps = 0;
  }

  /** The batch has ended. @param now when @param startedAt when its last step began @param step the number of that one */
  end(now: MonotonicMs, startedAt: MonotonicMs, step: number): void {
    this.close(now, startedAt, step);
    if (now - this.#toldAt >= TELL_EACH_MS) this.#tell(now, step);
  }

  /** The same, at the end of the attempt: tells nobody. A batch that has ended already is left as it is. */
  close(now: MonotonicMs, startedAt: MonotonicMs, step: number): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    if (step !== this.#longStep && step > this.#fromStep && now - startedAt >= SHORT_MS) this.#long(now - startedAt, step);
    const count = step - this.#fromStep - this.#longSteps;
    if (count <= 0) return;
    const totalMs = Math.max(0, now - this.#from - this.#longMs);
    this.#add(count, totalMs, 0);
  }

  /** What nobody was told yet. */
  take(): StepDurations | undefined {
    if (this.#buckets === undefined) return undefined;
    const taken = { count: this.#count, totalMs: this.#totalMs, buckets: this.#buckets };
    this.#buckets = undefined;
    this.#count = 0;
    this.#totalMs = 0;
    return taken;
  }

  #long(tookMs: DurationMs, step: number): void {
    this.#longStep = step;
    this.#longSteps++;
    this.#longMs += tookMs;
    this.#add(1, tookMs, classOf(tookMs));
  }

  #add(count: number, totalMs: DurationMs, index: number): void {
    this.#buckets ??= NONE.slice();
    this.#buckets[index] = (this.#buckets[index] ?? 0) + count;
    this.#count += count;
    this.#totalMs += totalMs;
  }

  #tell(now: MonotonicMs, steps: number): void {
    this.#toldAt = now;
    const durations = this.take();
    if (durations !== undefined) this.#observer.stepped({ steps, durations });
  }
}
