/**
 * S5h. A result shared by concurrent writers: a success count and a list of errors, which many threads report to at once.
 * No update is lost, and no thread waits for another one.
 */
import { Worker } from 'node:worker_threads';
import { SharedTally, type TallyReading } from '../../src/structured/kit.ts';

/** What came out. */
export interface SharedCount {
  readonly expected: { readonly succeeded: number; readonly failed: number };
  readonly reading: TallyReading;
}

/** Lets so many threads report so many pieces each. */
export async function sharedResult(threads = 4, pieces = 50_000): Promise<SharedCount> {
  const failures = Math.floor(pieces / 100);
  const tally = new SharedTally(threads * failures);
  const ready = new Int32Array(new SharedArrayBuffer(4));
  const ends = Array.from({ length: threads }, (_, index) => {
    const workerData = { handle: tally.handle, ready, threads, name: `thread ${index + 1}`, pieces };
    const worker = new Worker(new URL('writer.ts', import.meta.url), { workerData });
    return new Promise<void>((resolve, reject) => worker.once('error', reject).once('exit', () => resolve()));
  });
  await Promise.all(ends);
  const expected = { succeeded: threads * (pieces - failures), failed: threads * failures };
  return { expected, reading: tally.read() };
}

if (import.meta.main) {
  const { expected, reading } = await sharedResult();
  console.log(`4 threads report ${expected.succeeded} successes and ${expected.failed} errors`);
  console.log(
    `  counted: ${reading.succeeded} successes, ${reading.failed} errors, ${reading.errors.length} in the list; omitted ${reading.omitted}`,
  );
}
