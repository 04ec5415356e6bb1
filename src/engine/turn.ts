/**
 * Fairness to the event loop, shared by all step loops of a thread: between them they may hold one turn of the loop for
 * {@link LONGEST_TURN_MS}, then each gives way. A loop by itself would be fair; sixteen loops of 5 ms each would not.
 */
import type { Clock } from '../core/ports.ts';
import type { MonotonicMs } from '../core/time.ts';

/** How long step loops together may hold a turn. A yield each 5 ms costs 146 ns a step against 118 for never yielding. */
export const LONGEST_TURN_MS = 5;

/** Who wants to know that a turn is over. */
export interface TurnEnd {
  turnEnded(): void;
}

/** One object a thread; every step loop of the thread is given the same. */
export class SharedTurn {
  /**
   * The last loop that began, kept alive. When no loop is, a full collection takes the shapes of its objects, and with them all code
   * that was optimised for them: a step then costs 167 ns instead of 99, for good.
   */
  lastLoop: object | undefined;
  readonly #clock: Clock;
  #tracked = false;
  #startedAt: MonotonicMs = 0;
  #waiters: (() => void)[] = [];
  #later: TurnEnd[] = [];
  #rotation = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Whether the caller should give way now. Called before each step, so it must stay this short.
   *
   * @param now a fresh reading of the monotonic clock
   */
  isSpent(now: MonotonicMs): boolean {
    if (this.#tracked) return now - this.#startedAt >= LONGEST_TURN_MS;
    this.#track(now);
    return false;
  }

  /** Resolves in a later turn of the event loop. */
  giveWay(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiters.push(resolve);
      if (!this.#tracked) this.#track(this.#clock.monotonic());
    });
  }

  /** Tells `listener` in the next turn; one entry into the event loop's queue serves all of this turn. */
  afterThisTurn(listener: TurnEnd): void {
    this.#later.push(listener);
    if (!this.#tracked) this.#track(this.#clock.monotonic());
  }

  #track(now: MonotonicMs): void {
    this.#tracked = true;
    this.#startedAt = now;
    this.#clock.defer(() => this.#next());
  }

  #next(): void {
    const waiters = this.#waiters;
    const later = this.#later;
    this.#tracked = false;
    if (waiters.length > 0) {
      this.#waiters = [];
      this.#track(this.#clock.monotonic());
      // Steps that return at once never leave their loop, so the first one woken would have the whole turn each time.
      const first = this.#rotation++ % waiters.length;
      for (let index = 0; index < waiters.length; index++) waiters[(first + index) % waiters.length]?.();
    }
    if (later.length > 0) {
      this.#later = [];
      for (const listener of later) listener.turnEnded();
    }
  }
}
