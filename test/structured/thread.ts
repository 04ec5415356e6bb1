/** A thread that does one thing of `fixtures/thread.ts`. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Order } from './fixtures/thread.ts';

export interface Thread extends AsyncDisposable {
  readonly worker: Worker;
  readonly exited: Promise<unknown>;
  /** The next message. */
  said(): Promise<unknown>;
}

export function startThread(order: Order): Thread {
  const worker = new Worker(new URL('./fixtures/thread.ts', import.meta.url), { workerData: order });
  const exited = once(worker, 'exit');
  return {
    worker,
    exited,
    said: async () => ((await once(worker, 'message')) as unknown[])[0],
    async [Symbol.asyncDispose]() {
      await worker.terminate();
    },
  };
}
