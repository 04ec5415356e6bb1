/** What waits in memory for one receiver: in order, one message at a time, and none while the receiver is given a rest. */
import type { Message } from '../core/message.ts';
import type { DurationMs, Instant } from '../core/time.ts';

/** The first delay after a failure, and the longest. */
export const SHORTEST_DELAY_MS: DurationMs = 1_000;
/** See {@link SHORTEST_DELAY_MS}. */
export const LONGEST_DELAY_MS: DurationMs = 3_600_000;
/** The share of a delay that is left to chance, so that many senders do not come back together. */
const JITTER = 0.2;
/** A message that finds no place in memory stays away from it for so long at first. */
const SHORTEST_PUT_OFF_MS: DurationMs = 60_000;
/** A lane that is done sooner is worth waiting for. */
const QUICK_MS: DurationMs = 5_000;

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
  /** What a delivery takes here. */
  #paceMs: DurationMs = 0;

  /** @param failures that are known already */
  constructor(target: string, failures: number) {
    this.target = target;
    this.failures = failures;
  }

  get size(): number {
    return this.#waiting.length;
  }

  get restsUntil(): Instant {
    return this.#restsUntil;
  }

  /** Nothing is known of it that would have to be remembered. */
  get isForgettable(): boolean {
    return !this.isBusy && this.size === 0 && this.failures === 0;
  }

  /** It works, and what waits will soon be delivered. */
  get isQuick(): boolean {
    return this.failures === 0 && this.size * this.#paceMs <= QUICK_MS;
  }

  admit(message: Message): void {
    this.#waiting.push(message);
  }

  next(): Message | undefined {
    return this.#waiting.shift();
  }

  delivered(tookMs: DurationMs): void {
    this.failures = 0;
    this.#paceMs = tookMs;
    this.#restsUntil = -Infinity;
  }

  /** The receiver did not take a message, and gets a rest. What waits keeps its place. */
  failed(until: Instant): void {
    this.failures++;
    this.#restsUntil = until;
  }

  /** Takes out what has waited for too long. @param before of messages that were made before this instant */
  takeOld(before: Instant): readonly Message[] {
    const old = this.#waiting.filter(({ createdAt }) => createdAt < before);
    if (old.length > 0) this.#waiting = this.#waiting.filter(({ createdAt }) => createdAt >= before);
    return old;
  }
}

/**
 * How long a message for which there is no place stays in the store: the longer, the more often that was so.
 *
 * @param attempts of the message
 * @param random in [0, 1)
 * @returns a minute, doubled each time, to 1 h
 */
export function putOffMs(attempts: number, random: number): DurationMs {
  return Math.min(LONGEST_DELAY_MS, Math.max(SHORTEST_PUT_OFF_MS, backoffMs(attempts + 1, random) * 60));
}
