/**
 * Mutexes by name, one for the whole process: runs inline and in worker threads exclude each other.
 *
 * Two storeys. Within a thread a Mutex keeps the order and costs next to nothing. Its holder then asks for the same name among
 * the process's threads, by Node's `locks` (the Web Locks API), which frees what a thread held when the thread ends, by force
 * included. What it does not do (24.21) is serve those who wait at that moment: it looks at the line again only when somebody asks
 * for that name. So whoever waits asks, each second.
 *
 * Runs in a process of their own are not reached; jobs that exclude each other everywhere have `exclusive` in their configuration.
 */
import { locks } from 'node:worker_threads';
import type { Lease, Within } from '../core/context.ts';
import type { Clock, Timer } from '../core/ports.ts';
import { Mutex } from './mutex.ts';

/** How long a lock stays with a thread that is gone, at most, while others wait. */
const LOOK_AGAIN_MS = 1_000;

interface Named {
  readonly mutex: Mutex;
  /** Holders and waiters of this thread; the entry goes with the last of them. */
  users: number;
}

const named = new Map<string, Named>();

/**
 * Waits for the mutex of that name.
 *
 * @param name any text
 * @param clock for looking again
 * @param within gives up with it
 * @returns the lease; use it with `using`
 * @throws rejects with the signal's reason
 */
export async function lockNamed(name: string, clock: Clock, within: Within): Promise<Lease> {
  within.signal.throwIfAborted();
  const entry = named.get(name) ?? { mutex: new Mutex(), users: 0 };
  named.set(name, entry);
  entry.users++;
  let here: Lease | undefined;
  const leave = (): void => {
    here?.release();
    if (--entry.users === 0) named.delete(name);
  };
  try {
    here = await entry.mutex.lock(within);
    return new NamedLease(await acrossThreads(`tickwise:${name}`, clock, within), leave);
  } catch (error) {
    leave();
    throw error;
  }
}

/** @returns what gives the lock back; resolves when it is back */
function acrossThreads(name: string, clock: Clock, { signal }: Within): Promise<() => Promise<void>> {
  return new Promise((resolve, reject) => {
    let timer: Timer | undefined;
    const lookAgain = (): void => {
      timer = clock.setTimer(clock.monotonic() + LOOK_AGAIN_MS, lookAgain);
      void locks.request(name, { ifAvailable: true }, () => undefined);
    };
    let free: () => void = () => undefined;
    const held = new Promise<void>((done) => {
      free = done;
    });
    let granted = false;
    const back = locks
      .request(name, { signal }, () => {
        granted = true;
        timer?.cancel();
        resolve(() => {
          free();
          return back;
        });
        return held;
      })
      .then(
        () => undefined,
        (error: unknown) => {
          timer?.cancel();
          reject(signal.aborted ? (signal.reason as Error) : (error as Error));
        },
      );
    if (!granted && !signal.aborted) timer = clock.setTimer(clock.monotonic() + LOOK_AGAIN_MS, lookAgain);
  });
}

class NamedLease implements Lease {
  #giveBack: (() => Promise<void>) | undefined;
  readonly #leave: () => void;

  constructor(giveBack: () => Promise<void>, leave: () => void) {
    this.#giveBack = giveBack;
    this.#leave = leave;
  }

  /** The next of this thread asks when the process has it back: else it would stand in line behind its own thread. */
  release(): void {
    const giveBack = this.#giveBack;
    this.#giveBack = undefined;
    void giveBack?.().then(this.#leave);
  }

  [Symbol.dispose](): void {
    this.release();
  }
}
