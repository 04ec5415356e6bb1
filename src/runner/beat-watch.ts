/**
 * Notices that a host's thread is blocked within a step. While the thread turns, the host enforces the step timeout by itself and
 * sends a beat each eighth of it; when no beat comes any more, the thread has been in one step for as long.
 */
import type { Clock, Timer } from '../core/ports.ts';
import type { DurationMs, MonotonicMs } from '../core/time.ts';

/** Watches one attempt, from its first beat. */
export class BeatWatch {
  readonly #clock: Clock;
  readonly #silentMs: DurationMs;
  readonly #onSilent: () => void;
  #beatAt: MonotonicMs = 0;
  #timer: Timer | undefined;
  #isOver = false;

  /**
   * @param clock its timers
   * @param limitMs the step timeout
   * @param onSilent called once, when the step that blocks the thread has taken longer than the limit
   */
  constructor(clock: Clock, limitMs: DurationMs, onSilent: () => void) {
    this.#clock = clock;
    // A beat is at most an eighth of the limit older than the step that blocks the thread.
    this.#silentMs = Math.max(limitMs * 1.125, limitMs + 25);
    this.#onSilent = onSilent;
  }

  /** The host's thread turns. */
  beat(): void {
    this.#beatAt = this.#clock.monotonic();
    if (this.#timer === undefined) this.#watch();
  }

  /** The attempt is over. */
  end(): void {
    this.#isOver = true;
    this.#timer?.cancel();
  }

  #watch(): void {
    if (this.#isOver) return;
    this.#timer = this.#clock.setTimer(this.#beatAt + this.#silentMs, () =>
      // A beat that has already arrived is heard first, however late this thread is.
      this.#clock.defer(() => {
        if (this.#clock.monotonic() - this.#beatAt < this.#silentMs) this.#watch();
        else if (!this.#isOver) this.#onSilent();
      }),
    );
  }
}
