/**
 * Events for many listeners: each is made JSON once, numbered, told to all at once, and kept for a while, so that a listener whose
 * connection broke goes on where it was. A number means something in one daemon's life only, so an id names that life too.
 */
import type { EventFeed, NumberedEvent } from '../core/control.ts';
import type { Clock } from '../core/ports.ts';
import { eventJson, isPublic } from './event-json.ts';
import type { Events, SchedulerEvent } from './events.ts';

/** What is kept, whichever is reached first. */
export const KEPT_EVENTS = 10_000;
/** In UTF-16 units of JSON text. */
export const KEPT_JSON = 8_388_608;

/** See the head of this file. */
export class EventFeeds implements Disposable {
  readonly #clock: Clock;
  readonly #epoch: string;
  readonly #listening: Disposable;
  readonly #listeners = new Set<(event: NumberedEvent) => void>();
  /** By number, without a hole. */
  readonly #kept = new Map<number, NumberedEvent>();
  #keptJson = 0;
  /** Of the last event. */
  #number = 0;

  /** @param epoch of characters that may stand in an HTTP header; another one in each daemon's life */
  constructor(events: Events, clock: Clock, epoch: string) {
    this.#clock = clock;
    this.#epoch = epoch;
    this.#listening = events.subscribe((event) => this.#take(event));
  }

  /** Those who listen now. */
  get listeners(): number {
    return this.#listeners.size;
  }

  /** See `follow` of core/control. */
  follow(after: string | undefined, listener: (event: NumberedEvent) => void): EventFeed {
    const own = (event: NumberedEvent): void => listener(event);
    const { backlog, hasGap } = this.#since(after);
    this.#listeners.add(own);
    const position = `${this.#epoch}-${this.#number}`;
    return { backlog, hasGap, position, [Symbol.dispose]: () => void this.#listeners.delete(own) };
  }

  [Symbol.dispose](): void {
    this.#listening[Symbol.dispose]();
    this.#listeners.clear();
  }

  #since(after: string | undefined): Pick<EventFeed, 'backlog' | 'hasGap'> {
    if (after === undefined) return { backlog: [], hasGap: false };
    const [, epoch, digits] = /^(.*)-(\d{1,15})$/.exec(after) ?? [];
    const seen = Number(digits);
    // Of another life, or of none.
    if (epoch !== this.#epoch || seen > this.#number) return { backlog: [], hasGap: true };
    const oldest = this.#number - this.#kept.size + 1;
    const backlog: NumberedEvent[] = [];
    for (let number = Math.max(seen + 1, oldest); number <= this.#number; number++) {
      const event = this.#kept.get(number);
      if (event !== undefined) backlog.push(event);
    }
    return { backlog, hasGap: seen + 1 < oldest };
  }

  #take(event: SchedulerEvent): void {
    if (!isPublic(event)) return;
    const data = eventJson(event, this.#clock.now());
    const numbered = { id: `${this.#epoch}-${++this.#number}`, type: event.type, data };
    this.#kept.set(this.#number, numbered);
    this.#keptJson += data.length;
    while (this.#kept.size > KEPT_EVENTS || this.#keptJson > KEPT_JSON) this.#forgetOldest();
    for (const listener of this.#listeners) tell(listener, numbered);
  }

  #forgetOldest(): void {
    const oldest = this.#number - this.#kept.size + 1;
    this.#keptJson -= this.#kept.get(oldest)?.data.length ?? 0;
    this.#kept.delete(oldest);
  }
}

/** A listener that throws has hurt nobody but itself. */
function tell(listener: (event: NumberedEvent) => void, event: NumberedEvent): void {
  try {
    listener(event);
  } catch {
    // Its connection is its own business.
  }
}
