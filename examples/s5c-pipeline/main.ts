/**
 * S5c. A pipeline with acknowledgement: stages joined by channels in both directions. Each item is acknowledged back to its producer; a slow stage
 * slows the ones before it; an error or a cancel closes all stages, and nothing is lost without a word.
 */
import { type Acknowledgement, createContext, pipeline, type PipelinePlan } from '../../src/structured/kit.ts';
import { Stopwatch } from '../stopwatch.ts';

const ITEMS = 12;
const BAD_ITEM = 4;

/** What became of twelve items. */
export interface Passage {
  /** One word for each item, in order: `done`, or what happened and where. */
  readonly fates: readonly string[];
  /** Items that had been read from the source and had no acknowledgement, at most. */
  readonly mostOnTheWay: number;
  readonly seconds: number;
  readonly error: string | undefined;
}

/** Three stages: fetch (0.1 s), parse (0.1 s) and store, which is slow (0.3 s). */
function plan(watch: Stopwatch, badItem?: number): PipelinePlan<number, string> {
  return pipeline<number>()
    .stage('fetch', async (id, { sleep }) => sleep(watch.ms(0.1)).then(() => `page ${id}`))
    .stage('parse', async (page, { sleep }) => {
      await sleep(watch.ms(0.1));
      if (page === `page ${badItem}`) throw new Error(`${page} cannot be read`);
      return `parsed ${page}`;
    })
    .stage('store', async (row, { sleep }) => sleep(watch.ms(0.3)).then(() => `stored ${row}`));
}

/** Sends twelve items through, with a bad one, or a cancel after one second, if asked. */
export async function passage(watch: Stopwatch, trouble?: 'bad item' | 'cancel'): Promise<Passage> {
  using root = createContext();
  using context = trouble === 'cancel' ? root.withTimeout(watch.ms(1)) : root.withCancel();
  const line = plan(watch, trouble === 'bad item' ? BAD_ITEM : undefined).open(context);
  let read = 0;
  let mostOnTheWay = 0;
  const fates: string[] = [];
  const source = function* (): Generator<number> {
    for (let id = 1; id <= ITEMS; id++) {
      read++;
      mostOnTheWay = Math.max(mostOnTheWay, read - fates.length);
      yield id;
    }
  };
  // The source is read no faster than the slowest stage works.
  for await (const acknowledged of line.over(source())) fates.push(fateOf(acknowledged));
  const error = await line.close().then(
    () => undefined,
    (thrown: unknown) => (thrown as Error).message,
  );
  // Those that were never read are still the source's: nothing was taken that was not acknowledged.
  while (fates.length < ITEMS) fates.push(fates.length < read ? 'LOST' : 'not taken');
  return { fates, mostOnTheWay, seconds: watch.seconds, error };
}

function fateOf(acknowledged: Acknowledgement<string>): string {
  switch (acknowledged.status) {
    case 'done':
      return 'done';
    case 'failed':
      return `failed in ${acknowledged.stage}`;
    case 'dropped':
      return `dropped before ${acknowledged.stage}`;
    default:
      return acknowledged satisfies never;
  }
}

if (import.meta.main) {
  for (const trouble of [undefined, 'bad item', 'cancel'] as const) {
    const { fates, mostOnTheWay, seconds, error } = await passage(new Stopwatch(), trouble);
    console.log(
      `${trouble ?? 'no trouble'}: ${seconds} s, at most ${mostOnTheWay} of ${ITEMS} items on the way${error === undefined ? '' : `; "${error}"`}`,
    );
    console.log(`  ${fates.map((fate, index) => `${index + 1} ${fate}`).join(', ')}`);
  }
}
