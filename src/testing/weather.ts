/** What comes over a daemon from outside: clocks that step, an event loop that is held, a store that is slow or fails. */
import type { DurationMs } from '../core/time.ts';
import type { Random } from './random.ts';
import type { Surroundings } from './simulated-process.ts';

/** In simulated time. */
export const SECOND_MS: DurationMs = 1_000;
/** In simulated time. */
export const MINUTE_MS: DurationMs = 60_000;
/** In simulated time. */
export const HOUR_MS: DurationMs = 3_600_000;
const YEAR_MS: DurationMs = 365 * 24 * HOUR_MS;

/** See the head of this file. */
export class Weather {
  /** How often the wall clock was stepped. */
  wallSteps = 0;
  readonly #around: Pick<Surroundings, 'clock' | 'facts' | 'store'>;
  readonly #random: Random;

  constructor(around: Pick<Surroundings, 'clock' | 'facts' | 'store'>, random: Random) {
    this.#around = around;
    this.#random = random;
  }

  /** The wall clock is set forth or back. */
  stepClock(): void {
    const { clock } = this.#around;
    const random = this.#random;
    const size = random.next();
    const most = size < 0.5 ? 3 * HOUR_MS : size < 0.85 ? 60 * HOUR_MS : YEAR_MS;
    const ms = Math.round(random.scale(100, most)) * (random.chance(0.5) ? 1 : -1);
    this.#step(ms);
    // A wrong clock is put right some day.
    if (random.chance(0.5)) clock.setTimer(clock.monotonic() + random.scale(SECOND_MS, 6 * HOUR_MS), () => this.#step(-ms));
  }

  #step(ms: DurationMs): void {
    const { clock, facts } = this.#around;
    // Nobody could tell whether a reload takes effect before or after it.
    if (facts.reloading !== undefined) return;
    facts.history.note('wall clock steps by', ms);
    this.wallSteps++;
    clock.stepWall(ms);
    facts.disturb();
  }

  /** Something holds the event loop. */
  hold(): void {
    const { clock, facts } = this.#around;
    if (facts.reloading !== undefined) return;
    const ms = Math.round(this.#random.scale(10, 90 * SECOND_MS));
    facts.history.note('the loop is held for', ms);
    clock.hold(ms);
    facts.heldMs += ms;
    facts.disturb();
  }

  /** The store is slow, or fails, for a while. */
  upsetStore(): void {
    const { clock, facts, store } = this.#around;
    if (store.mood !== 'ready') return;
    store.mood = this.#random.chance(0.5) ? 'slow' : 'failing';
    facts.calmSince = undefined;
    facts.history.note('the store is', store.mood);
    clock.setTimer(clock.monotonic() + this.#random.scale(500, 20 * MINUTE_MS), () => {
      store.mood = 'ready';
      // What was under way may still be slow.
      facts.calmSince = clock.monotonic() + 10 * SECOND_MS;
      facts.history.note('the store is ready');
    });
  }
}
