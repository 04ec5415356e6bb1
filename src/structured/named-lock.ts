/**
 * Mutexes by name, one for the whole process: runs inline and in worker threads exclude each other.
 *
 * Two storeys. Within a thread those who want a name stand in one line. For all of them the thread holds, or asks for, that name
 * among the process's threads, by Node's `locks` (the Web Locks API), which frees what a thread held when the thread ends, by
 * force included. Two things it does not do (24.21), so they are done here:
 * - A request that is given up stays in its line. So a thread has one request for a name at the most, which outlives whoever
 *   gives up; when it is granted and nobody wants it any more, it is given back.
 * - When a thread ends that held a name, those who wait for it are not served until somebody asks again. So whoever waits does,
 *   each second.
 *
 * Runs in a process of their own are not reached; jobs that exclude each other everywhere have `exclusive` in their configuration.
 */
import { locks } from 'node:worker_threads';
import type { Lease, Within } from '../core/context.ts';
import type { Clock, Timer } from '../core/ports.ts';
import { HeldLease } from './held-lease.ts';
import { WaitingLine } from './waiting-line.ts';

/** How long a lock stays with a thread that is gone, at most, while others wait. */
const LOOK_AGAIN_MS = 1_000;

/** The names that this thread holds or asks for. */
const names = new Map<string, LockName>();

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
  let entry = names.get(name);
  if (entry === undefined) {
    entry = new LockName(name);
    names.set(name, entry);
  }
  return entry.lock(clock, within);
}

class LockName {
  readonly #name: string;
  readonly #line = new WaitingLine<Lease>();
  #state: 'free' | 'asking' | 'held' = 'free';
  #timer: Timer | undefined;

  constructor(name: string) {
    this.#name = name;
  }

  async lock(clock: Clock, within: Within): Promise<Lease> {
    const waiting = this.#line.wait(within, undefined);
    if (this.#state === 'free') this.#ask(clock);
    // The request is of an earlier caller, who gave up and took the timer along.
    else if (this.#state === 'asking' && this.#timer === undefined) this.#lookAgainLater(clock);
    return waiting;
  }

  #ask(clock: Clock): void {
    this.#state = 'asking';
    const back = locks.request(`tickwise:${this.#name}`, () => this.#granted());
    // A name that is free is granted before this line.
    if (this.#isAsking()) this.#lookAgainLater(clock);
    void back.then(() => this.#givenBack(clock));
  }

  /** @returns resolves when whoever was first in line has released it */
  #granted(): Promise<void> {
    this.#state = 'held';
    this.#timer?.cancel();
    this.#timer = undefined;
    return new Promise((resolve) => {
      if (this.#line.serve(new HeldLease(resolve)) === undefined) resolve();
    });
  }

  /** The next of this thread asks anew, behind the threads that have waited meanwhile. */
  #givenBack(clock: Clock): void {
    this.#state = 'free';
    if (this.#line.length > 0) this.#ask(clock);
    else names.delete(this.#name);
  }

  #lookAgainLater(clock: Clock): void {
    this.#timer = clock.setTimer(clock.monotonic() + LOOK_AGAIN_MS, () => {
      this.#timer = undefined;
      if (!this.#isAsking() || this.#line.length === 0) return;
      void locks.request(`tickwise:${this.#name}`, { ifAvailable: true }, () => undefined);
      this.#lookAgainLater(clock);
    });
  }

  #isAsking(): boolean {
    return this.#state === 'asking';
  }
}
