/**
 * Events for many listeners at once. There is one listener to the daemon, one timer for all heartbeats, and each event is written
 * out once, however many hear it: an idle listener costs its connection and nothing else.
 *
 * To write to a connection costs about 10 µs, so 2,000 of them would hold the scheduler's own thread for 20 ms at each event. So a
 * few are told at once, and many by and by: what happens within a moment is gathered, goes out as one piece, and to so many of them
 * in one turn of the event loop as take about half a millisecond.
 */
import type { Control, EventFeed, NumberedEvent } from '../core/control.ts';
import type { Clock, Timer } from '../core/ports.ts';
import type { DurationMs } from '../core/time.ts';
import { comment, frame, place } from './sse.ts';

/** What may wait for a slow listener before it is cut off. */
const MOST_WAITING_BYTES = 1_048_576;
/** Between two signs of life. */
const HEARTBEAT_MS: DurationMs = 15_000;
/** So many are told at once. */
const FEW = 16;
/** More are told after 1 ms for each so many of them, but no later than this. */
const LISTENERS_PER_MS = 8;
const LONGEST_DELAY_MS: DurationMs = 250;
/** Told in one turn of the event loop. */
const PER_TURN = 50;

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
  /** Events told before it came: not its own. */
  readonly since: number;
  /** Listeners of the same key want the same. */
  readonly key: string;
  /** Events of before, which it gets at once and which are not its fault. */
  backlogBytes: number;
}

/** Events that go out together. */
interface Round {
  /** Events told before them. */
  readonly since: number;
  readonly events: readonly NumberedEvent[];
  /** By the key of those who want it. */
  readonly pieces: Map<string, Uint8Array>;
}

/** An event as it goes out; the job that it is about is found when somebody asks for it. */
interface Written {
  readonly bytes: Uint8Array;
  job?: string | undefined;
}

const HEARTBEAT = comment('');
const NOTHING = new Uint8Array();

/** See the head of this file. */
export class EventStream {
  readonly #follow: Control['follow'];
  readonly #clock: Clock;
  readonly #redact: (text: string) => string;
  readonly #listeners = new Set<Listener>();
  readonly #written = new WeakMap<NumberedEvent, Written>();
  #feed: EventFeed | undefined;
  #heartbeat: Timer | undefined;
  #told = 0;
  /** Events that wait for their round. */
  #waiting: NumberedEvent[] = [];
  #nextRound: Timer | undefined;
  /** A round is on its way. */
  #isTelling = false;

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
      const key = JSON.stringify([wants.job, ...wants.types]);
      listener = { ...wants, controller, since: this.#told, key, backlogBytes: 0 };
      this.#join(listener);
      // In one turn with the joining, so that no event comes between.
      this.#catchUp(listener, after);
    };
    const cancel = (): void => {
      if (listener !== undefined) this.#leave(listener);
    };
    return new ReadableStream({ start, cancel }, new ByteLengthQueuingStrategy({ highWaterMark: MOST_WAITING_BYTES }));
  }

  #catchUp(listener: Listener, after: string | undefined): void {
    using feed = this.#follow(after, () => {});
    const isUpToDate = feed.backlog.length === 0;
    listener.controller.enqueue(isUpToDate ? place('events', feed.position) : comment('events'));
    if (feed.hasGap) listener.controller.enqueue(frame('gap', JSON.stringify({ after })));
    const missed = this.#pieceOf(feed.backlog, listener);
    if (missed.byteLength > 0) listener.controller.enqueue(missed);
    listener.backlogBytes = missed.byteLength;
  }

  #join(listener: Listener): void {
    this.#feed ??= this.#follow(undefined, (event) => this.#hear(event));
    this.#listeners.add(listener);
    if (this.#heartbeat === undefined) this.#armHeartbeat();
  }

  #leave(listener: Listener): void {
    if (!this.#listeners.delete(listener) || this.#listeners.size > 0) return;
    this.#heartbeat?.cancel();
    this.#heartbeat = undefined;
    this.#nextRound?.cancel();
    this.#nextRound = undefined;
    this.#waiting = [];
    this.#feed?.[Symbol.dispose]();
    this.#feed = undefined;
  }

  #armHeartbeat(): void {
    this.#heartbeat = this.#clock.setTimer(this.#clock.monotonic() + HEARTBEAT_MS, () => {
      this.#armHeartbeat();
      this.#tellAll(
        () => HEARTBEAT,
        () => {},
      );
    });
  }

  #hear(event: NumberedEvent): void {
    this.#told++;
    this.#waiting.push(event);
    if (!this.#isTelling && this.#nextRound === undefined) this.#armRound();
  }

  #armRound(): void {
    const { size } = this.#listeners;
    if (size <= FEW) return this.#beginRound();
    const delayMs = Math.min(LONGEST_DELAY_MS, size / LISTENERS_PER_MS);
    this.#nextRound = this.#clock.setTimer(this.#clock.monotonic() + delayMs, () => this.#beginRound());
  }

  #beginRound(): void {
    this.#nextRound = undefined;
    this.#isTelling = true;
    const round: Round = { since: this.#told - this.#waiting.length, events: this.#waiting, pieces: new Map() };
    this.#waiting = [];
    this.#tellAll(
      (listener) => this.#pieceFor(listener, round),
      () => {
        this.#isTelling = false;
        if (this.#waiting.length > 0) this.#armRound();
      },
    );
  }

  #tellAll(pieceFor: (listener: Listener) => Uint8Array, onDone: () => void): void {
    const listeners = [...this.#listeners];
    const tellSome = (begin: number): void => {
      const end = begin + PER_TURN;
      for (const listener of listeners.slice(begin, end)) this.#send(listener, pieceFor(listener));
      if (end < listeners.length) this.#clock.defer(() => tellSome(end));
      else onDone();
    };
    tellSome(0);
  }

  #send(listener: Listener, bytes: Uint8Array): void {
    if (bytes.byteLength === 0 || !this.#listeners.has(listener)) return;
    listener.controller.enqueue(bytes);
    // What is desired falls below zero when more waits than the high-water mark.
    if ((listener.controller.desiredSize ?? 0) >= -listener.backlogBytes) return;
    this.#leave(listener);
    listener.controller.close();
    listener.cutOff();
  }

  #pieceFor(listener: Listener, { since, events, pieces }: Round): Uint8Array {
    // Who came while they waited has had some of them with its backlog, or does not want them.
    if (listener.since > since) return this.#pieceOf(events.slice(listener.since - since), listener);
    let piece = pieces.get(listener.key);
    if (piece === undefined) pieces.set(listener.key, (piece = this.#pieceOf(events, listener)));
    return piece;
  }

  /** What goes out of these events to one listener. */
  #pieceOf(events: readonly NumberedEvent[], { job, types }: Listener): Uint8Array {
    const wanted: Uint8Array[] = [];
    for (const event of events) {
      if (!types.has(event.type)) continue;
      const written = this.#write(event);
      if (job === undefined || job === (written.job ??= jobOf(event.data))) wanted.push(written.bytes);
    }
    return wanted.length === 1 ? (wanted[0] ?? NOTHING) : Buffer.concat(wanted);
  }

  #write(event: NumberedEvent): Written {
    let written = this.#written.get(event);
    if (written === undefined) {
      written = { bytes: frame(event.type, this.#redact(event.data), event.id) };
      this.#written.set(event, written);
    }
    return written;
  }
}

/** @returns no name of a job where there is none */
function jobOf(data: string): string {
  const { job } = JSON.parse(data) as { job?: unknown };
  return typeof job === 'string' ? job : '';
}
