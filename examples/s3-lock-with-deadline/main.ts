/**
 * S3. A lock that honours deadlines: three requests with timeouts of 0 (none), 1 and 2 s want one mutex; each holds it for a second, then sets `id`.
 * Without contexts, abandoned requests stay in line and work for nobody. With them, whoever is out of time leaves the line at once.
 */
import { createContext, Mutex } from '../../src/structured/kit.ts';
import { Stopwatch } from '../stopwatch.ts';

/** A second and a bit, so that what comes first does not hang on a microsecond. */
const HOLD_SECONDS = 1.05;
const TIMEOUTS_SECONDS = [0, 1, 2] as const;

/** What became of one request. */
export interface Request {
  readonly id: number;
  readonly answer: 'done' | 'timed out';
  readonly at: number;
}

/** What came out. */
export interface Contest {
  readonly requests: readonly Request[];
  /** Requests whose work was done, whether anybody still waited for it or not; the last one set `id`. */
  readonly worked: readonly number[];
}

/** A plain lock: the line is a chain of promises, and nothing ever leaves it. */
export async function withoutContexts(watch: Stopwatch): Promise<Contest> {
  const worked: number[] = [];
  let line = Promise.resolve();
  const all: Promise<unknown>[] = [];
  const requests = TIMEOUTS_SECONDS.map(async (timeout, id): Promise<Request> => {
    const work = (line = line.then(() => watch.wait(HOLD_SECONDS)).then(() => void worked.push(id)));
    all.push(work);
    // It stops waiting, not working: this is the mistake.
    const answers = [
      work.then(() => 'done' as const),
      ...(timeout === 0 ? [] : [watch.wait(timeout).then(() => 'timed out' as const)]),
    ];
    const answer = await Promise.race(answers);
    return { id, answer, at: watch.seconds };
  });
  const result = await Promise.all(requests);
  await Promise.all(all);
  return { requests: result, worked };
}

/** The same with a lock that takes a context. */
export async function withContexts(watch: Stopwatch): Promise<Contest> {
  const worked: number[] = [];
  const mutex = new Mutex();
  using root = createContext();
  const requests = TIMEOUTS_SECONDS.map(async (timeout, id): Promise<Request> => {
    using context = timeout === 0 ? root.withCancel() : root.withTimeout(watch.ms(timeout));
    try {
      using _held = await mutex.lock(context);
      await watch.wait(HOLD_SECONDS);
      worked.push(id);
      return { id, answer: 'done', at: watch.seconds };
    } catch {
      return { id, answer: 'timed out', at: watch.seconds };
    }
  });
  return { requests: await Promise.all(requests), worked };
}

/** A waiter whose deadline passes while the lock is still held by somebody else. */
export async function leavesAtOnce(
  watch: Stopwatch,
): Promise<{ readonly before: number; readonly after: number; readonly stillHeld: boolean }> {
  const mutex = new Mutex();
  using root = createContext();
  using _held = await mutex.lock(root);
  using context = root.withTimeout(watch.ms(1));
  const waiting = mutex.lock(context).catch(() => undefined);
  const before = mutex.waiting;
  await waiting;
  return { before, after: mutex.waiting, stillHeld: mutex.locked };
}

if (import.meta.main) {
  for (const contest of [withoutContexts, withContexts]) {
    const { requests, worked } = await contest(new Stopwatch());
    console.log(`${contest.name}: ${requests.map(({ id, answer, at }) => `request ${id} ${answer} at ${at} s`).join(', ')}`);
    console.log(`  work was done for ${worked.join(', ')}; id = ${worked.at(-1)}`);
  }
  const { before, after, stillHeld } = await leavesAtOnce(new Stopwatch());
  console.log(`in line before the deadline: ${before}, after it: ${after}, lock still held by another: ${stillHeld}`);
}
