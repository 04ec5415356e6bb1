/** The notifier's hold on the outbox: what is in memory, and writes that are repeated until the store takes them. */
import { type Delivery, type Message, MESSAGE_LIFE_MS, type Outbox } from '../core/message.ts';
import type { Clock } from '../core/ports.ts';
import type { TaskLog } from '../core/task.ts';
import type { DurationMs, Instant } from '../core/time.ts';

/** How long to leave a store that fails alone. */
export const STORE_DELAY_MS: DurationMs = 2_000;
/** Messages that are read at once. */
const PAGE = 500;

/** See the head of this file. */
export class OutboxHold {
  readonly #outbox: Outbox;
  readonly #clock: Clock;
  readonly #log: TaskLog;
  /** Ids of messages that are in memory: the outbox goes on calling them due. */
  readonly #held = new Set<number>();
  #isStoreFailing = false;
  #isClosed = false;

  constructor(outbox: Outbox, clock: Clock, log: TaskLog) {
    this.#outbox = outbox;
    this.#clock = clock;
    this.#log = log;
  }

  /** Messages that are due and not in memory, in the outbox's order; `isFull`: there may be others behind them. */
  async take(): Promise<{ readonly messages: readonly Message[]; readonly isFull: boolean }> {
    const due = await this.#outbox.dueMessages(this.#clock.now(), PAGE);
    return { messages: due.filter(({ id }) => !this.#held.has(id)), isFull: due.length >= PAGE };
  }

  /** @returns when the next message is due, in memory or not */
  nextAt(): Promise<Instant | undefined> {
    return this.#outbox.nextMessageAt();
  }

  hold({ id }: Message): void {
    this.#held.add(id);
  }

  /** No write is repeated from now on. */
  close(): void {
    this.#isClosed = true;
  }

  /** Leaves a message in the store until later; drops it, and says so, when that is too late. */
  putOff(message: Message, until: Instant, what: string): Promise<void> {
    if (until > message.createdAt + MESSAGE_LIFE_MS) return this.dropOld(message, what);
    return this.settle(message, { kind: 'retry', at: until });
  }

  dropOld(message: Message, what: string): Promise<void> {
    this.#log.error('a message is dropped: it could not be delivered in three days', { ...ofMessage(message), what });
    return this.settle(message, { kind: 'dropped' });
  }

  /** Until the store has it, the message is held: a delivery that cannot be written down is not repeated by this daemon. */
  async settle(message: Message, delivery: Delivery): Promise<void> {
    this.#held.add(message.id);
    // A write may wait for the disk, in the thread that starts runs: others have their turn before each.
    await new Promise<void>((resolve) => this.#clock.defer(resolve));
    for (;;) {
      try {
        await this.#outbox.settleMessage(message.id, delivery);
        this.#held.delete(message.id);
        return this.storeWorks();
      } catch (error) {
        this.storeFails(error);
        if (this.#isClosed) return;
        const { promise, resolve } = Promise.withResolvers<void>();
        this.#clock.setTimer(this.#clock.monotonic() + STORE_DELAY_MS, resolve);
        await promise;
      }
    }
  }

  storeFails(error: unknown): void {
    if (this.#isStoreFailing) return;
    this.#isStoreFailing = true;
    this.#log.error('messages wait: the store fails', { error: error instanceof Error ? error.message : String(error) });
  }

  storeWorks(): void {
    if (this.#isStoreFailing) this.#log.info('messages are delivered again: the store works');
    this.#isStoreFailing = false;
  }
}

/** What a line about a message says of it. */
export function ofMessage({ job, event, target, id, attempts }: Message): Record<string, unknown> {
  return { job, event, target, message: id, attempts };
}
