/** A thread that reports: it counts its successes, and every hundredth piece of work is an error. */
import { workerData } from 'node:worker_threads';
import { SharedTally, type SharedTallyHandle } from '../../src/structured/kit.ts';

const { handle, ready, threads, name, pieces } = workerData as {
  readonly handle: SharedTallyHandle;
  /** How many threads have arrived; all begin together. */
  readonly ready: Int32Array;
  readonly threads: number;
  readonly name: string;
  readonly pieces: number;
};

const tally = new SharedTally(handle);
Atomics.add(ready, 0, 1);
Atomics.notify(ready, 0);
for (let arrived = Atomics.load(ready, 0); arrived < threads; arrived = Atomics.load(ready, 0)) Atomics.wait(ready, 0, arrived);
for (let piece = 1; piece <= pieces; piece++) {
  if (piece % 100 === 0) tally.failed(new Error(`${name}: piece ${piece} is broken`));
  else tally.succeeded();
}
