/** What waits in memory for one receiver: in order, one message at a time, and none while the receiver is given a rest. */
import type { Message } from '../core/message.ts';
import type { DurationMs, Instant } from '../core/time.ts';

/** The first delay after a failure, and the longest. */
export const SHORTEST_DELAY_MS: DurationMs = 1_000;
/** See {@link SHORTEST_DELAY_MS}. */
export const LONGEST_DELAY_MS: DurationMs = 3_600_000;
/** The share of a delay that is left to chance, so that many senders do not come back together. */
const JITTER = 0.2;
/** Messages of one receiver in memory; the rest stays in the store. */
const MOST_WAITING = 500;
const LONGEST_PUT_OFF_MS: DurationMs = 60_000;

/**
 * How long to wait after failures in a row.
 *
 * @param failures at least 1
 * @param random in [0, 1)
 * @returns 1 s, doubled with each failure, to 1 h; up to a fifth less by chance, and never below 1 s
 */
export function backoffMs(failures: number, random: number): DurationMs {
  const full = Math.min(LONGEST_DELAY_MS, SHORTEST_DELAY_MS * 2 ** Math.min(failures - 1, 20));
  return Math.max(SHORTEST_DELAY_MS, Math.round(full * (1 - JITTER * random)));
}

/** One receiver's messages. */
export class Lane {
  readonly target: string;
  isBusy = false;
  /** Failures since the last delivery. */
  failures: number;
  #restsUntil: Instant = -Infinity;
  #waiting: Message[] = [];
  #lastFailed: number | undefined;
  /** What a delivery takes here. */
  #paceMs: DurationMs = 0;

  /** @param failures that are known already */
  constructor(target: string, failures: number) {
    this.target = target;
    this.failures = failures;
  }

  get hasWork(): boolean {
    return this.#waiting.length > 0;
  }

  /** Nothing is known of it that would have to be remembered. */
  get isForgettable(): boolean {
    return !this.isBusy && !this.hasWork && this.failures === 0;
  }

  /**
   * Takes a message in.
   *
   * @returns `undefined`; or, when it has no place here now, until when it is better left in the store
   */
  admit(message: Message, now: Instant): Instant | undefined {
    if (this.#restsUntil > now) return this.#restsUntil;
    if (this.#waiting.length >= MOST_WAITING) {
      return now + Math.min(LONGEST_PUT_OFF_MS, Math.max(SHORTEST_DELAY_MS, this.#waiting.length * this.#paceMs));
    }
    this.#waiting.push(message);
    return undefined;
  }

  /** The oldest message; but after one that failed another one has its try, lest one that the receiver cannot stomach holds up all. */
  next(): Message | undefined {
    const first = this.#waiting.shift();
    if (first === undefined || first.id !== this.#lastFailed || this.#waiting.length === 0) return first;
    const second = this.#waiting.shift();
    this.#waiting.unshift(first);
    return second;
  }

  delivered(tookMs: DurationMs): void {
    this.failures = 0;
    this.#paceMs = tookMs;
    this.#restsUntil = -Infinity;
  }

  /**
   * The receiver did not take a message, and gets a rest.
   *
   * @param until when the next try is
   * @returns the messages that waited behind it
   */
  failed(message: Message, until: Instant): readonly Message[] {
    const waiting = this.#waiting;
    this.failures++;
    this.#lastFailed = message.id;
    this.#restsUntil = until;
    this.#waiting = [];
    return waiting;
  }
}
