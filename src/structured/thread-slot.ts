/**
 * Which thread holds what, for all threads of the process: a table in shared memory, one word a slot: 0, or the id of the holding
 * thread plus one. A name has its slot by its hash. Two names that share one (1 in 65,536) exclude each other between threads, and
 * are two names within a thread; so whoever holds both cannot be in its own way.
 *
 * - A slot is taken by compare-and-exchange, so never by two. Waiting is `Atomics.waitAsync`, which blocks nobody.
 * - Whoever gives it back while other threads wait lets one of them go first, for 5 ms at most.
 * - A thread that ends, by force included, is seen by the one that started it, which frees its slots: its exit is the proof.
 *
 * The table comes to a thread with its environment data, from whoever started it; a thread that was started before this module was
 * loaded there has a table of its own, and excludes nobody. Node's own `locks` would be the tool for this; as
 * of 24.21 a wait among several threads can last for ever (`setImmediate` within a lock that another thread handed over).
 */
import { getEnvironmentData, setEnvironmentData, threadId, type Worker } from 'node:worker_threads';

const SLOTS = 65_536;
const KEY = 'tickwise.locks';
const FREE = 0;
const ME: number = threadId + 1;
/** How long a thread that has just had the slot leaves it to those that it has woken. */
const YIELD_MS = 5;
/** A wait that nobody ends is looked after this often. */
const LOOK_AGAIN_MS = 1_000;

const words: Int32Array = openTable();

/** One slot, as this thread sees it. */
export interface ThreadSlot {
  /** Takes it for this thread, once more if the thread has it already. @returns `false`: another thread has it, or goes first */
  take(): boolean;
  /** Gives back what one `take` took. */
  give(): void;
  /** Resolves when it is worth while to try again. */
  waitForChange(): Promise<void>;
}

interface Kept {
  /** How often this thread has taken it. */
  taken: number;
  /** Until when others go first, by `performance.now`. */
  yieldUntil: number;
}

/** Of the slots that this thread has taken, or has just given back. */
const kept = new Map<number, Kept>();

/**
 * Finds the slot of a name.
 *
 * @param name any text
 * @returns the same slot for the same name in all threads
 */
export function threadSlot(name: string): ThreadSlot {
  const at = hash(name) % SLOTS;
  return {
    take() {
      const mine = kept.get(at);
      if (mine !== undefined && mine.taken > 0) {
        mine.taken++;
        return true;
      }
      if (mine !== undefined && performance.now() < mine.yieldUntil && Atomics.load(words, at) === FREE) return false;
      if (Atomics.compareExchange(words, at, FREE, ME) !== FREE) return false;
      kept.set(at, { taken: 1, yieldUntil: 0 });
      return true;
    },
    give() {
      const mine = kept.get(at);
      if (mine === undefined || --mine.taken > 0) return;
      Atomics.store(words, at, FREE);
      const woken = Atomics.notify(words, at);
      if (woken === 0) kept.delete(at);
      else mine.yieldUntil = performance.now() + YIELD_MS;
    },
    async waitForChange() {
      const seen = Atomics.load(words, at);
      const waiting = Atomics.waitAsync(words, at, seen, seen === FREE ? YIELD_MS : LOOK_AGAIN_MS);
      if (waiting.async) await waiting.value;
    },
  };
}

function openTable(): Int32Array {
  const given: unknown = getEnvironmentData(KEY);
  const memory = given instanceof SharedArrayBuffer ? given : new SharedArrayBuffer(SLOTS * Int32Array.BYTES_PER_ELEMENT);
  if (memory !== given) setEnvironmentData(KEY, memory);
  process.on('worker', (worker: Worker) => {
    const holder = worker.threadId + 1;
    worker.once('exit', () => freeAllOf(holder));
  });
  return new Int32Array(memory);
}

/** The thread is gone; so nobody else can be writing its number. */
function freeAllOf(holder: number): void {
  for (let at = 0; at < SLOTS; at++) {
    if (Atomics.compareExchange(words, at, holder, FREE) === holder) Atomics.notify(words, at);
  }
}

/** FNV-1a. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  return value >>> 0;
}
