/**
 * S5i. Bounded concurrency, ordered results: 10 tasks, 3 at a time. Never more than 3 are live, and the results come in the order of the
 * input, whatever the order of the ends.
 */
import { type Context, createContext } from '../../src/structured/kit.ts';
import { Stopwatch } from '../stopwatch.ts';

/** What came out. */
export interface Bounded {
  readonly results: readonly number[];
  /** In the order of their ends. */
  readonly ended: readonly number[];
  readonly mostLive: number;
  readonly seconds: number;
}

/** Ten tasks; the earlier ones take longer. */
export async function threeAtATime(watch: Stopwatch): Promise<Bounded> {
  let live = 0;
  let mostLive = 0;
  const ended: number[] = [];
  using root = createContext();
  const works = Array.from({ length: 10 }, (_, index) => async ({ sleep }: Context) => {
    mostLive = Math.max(mostLive, ++live);
    await sleep(watch.ms(1.2 - index / 10));
    live--;
    ended.push(index + 1);
    return index + 1;
  });
  const results = await root.gather(works, { concurrency: 3 });
  return { results, ended, mostLive, seconds: watch.seconds };
}

if (import.meta.main) {
  const { results, ended, mostLive, seconds } = await threeAtATime(new Stopwatch());
  console.log(`ended:   ${ended.join(' ')}\nresults: ${results.join(' ')}`);
  console.log(`at most ${mostLive} live at once; ${seconds} s in all (7.5 s one after the other)`);
}
