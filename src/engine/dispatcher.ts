/**
 * Bounds how many runs are live on this node, and lets those of higher priority go first. p-queue does order, priority and
 * the cap; it is given promises that settle on proof of the end, and neither its `timeout` nor its `signal`, which free a
 * place while the work goes on.
 */
import PQueue from 'p-queue';

/** The node's places. */
export class Dispatcher {
  readonly #queue: PQueue;

  /** @param concurrency runs live at once; at least 1 */
  constructor(concurrency: number) {
    this.#queue = new PQueue({ concurrency });
  }

  /**
   * Calls `work` once a place is free; the place is free again when its promise settles.
   *
   * @param priority higher first; equal ones in the order of the calls
   * @param work never rejects
   */
  dispatch(priority: number, work: () => Promise<void>): void {
    void this.#queue.add(work, { priority });
  }

  /** Takes effect for the next start; live runs above a lowered limit go on. */
  set concurrency(concurrency: number) {
    this.#queue.concurrency = concurrency;
  }

  /** Work that has no place yet. */
  get waiting(): number {
    return this.#queue.size;
  }
}
