/**
 * S5e. A wait group that can be cancelled as one: three tasks of 5 s, cancelled at 2 s. All three say cancelled, and the group ends only then.
 */
import { createContext, openGroup } from '../../src/structured/kit.ts';
import { Stopwatch } from '../stopwatch.ts';

/** What came out; times in seconds. */
export interface GroupEnd {
  readonly said: readonly string[];
  readonly cancelledAt: number;
  readonly endedAt: number;
  readonly liveAtEnd: number;
}

/** Starts three, cancels them, waits for all. */
export async function cancelAsOne(watch: Stopwatch): Promise<GroupEnd> {
  const said: string[] = [];
  using root = createContext();
  const group = openGroup(root);
  for (const name of ['one', 'two', 'three']) {
    void group.start(async ({ sleep }) => {
      try {
        await sleep(watch.ms(5));
        said.push(`${name} done`);
      } catch (reason) {
        // The end of a task is when it has cleaned up, and not when it was asked to stop.
        await watch.wait(0.5);
        said.push(`${name} cancelled`);
        throw reason;
      }
    }, name);
  }
  await watch.wait(2);
  group.cancel(new Error('no longer needed'));
  const cancelledAt = watch.seconds;
  await group.wait();
  return { said, cancelledAt, endedAt: watch.seconds, liveAtEnd: group.live };
}

if (import.meta.main) {
  const { said, cancelledAt, endedAt, liveAtEnd } = await cancelAsOne(new Stopwatch());
  console.log(`cancelled at ${cancelledAt} s: ${said.join(', ')}`);
  console.log(`the group ended at ${endedAt} s, after half a second of cleaning up, with ${liveAtEnd} tasks live`);
}
