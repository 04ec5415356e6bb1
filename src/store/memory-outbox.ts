/** The messages that wait, in memory. */
import type { Delivery, Message, MessageDraft } from '../core/message.ts';
import type { Instant } from '../core/time.ts';
import { MOST_MESSAGES } from './outbox.ts';

/** See the head of this file. */
export class MemoryOutbox {
  /** By id, and so oldest first. */
  readonly #messages = new Map<number, Message>();
  #lastId = 0;

  /** Keeps messages; the oldest give way when there are too many. */
  add(drafts: readonly MessageDraft[], at: Instant): void {
    for (const { job, event, target, body } of drafts) {
      const id = ++this.#lastId;
      this.#messages.set(id, { id, job, event, target, body, createdAt: at, attempts: 0, nextAttemptAt: at });
      if (this.#messages.size <= MOST_MESSAGES) continue;
      for (const oldest of this.#messages.keys()) {
        this.#messages.delete(oldest);
        break;
      }
    }
  }

  /** @see Outbox.dueMessages */
  due(now: Instant, limit: number): readonly Message[] {
    const due: Message[] = [];
    for (const message of this.#messages.values()) {
      if (due.length === limit) break;
      if (message.nextAttemptAt <= now) due.push(message);
    }
    return due;
  }

  /** @see Outbox.nextMessageAt */
  nextAt(): Instant | undefined {
    let next: Instant | undefined;
    for (const { nextAttemptAt } of this.#messages.values()) if (next === undefined || nextAttemptAt < next) next = nextAttemptAt;
    return next;
  }

  /** @see Outbox.settleMessage */
  settle(id: number, delivery: Delivery): void {
    const message = this.#messages.get(id);
    if (message === undefined) return;
    if (delivery.kind !== 'retry') this.#messages.delete(id);
    else this.#messages.set(id, { ...message, attempts: message.attempts + 1, nextAttemptAt: delivery.at });
  }
}
