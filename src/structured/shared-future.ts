/**
 * A future across threads: set in one, awaited in others.
 *
 * Its state is one word of shared memory that goes from pending to settled once, by compare-and-exchange, whoever tries; the value
 * lies beside it. Waiting is `Atomics.waitAsync`, which blocks no thread. A thread that ends by force while it sets the value
 * leaves the word at its own number; `settleWith` is what frees its waiters.
 */
import { deserialize, serialize } from 'node:v8';
import { threadId, type Worker } from 'node:worker_threads';
import type { Within } from '../core/context.ts';
import { errorRecord, type ErrorRecord, TickwiseError } from '../core/errors.ts';
import { Future } from './future.ts';
import { keepAwake } from './keep-awake.ts';
import type { Source, Taken } from './source.ts';

/** What another thread opens it by: put it into `workerData` or a message. */
export interface SharedFutureHandle {
  readonly memory: SharedArrayBuffer;
}

const STATE = 0;
const LENGTH = 1;
const HEADER_BYTES = 8;
const PENDING = 0;
const RESOLVED = 1;
const REJECTED = 2;
/** A thread that is setting the value has written this plus its id. */
const WRITING = 16;
const LARGEST_BYTES = 16 * 1024 * 1024;

/** Settles exactly once, among all threads. What goes through is a structured clone; an error comes out as one with the same name, message and code. */
export class SharedFuture<Value> implements Source<Value> {
  readonly handle: SharedFutureHandle;
  readonly #words: Int32Array;
  /** What this thread knows of it; one wait for all who wait in this thread. */
  #here: Future<Value> | undefined;

  /**
   * @param handle of a future that another thread has made; absent: makes one
   */
  constructor(handle?: SharedFutureHandle) {
    this.handle = handle ?? { memory: new SharedArrayBuffer(HEADER_BYTES, { maxByteLength: LARGEST_BYTES }) };
    this.#words = new Int32Array(this.handle.memory, 0, 2);
  }

  /** Whether it is set, by whichever thread. */
  get settled(): boolean {
    const state = Atomics.load(this.#words, STATE);
    return state === RESOLVED || state === REJECTED;
  }

  /** Sets the value. @returns `false` when it was settled before. @throws DataCloneError; RangeError above 16 MiB */
  resolve(value: Value): boolean {
    return this.#settle(RESOLVED, serialize(value));
  }

  /** Sets the failure. @returns `false` when it was settled before */
  reject(reason: unknown): boolean {
    return this.#settle(REJECTED, serialize(errorRecord(reason)));
  }

  /**
   * Rejects it with `RUN_CRASHED` when the thread ends and has not set it: a waiter never hangs on a thread that is gone.
   *
   * @param worker the thread that is to set it
   */
  settleWith(worker: Worker): void {
    const writing = WRITING + worker.threadId;
    worker.once('exit', (code) => {
      // The only one that could go on writing is gone.
      Atomics.compareExchange(this.#words, STATE, writing, PENDING);
      this.reject(new TickwiseError('RUN_CRASHED', `the thread ended with code ${code} and has not set its result`));
    });
  }

  /**
   * Waits for the result.
   *
   * @param within a context, or `{ signal }`, with which the waiter gives up
   * @throws rejects with what `reject` was given, or with the signal's reason
   */
  async wait(within?: Within): Promise<Value> {
    using _awake = keepAwake();
    return await this.#known().wait(within);
  }

  tryTake(): Taken<Value> | undefined {
    return this.settled ? this.#known().tryTake() : undefined;
  }

  watch(wake: () => void): Disposable {
    const watching = new DisposableStack();
    watching.use(keepAwake());
    watching.use(this.#known().watch(wake));
    return watching;
  }

  #known(): Future<Value> {
    if (this.#here === undefined) {
      this.#here = new Future();
      void this.#learn(this.#here);
    } else if (this.settled) this.#read(this.#here);
    return this.#here;
  }

  async #learn(here: Future<Value>): Promise<void> {
    for (let state = Atomics.load(this.#words, STATE); !this.settled; state = Atomics.load(this.#words, STATE)) {
      const waiting = Atomics.waitAsync(this.#words, STATE, state);
      if (waiting.async) await waiting.value;
    }
    this.#read(here);
  }

  #read(here: Future<Value>): void {
    if (here.settled) return;
    const bytes = new Uint8Array(this.handle.memory, HEADER_BYTES, Atomics.load(this.#words, LENGTH)).slice();
    const value: unknown = deserialize(bytes);
    if (Atomics.load(this.#words, STATE) === RESOLVED) here.resolve(value as Value);
    else here.reject(revive(value as ErrorRecord));
  }

  #settle(kind: typeof RESOLVED | typeof REJECTED, bytes: Uint8Array): boolean {
    if (bytes.length > LARGEST_BYTES - HEADER_BYTES)
      throw new RangeError(`a shared result of ${bytes.length} bytes (at most 16 MiB)`);
    if (Atomics.compareExchange(this.#words, STATE, PENDING, WRITING + threadId) !== PENDING) return false;
    const { memory } = this.handle;
    if (memory.byteLength < HEADER_BYTES + bytes.length) memory.grow(HEADER_BYTES + bytes.length);
    new Uint8Array(memory, HEADER_BYTES).set(bytes);
    Atomics.store(this.#words, LENGTH, bytes.length);
    Atomics.store(this.#words, STATE, kind);
    Atomics.notify(this.#words, STATE);
    return true;
  }
}

function revive({ name, message, code, stack }: ErrorRecord): Error {
  const error = new Error(message);
  return Object.assign(error, { name, ...(code === undefined ? {} : { code }), ...(stack === undefined ? {} : { stack }) });
}
