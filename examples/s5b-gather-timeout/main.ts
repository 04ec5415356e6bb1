/**
 * S5b. Gather with a timeout: tasks of 1, 3 and 2 s, timeout 2.5 s. The results of the first and third are kept, the second is cancelled and marked.
 * One failure does not lose the others' results (`settled`), or cancels them (`all`), as asked.
 */
import { type Context, createContext, type Gathered, type Work } from '../../src/structured/kit.ts';
import { Stopwatch } from '../stopwatch.ts';

/** What came out. */
export interface GatheredTimes {
  readonly inTime: readonly Gathered<string>[];
  readonly inTimeSeconds: number;
  /** The same tasks, of which the first fails, in both modes. */
  readonly settled: readonly Gathered<string>[];
  readonly all: { readonly error: string; readonly seconds: number; readonly finished: readonly string[] };
}

/** The whole experiment. */
export async function gatherWithTimeout(secondMs = 1_000): Promise<GatheredTimes> {
  using root = createContext();
  let watch = new Stopwatch(secondMs);
  const finished: string[] = [];
  const task =
    (seconds: number, fails = false): Work<string> =>
    async ({ sleep }: Context) => {
      await sleep(watch.ms(seconds));
      if (fails) throw new Error(`the task of ${seconds} s failed`);
      finished.push(`${seconds} s`);
      return `${seconds} s`;
    };

  const inTime = await root.gather([task(1), task(3), task(2)], { mode: 'settled', timeoutMs: watch.ms(2.5) });
  const inTimeSeconds = watch.seconds;

  const settled = await root.gather([task(1, true), task(1.5), task(2)], { mode: 'settled' });

  watch = new Stopwatch(secondMs);
  finished.length = 0;
  const error = await root.gather([task(1, true), task(3), task(2)]).then(
    () => 'no failure',
    (thrown: unknown) => (thrown as Error).message,
  );
  return { inTime, inTimeSeconds, settled, all: { error, seconds: watch.seconds, finished } };
}

if (import.meta.main) {
  const show = (results: readonly Gathered<string>[]): string =>
    results
      .map((result) => (result.status === 'fulfilled' ? result.value : `${result.status} (${(result.reason as Error).message})`))
      .join(', ');
  const { inTime, inTimeSeconds, settled, all } = await gatherWithTimeout();
  console.log(`1, 3 and 2 s within 2.5 s: ${show(inTime)}; returned at ${inTimeSeconds} s`);
  console.log(`settled, the first fails:  ${show(settled)}`);
  console.log(
    `all, the first fails:      "${all.error}" at ${all.seconds} s; finished nevertheless: ${all.finished.join() || 'none'}`,
  );
}
