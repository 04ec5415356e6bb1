/** Force against a host, applied again each second until the proof of its end, and the word `blocked` when that is late. */
import type { Clock, RunObserver, Timer } from '../core/ports.ts';
import type { MonotonicMs } from '../core/time.ts';
import type { Host } from './pool.ts';

const BLOCKED_AFTER_MS = 2_000;
const FORCE_EACH_MS = 1_000;

/** For one attempt. */
export class Force {
  readonly #clock: Clock;
  readonly #observer: RunObserver;
  readonly #host: () => Host | undefined;
  #timer: Timer | undefined;
  #usedAt: MonotonicMs | undefined;
  #said: string | undefined;

  /**
   * @param clock its timers
   * @param observer told when the proof is late
   * @param host on which the attempt is, when force is due; `undefined`: on none, so there is nothing to use force against
   */
  constructor(clock: Clock, observer: RunObserver, host: () => Host | undefined) {
    this.#clock = clock;
    this.#observer = observer;
    this.#host = host;
  }

  /** Whether it has come to that. */
  get isUsed(): boolean {
    return this.#usedAt !== undefined;
  }

  /** Force at an instant, unless it is armed anew or cancelled before. An end that has already arrived then is heard first. */
  arm(at: MonotonicMs): void {
    this.#timer?.cancel();
    this.#timer = this.#clock.setTimer(at, () => this.#clock.defer(() => this.use()));
  }

  /** Force now. */
  use(): void {
    const host = this.#host();
    if (host === undefined) return;
    const now = this.#clock.monotonic();
    this.#usedAt ??= now;
    host.kill();
    if (now - this.#usedAt >= BLOCKED_AFTER_MS - 1) {
      const what = `${host.what} was stopped by force and there is no proof of its end yet`;
      if (this.#said !== what) this.#observer.blocked(what);
      this.#said = what;
    }
    this.arm(now + FORCE_EACH_MS);
  }

  cancel(): void {
    this.#timer?.cancel();
  }
}
