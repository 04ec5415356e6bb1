/**
 * A result that many threads write at once: a count of what went well, and the list of what did not. No lock, and no update is lost.
 *
 * Counts are atomic additions. An error takes a slot of the memory by one atomic addition, so two threads never write the same
 * bytes, and the slot is marked when it is written; a thread that ends by force in between spoils no slot but its own. When all
 * slots are taken, errors are still counted, and a reading says how many are not in the list.
 */
import { errorRecord, type ErrorRecord } from '../core/errors.ts';

/** What another thread opens it by: put it into `workerData` or a message. */
export interface SharedTallyHandle {
  readonly memory: SharedArrayBuffer;
}

/** What was counted up to one moment. */
export interface TallyReading {
  readonly succeeded: number;
  readonly failed: number;
  /** In the order in which they took their places. `errors.length + omitted` is `failed`. */
  readonly errors: readonly ErrorRecord[];
  /** Errors for whose text there was no room, or which are being written. */
  readonly omitted: number;
}

const SUCCEEDED = 0;
const FAILED = 1;
/** Slots that were asked for; may be more than there are. */
const TAKEN = 2;
const HEADER_WORDS = 4;
const SLOT_BYTES = 1024;
/** The first word of a slot is the length of its text, 0 until the text is whole. */
const TEXT_BYTES = SLOT_BYTES - 4;
const DEFAULT_ERRORS = 256;

/** One tally, as one thread sees it. */
export class SharedTally {
  readonly handle: SharedTallyHandle;
  readonly #words: Int32Array;
  readonly #slots: number;

  /**
   * @param from the handle of a tally that another thread has made; or how many errors a new one has room for, 256 unless given
   */
  constructor(from: SharedTallyHandle | number = DEFAULT_ERRORS) {
    this.handle = typeof from === 'number' ? { memory: new SharedArrayBuffer(HEADER_WORDS * 4 + from * SLOT_BYTES) } : from;
    this.#words = new Int32Array(this.handle.memory);
    this.#slots = (this.handle.memory.byteLength - HEADER_WORDS * 4) / SLOT_BYTES;
  }

  /** Counts what went well. @param count a whole number */
  succeeded(count: number = 1): void {
    Atomics.add(this.#words, SUCCEEDED, count);
  }

  /** Counts a failure and keeps its error as plain data, its message cut to what a slot holds. @param error any value */
  failed(error: unknown): void {
    Atomics.add(this.#words, FAILED, 1);
    const slot = Atomics.add(this.#words, TAKEN, 1);
    if (slot >= this.#slots) {
      // The mark must not run over; those that were omitted follow from the count.
      Atomics.sub(this.#words, TAKEN, 1);
      return;
    }
    const text = slotText(errorRecord(error));
    this.#bytesOf(slot).set(text);
    Atomics.store(this.#words, this.#wordOf(slot), text.length);
  }

  /** @returns what stands there now; other threads may go on */
  read(): TallyReading {
    const errors: ErrorRecord[] = [];
    const taken = Math.min(this.#slots, Atomics.load(this.#words, TAKEN));
    for (let slot = 0; slot < taken; slot++) {
      const length = Atomics.load(this.#words, this.#wordOf(slot));
      if (length === 0) continue;
      errors.push(JSON.parse(new TextDecoder().decode(this.#bytesOf(slot).slice(0, length))) as ErrorRecord);
    }
    // Counted before it is written: what is in the list is in the count.
    const failed = Atomics.load(this.#words, FAILED);
    return { succeeded: Atomics.load(this.#words, SUCCEEDED), failed, errors, omitted: failed - errors.length };
  }

  #wordOf(slot: number): number {
    return HEADER_WORDS + (slot * SLOT_BYTES) / 4;
  }

  #bytesOf(slot: number): Uint8Array {
    return new Uint8Array(this.handle.memory, (this.#wordOf(slot) + 1) * 4, TEXT_BYTES);
  }
}

function slotText({ name, message, code }: ErrorRecord): Uint8Array {
  let kept = message.slice(0, TEXT_BYTES);
  for (;;) {
    const record = { name: name.slice(0, 64), message: kept, ...(code === undefined ? {} : { code: code.slice(0, 64) }) };
    const text = new TextEncoder().encode(JSON.stringify(record));
    if (text.length <= TEXT_BYTES) return text;
    kept = kept.slice(0, Math.floor(kept.length / 2));
  }
}
