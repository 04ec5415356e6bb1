/**
 * S5a. One task, one result: each task has a future, which is settled on success and on failure, exactly once.
 * A task that fails never leaves its waiter hanging, and a waiter that gives up does not touch the task.
 */
import { createContext, Future } from '../../src/structured/kit.ts';
import { Stopwatch } from '../stopwatch.ts';

/** What came out. */
export interface OneResult {
  /** What each of three waiters of a task that succeeds was given. */
  readonly value: readonly number[];
  /** What the waiter of each failing task was given. */
  readonly failures: readonly string[];
  /** Whether the first, second and third attempt to set one future counted, and what it holds. */
  readonly settling: readonly boolean[];
  readonly held: string;
  /** A waiter that gave up after a quarter of a second, and what the task gave later. */
  readonly gaveUp: string;
  readonly later: number;
}

/** The whole experiment. */
export async function oneResult(watch: Stopwatch): Promise<OneResult> {
  const good = Future.of(() => watch.wait(0.5).then(() => 7));
  const value = await Promise.all([good.wait(), good.wait(), good.wait()]);

  const bad = [
    Future.of(async () => watch.wait(0.1).then(() => Promise.reject(new Error('it failed later')))),
    // A throw before the first await, which in many a guard leaves the waiter hanging.
    Future.of(() => {
      throw new Error('it failed at once');
    }),
  ];
  const failures = await Promise.all(bad.map((future) => future.wait().then(() => 'no failure', messageOf)));

  const once = new Future<string>();
  const settling = [once.resolve('first'), once.resolve('second'), once.reject(new Error('third'))];

  using root = createContext();
  using impatient = root.withTimeout(watch.ms(0.25));
  const slow = Future.of(watch.wait(0.5).then(() => 8));
  const gaveUp = await slow.wait(impatient).then(() => 'it was done', messageOf);
  return { value, failures, settling, held: await once.wait(), gaveUp, later: await slow.wait() };
}

function messageOf(error: unknown): string {
  return (error as Error).message;
}

if (import.meta.main) {
  const { value, failures, settling, held, gaveUp, later } = await oneResult(new Stopwatch());
  console.log(`three waiters of one task: ${value.join(', ')}`);
  console.log(`waiters of tasks that fail: ${failures.join('; ')}`);
  console.log(`three attempts to set one future: ${settling.join(', ')}; it holds "${held}"`);
  console.log(`a waiter that gave up: ${gaveUp}; the task went on to ${later}`);
}
