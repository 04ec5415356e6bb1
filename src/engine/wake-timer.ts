/**
 * The scheduler's only timer. It is armed for the earliest tick and never for longer than 30 s, so that a step of the wall
 * clock, a suspended machine and a held event loop are noticed by comparing the two clocks at each wake.
 */
import type { Clock, Timer } from '../core/ports.ts';
import type { DurationMs, Instant, MonotonicMs } from '../core/time.ts';

/** The longest sleep. */
export const LONGEST_SLEEP_MS: DurationMs = 30_000;
/** A smaller difference between the clocks is slewing, not a step. */
const STEP_MS: DurationMs = 1_000;
/**
 * The fastest slewing that is still none: chrony's greatest is 8.3 %, a leap smear 0.001 %. What is slewed is forgotten at this pace, so that it
 * never adds up to a step; what is faster adds up, so that many small steps are one.
 */
const FASTEST_SLEWING = 0.1;
/** A later wake than this is worth a word. */
const STALL_MS: DurationMs = 1_000;

/** What the timer noticed when it woke. */
export interface Wake {
  readonly now: Instant;
  /** How far the wall clock moved against the monotonic one since the last wake; 0 when it did not. */
  readonly steppedMs: DurationMs;
  /** How much later than asked the wake came, by the monotonic clock; 0 when it was in time. */
  readonly stalledMs: DurationMs;
}

/** Armed for one instant at a time. */
export class WakeTimer {
  readonly #clock: Clock;
  readonly #onWake: (wake: Wake) => void;
  #timer: Timer | undefined;
  #wakeAt: MonotonicMs = 0;
  #armedFor: Instant | undefined;
  /** Wall clock less monotonic clock, as far as it has been accounted for. */
  #offset: DurationMs;
  #lookedAt: MonotonicMs;
  /** When the timer last fired, or was set to another instant: never longer ago than the longest sleep while all is well. */
  movedAt: MonotonicMs;

  constructor(clock: Clock, onWake: (wake: Wake) => void) {
    this.#clock = clock;
    this.#onWake = onWake;
    this.#lookedAt = clock.monotonic();
    this.movedAt = this.#lookedAt;
    this.#offset = clock.now() - this.#lookedAt;
  }

  /** Wakes at an instant of the wall clock, or after the longest sleep. Replaces what was armed before. */
  arm(at: Instant | undefined): void {
    // Called after each turn, and mostly nothing has changed.
    if (this.#timer !== undefined && at === this.#armedFor) return;
    this.#armedFor = at;
    this.#timer?.cancel();
    const sleepMs = at === undefined ? LONGEST_SLEEP_MS : Math.min(LONGEST_SLEEP_MS, Math.max(0, at - this.#clock.now()));
    this.movedAt = this.#clock.monotonic();
    this.#wakeAt = this.movedAt + sleepMs;
    this.#timer = this.#clock.setTimer(this.#wakeAt, () => this.#wake());
  }

  /** Looks at the clocks without waiting for the timer. */
  look(): Wake {
    const now = this.#clock.now();
    const monotonic = this.#clock.monotonic();
    const moved = now - monotonic - this.#offset;
    const isStep = Math.abs(moved) >= STEP_MS;
    const slewedMs = (monotonic - this.#lookedAt) * FASTEST_SLEWING;
    this.#offset += isStep ? moved : Math.min(slewedMs, Math.max(-slewedMs, moved));
    this.#lookedAt = monotonic;
    const late = this.#timer === undefined ? 0 : monotonic - this.#wakeAt;
    return { now, steppedMs: isStep ? moved : 0, stalledMs: late >= STALL_MS ? late : 0 };
  }

  cancel(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #wake(): void {
    const wake = this.look();
    this.movedAt = this.#lookedAt;
    this.#timer = undefined;
    this.#onWake(wake);
  }
}
