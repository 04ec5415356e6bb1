/**
 * S5d. Error propagation: a failing task cancels its siblings, all clean up, and the first error comes out with its context.
 */
import { type Context, createContext, openGroup } from '../../src/structured/kit.ts';
import { Stopwatch } from '../stopwatch.ts';

/** What came out. */
export interface Propagated {
  /** In the order of what happened. */
  readonly journal: readonly string[];
  readonly error: { readonly message: string; readonly cause: unknown; readonly code: unknown };
  /** Tasks that were live when the error came out. */
  readonly liveAtError: number;
}

/** Opens files, one of which is broken. */
export async function firstErrorWins(watch: Stopwatch): Promise<Propagated> {
  const journal: string[] = [];
  using root = createContext();
  const group = openGroup(root);
  const copy =
    (file: string, seconds: number, breaks: boolean) =>
    async ({ sleep }: Context): Promise<void> => {
      try {
        await sleep(watch.ms(seconds));
        if (breaks) throw new RangeError(`${file} ends before its time`);
        journal.push(`${file} copied`);
      } finally {
        // Cleaning up takes a moment, and the group waits for it.
        await watch.wait(0.2);
        journal.push(`${file} closed`);
      }
    };
  try {
    await using tasks = group;
    void tasks.start(copy('a.csv', 0.3, false), 'copy a.csv');
    void tasks.start(copy('b.csv', 1, true), 'copy b.csv');
    void tasks.start(copy('c.csv', 1.1, true), 'copy c.csv');
    void tasks.start(copy('d.csv', 60, false), 'copy d.csv');
  } catch (error) {
    const { message, cause, code } = error as Error & { readonly code?: unknown };
    return { journal, error: { message, cause, code }, liveAtError: group.live };
  }
  throw new Error('no error came out');
}

if (import.meta.main) {
  const { journal, error, liveAtError } = await firstErrorWins(new Stopwatch());
  console.log(journal.join('\n'));
  console.log(
    `came out: ${String(error.code)} "${error.message}", caused by ${String(error.cause)}; tasks still live: ${liveAtError}`,
  );
}
