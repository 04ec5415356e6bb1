/** What holds something until it is disposed of. */
import type { Lease } from '../core/context.ts';

/** Calls what it was made with once, at the first release. */
export class HeldLease implements Lease {
  #giveBack: (() => void) | undefined;

  /** @param giveBack never throws */
  constructor(giveBack: () => void) {
    this.#giveBack = giveBack;
  }

  release(): void {
    const giveBack = this.#giveBack;
    this.#giveBack = undefined;
    giveBack?.();
  }

  [Symbol.dispose](): void {
    this.release();
  }
}
