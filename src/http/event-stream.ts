/**
 * Events for many listeners at once. There is one listener to the daemon, one timer for all heartbeats, and each event is written
 * out once, however many hear it: an idle listener costs its connection and nothing else.
 */
import type { Control, EventFeed, NumberedEvent } from '../core/control.ts';
import type { Clock, Timer } from '../core/ports.ts';
import type { DurationMs } from '../core/time.ts';
import { comment, frame } from './sse.ts';

/** What may wait for a slow listener before it is cut off. */
export const MOST_WAITING_BYTES = 1_048_576;
/** Between two signs of life. */
export const HEARTBEAT_MS: DurationMs = 15_000;

/** What one listener wants. */
export interface Listening {
  /** The id of the last event that it has seen; absent: from now on. */
  readonly after: string | undefined;
  /** Only events of this job. */
  readonly job: string | undefined;
  /** Only events of these types. */
  readonly types: ReadonlySet<string>;
  /** Cuts the connection, so that what waits for it is let go. */
  readonly cutOff: () => void;
}

interface Listener extends Omit<Listening, 'after'> {
  readonly controller: ReadableStreamDefaultController<Uint8Array>;
  /** Events of before, which it gets at once and which are not its fault. */
  backlogBytes: number;
}

/** An event as it goes out; the job that it is about is found when somebody asks for it. */
interface Written {
  readonly bytes: Uint8Array;
  job?: string | undefined;
}

const HELLO = comment('events');
const HEARTBEAT = comment('');

/** See the head of this file. */
export class EventStream {
  readonly #follow: Control['follow'];
  readonly #clock: Clock;
  readonly #redact: (text: string) => string;
  readonly #listeners = new Set<Listener>();
  readonly #written = new WeakMap<NumberedEvent, Written>();
  #feed: EventFeed | undefined;
  #heartbeat: Timer | undefined;

  constructor(control: Control, clock: Clock, redact: (text: string) => string) {
    this.#follow = (after, listener) => control.follow(after, listener);
    this.#clock = clock;
    this.#redact = redact;
  }

  /** Listeners now. */
  get size(): number {
    return this.#listeners.size;
  }

  /**
   * Opens a stream for one listener. Nothing that happens from this call on is missing from it.
   *
   * @param wants see {@link Listening}
   * @returns server-sent events; cancelling it ends the listening
   */
  open({ after, ...wants }: Listening): ReadableStream<Uint8Array> {
    let listener: Listener | undefined;
    const start = (controller: ReadableStreamDefaultController<Uint8Array>): void => {
      listener = { ...wants, controller, backlogBytes: 0 };
      controller.enqueue(HELLO);
      this.#join(listener);
      // In one turn with the joining, so that no event comes between.
      if (after !== undefined) this.#catchUp(listener, after);
    };
    const cancel = (): void => {
      if (listener !== undefined) this.#leave(listener);
    };
    return new ReadableStream({ start, cancel }, new ByteLengthQueuingStrategy({ highWaterMark: MOST_WAITING_BYTES }));
  }

  #catchUp(listener: Listener, after: string): void {
    using feed = this.#follow(after, () => {});
    if (feed.hasGap) listener.controller.enqueue(frame('gap', JSON.stringify({ after })));
    for (const event of feed.backlog) {
      const bytes = this.#bytesFor(listener, event);
      if (bytes === undefined) continue;
      listener.controller.enqueue(bytes);
      listener.backlogBytes += bytes.byteLength;
    }
  }

  #join(listener: Listener): void {
    this.#feed ??= this.#follow(undefined, (event) => this.#tell(event));
    this.#listeners.add(listener);
    if (this.#heartbeat === undefined) this.#armHeartbeat();
  }

  #leave(listener: Listener): void {
    if (!this.#listeners.delete(listener) || this.#listeners.size > 0) return;
    this.#heartbeat?.cancel();
    this.#heartbeat = undefined;
    this.#feed?.[Symbol.dispose]();
    this.#feed = undefined;
  }

  #armHeartbeat(): void {
    this.#heartbeat = this.#clock.setTimer(this.#clock.monotonic() + HEARTBEAT_MS, () => {
      this.#armHeartbeat();
      for (const listener of this.#listeners) this.#send(listener, HEARTBEAT);
    });
  }

  #tell(event: NumberedEvent): void {
    for (const listener of this.#listeners) {
      const bytes = this.#bytesFor(listener, event);
      if (bytes !== undefined) this.#send(listener, bytes);
    }
  }

  #send(listener: Listener, bytes: Uint8Array): void {
    listener.controller.enqueue(bytes);
    // What is desired falls below zero when more waits than the high-water mark.
    if ((listener.controller.desiredSize ?? 0) >= -listener.backlogBytes) return;
    this.#leave(listener);
    listener.controller.close();
    listener.cutOff();
  }

  /** @returns what goes out; `undefined` for what this listener does not want */
  #bytesFor({ job, types }: Listener, event: NumberedEvent): Uint8Array | undefined {
    if (!types.has(event.type)) return undefined;
    let written = this.#written.get(event);
    if (written === undefined) {
      written = { bytes: frame(event.type, this.#redact(event.data), event.id) };
      this.#written.set(event, written);
    }
    if (job !== undefined && job !== (written.job ??= jobOf(event.data))) return undefined;
    return written.bytes;
  }
}

/** @returns no name of a job where there is none */
function jobOf(data: string): string {
  const { job } = JSON.parse(data) as { job?: unknown };
  return typeof job === 'string' ? job : '';
}
