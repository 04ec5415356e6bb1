/** A thread that sets a result, fails, tries too late, or ends without a word. */
import { workerData } from 'node:worker_threads';
import { SharedFuture, type SharedFutureHandle } from '../../src/structured/kit.ts';

const { handle, does } = workerData as { readonly handle: SharedFutureHandle; readonly does: string };
const future = new SharedFuture<{ readonly from: string; readonly sum: number }>(handle);

if (does === 'resolves') future.resolve({ from: 'another thread', sum: sumTo(1_000_000) });
if (does === 'rejects') future.reject(new RangeError('the sum does not fit'));
// 'ends': without having set anything.

function sumTo(last: number): number {
  let sum = 0;
  for (let number = 1; number <= last; number++) sum += number;
  return sum;
}
