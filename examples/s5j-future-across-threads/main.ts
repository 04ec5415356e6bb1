/**
 * S5j. Promise and future across threads: set in one thread, awaited in another. It settles once, whoever tries; and a thread that
 * ends without setting it leaves nobody hanging.
 */
import { Worker } from 'node:worker_threads';
import { SharedFuture } from '../../src/structured/kit.ts';

interface Sum {
  readonly from: string;
  readonly sum: number;
}

/** What came out. */
export interface AcrossThreads {
  readonly value: Sum;
  /** Whether this thread could set it a second time. */
  readonly secondCounted: boolean;
  readonly rejected: string;
  /** What a waiter is told when the thread ends without a word. */
  readonly abandoned: string;
}

/** Three threads, three futures. */
export async function acrossThreads(): Promise<AcrossThreads> {
  const start = (does: 'resolves' | 'rejects' | 'ends'): SharedFuture<Sum> => {
    const future = new SharedFuture<Sum>();
    future.settleWith(new Worker(new URL('setter.ts', import.meta.url), { workerData: { handle: future.handle, does } }));
    return future;
  };
  const good = start('resolves');
  const bad = start('rejects');
  const mute = start('ends');
  const value = await good.wait();
  const secondCounted = good.resolve({ from: 'this thread', sum: 0 });
  const told = (error: unknown): string => `${(error as Error).name}: ${(error as Error).message}`;
  const rejected = await bad.wait().then(() => 'no failure', told);
  const abandoned = await mute.wait().then(() => 'no failure', told);
  return { value, secondCounted, rejected, abandoned };
}

if (import.meta.main) {
  const { value, secondCounted, rejected, abandoned } = await acrossThreads();
  console.log(`awaited here: ${JSON.stringify(value)}; set a second time: ${secondCounted}`);
  console.log(`a thread that fails: ${rejected}\na thread that ends without a word: ${abandoned}`);
}
