/** The timers that ask a step to stop: one for the budget, one for the time of a single step. */
import type { Clock, Timer } from '../core/ports.ts';
import type { StopReason } from '../core/run.ts';
import type { DurationMs, MonotonicMs } from '../core/time.ts';

/** For one attempt. */
export class StepTimers {
  readonly #clock: Clock;
  readonly #underWay: () => MonotonicMs | undefined;
  readonly #stop: (reason: StopReason) => void;
  #budget: Timer | undefined;
  #step: Timer | undefined;
  #isOver = false;

  /**
   * @param clock its timers
   * @param underWay since when a step is under way; `undefined` between two steps, where there is nothing to stop
   * @param stop asks the attempt to stop
   */
  constructor(clock: Clock, underWay: () => MonotonicMs | undefined, stop: (reason: StopReason) => void) {
    this.#clock = clock;
    this.#underWay = underWay;
    this.#stop = stop;
  }

  /** @param budgetEnd when the budget is spent. @param limitMs the time that a step may take; absent: any */
  arm(budgetEnd: MonotonicMs, limitMs: DurationMs | undefined): void {
    this.#budget = this.#clock.setTimer(budgetEnd, () => {
      if (this.#underWay() !== undefined) this.#stop({ kind: 'budget' });
    });
    if (limitMs !== undefined) this.#watchSteps(limitMs);
  }

  cancel(): void {
    this.#isOver = true;
    this.#budget?.cancel();
    this.#step?.cancel();
  }

  /** One timer watches all steps: it looks at the step that is under way when it fires, and goes on from there. */
  #watchSteps(limitMs: DurationMs): void {
    if (this.#isOver) return;
    const from = this.#underWay() ?? this.#clock.monotonic();
    this.#step = this.#clock.setTimer(from + limitMs, () => {
      const since = this.#underWay();
      if (since !== undefined && this.#clock.monotonic() - since >= limitMs) this.#stop({ kind: 'stepTimeout', limitMs });
      else this.#watchSteps(limitMs);
    });
  }
}
