/**
 * Mutexes by name, one for the whole process: runs inline and in worker threads exclude each other. Within a thread those who want a
 * name stand in one line, first come, first served; between threads a slot of shared memory says which thread it is (see
 * `thread-slot.ts`).
 *
 * Runs in a process of their own are not reached; jobs that exclude each other everywhere have `exclusive` in their configuration.
 */
import type { Lease, Within } from '../core/context.ts';
import { HeldLease } from './held-lease.ts';
import { keepAwake } from './keep-awake.ts';
import { type ThreadSlot, threadSlot } from './thread-slot.ts';
import { WaitingLine } from './waiting-line.ts';

/** The names that somebody of this thread holds or waits for. */
const names = new Map<string, LockName>();

/**
 * Waits for the mutex of that name.
 *
 * @param name any text
 * @param within gives up with it, and has left the line then
 * @returns the lease; use it with `using`
 * @throws rejects with the signal's reason
 */
export async function lockNamed(name: string, within: Within): Promise<Lease> {
  within.signal.throwIfAborted();
  const entry = names.get(name) ?? new LockName(name);
  names.set(name, entry);
  return entry.lock(within);
}

class LockName {
  readonly #name: string;
  readonly #slot: ThreadSlot;
  readonly #line = new WaitingLine<Lease>();
  #held = false;
  #claiming = false;

  constructor(name: string) {
    this.#name = name;
    this.#slot = threadSlot(name);
  }

  lock(within: Within): Promise<Lease> {
    const lease = this.#line.wait(within, undefined);
    this.#serveNext();
    return lease;
  }

  #serveNext(): void {
    if (this.#held || this.#claiming) return;
    if (this.#line.length === 0) names.delete(this.#name);
    else if (this.#slot.take()) this.#serve();
    else void this.#claim();
  }

  #serve(): void {
    this.#held = true;
    const giveBack = (): void => {
      this.#held = false;
      this.#slot.give();
      this.#serveNext();
    };
    this.#line.serve(new HeldLease(giveBack));
  }

  /** Goes on for as long as somebody of this thread wants it; whoever gives up meanwhile is not in the line any more. */
  async #claim(): Promise<void> {
    this.#claiming = true;
    {
      using _awake = keepAwake();
      while (this.#line.length > 0 && !this.#slot.take()) await this.#slot.waitForChange();
    }
    this.#claiming = false;
    if (this.#line.length > 0) this.#serve();
    else this.#serveNext();
  }
}
