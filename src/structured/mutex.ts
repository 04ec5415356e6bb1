/** One at a time. */
import type { Lease, Within } from '../core/context.ts';
import { Semaphore } from './semaphore.ts';

/** A lock for this thread: one lease, first come, first served. It is not re-entrant: who holds it and asks again waits for itself. */
export class Mutex {
  readonly #semaphore = new Semaphore(1);

  /** Whether somebody holds it. */
  get locked(): boolean {
    return this.#semaphore.free === 0;
  }

  /** How many wait in line. */
  get waiting(): number {
    return this.#semaphore.waiting;
  }

  /**
   * Waits for the lock; use it as `using held = await mutex.lock(context)`.
   *
   * @param within a context, or `{ signal }`: whoever waits under it gives up when it is cancelled or out of time, and has left
   *   the line by then
   * @throws rejects with the signal's reason
   */
  lock(within?: Within): Promise<Lease> {
    return this.#semaphore.acquire(within);
  }

  /** @returns the lock if it is free, and never waits */
  tryLock(): Lease | undefined {
    return this.#semaphore.tryAcquire();
  }
}
