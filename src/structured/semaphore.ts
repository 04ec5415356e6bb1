/** So many at once, the others in line. */
import type { Lease, Within } from '../core/context.ts';
import { HeldLease } from './held-lease.ts';
import { WaitingLine } from './waiting-line.ts';

/**
 * Hands out a number of leases, first come, first served. A lease that comes back goes straight to whoever has waited longest:
 * nobody who comes later can take it on the way.
 */
export class Semaphore {
  readonly #line = new WaitingLine<Lease>();
  #free: number;

  /** @param permits leases at once; a whole number of at least 1. @throws RangeError */
  constructor(permits: number) {
    if (!Number.isSafeInteger(permits) || permits < 1)
      throw new RangeError(`a semaphore needs at least one permit, got ${permits}`);
    this.#free = permits;
  }

  /** Leases that are free. */
  get free(): number {
    return this.#free;
  }

  /** How many wait in line. */
  get waiting(): number {
    return this.#line.length;
  }

  /**
   * Waits for a lease; use it with `using`.
   *
   * @param within a context, or `{ signal }`: whoever waits under it gives up when it is cancelled or out of time, and has left
   *   the line by then
   * @throws rejects with the signal's reason
   */
  async acquire(within?: Within): Promise<Lease> {
    within?.signal.throwIfAborted();
    return this.tryAcquire() ?? this.#line.wait(within, undefined);
  }

  /** @returns a lease if one is free, and never waits */
  tryAcquire(): Lease | undefined {
    if (this.#free === 0) return undefined;
    this.#free--;
    return new HeldLease(this.#release);
  }

  readonly #release = (): void => {
    if (this.#line.serve(new HeldLease(this.#release)) === undefined) this.#free++;
  };
}
