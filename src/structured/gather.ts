/**
 * Many tasks, their results in order. p-queue bounds how many are at work; it is given promises that settle when the work has
 * ended, and neither its `timeout` nor its `signal`, which free a place while the work goes on.
 */
import PQueue from 'p-queue';
import type { ChildContext, Context, Gathered, GatherOptions, Work } from '../core/context.ts';
import { isEcho, taskFailed } from './failure.ts';

/**
 * Runs tasks and waits until each of them has ended, whatever becomes of them: nothing is left running behind the caller.
 *
 * @param parent all tasks are cancelled with it
 * @param works called in order, each at most once; those that are cancelled before their turn are not called
 * @param options how many at once, for how long, and what a failure means
 * @returns with `all` what the tasks gave; with `settled` a mark for each; in the order of the tasks
 * @throws with `all`: TickwiseError `TASK_FAILED` (the first failure is its cause), or the reason of the cancellation,
 *   `DEADLINE_EXCEEDED` for the timeout. With `settled` never
 */
export async function gather<Value>(
  parent: Context,
  works: Iterable<Work<Value>>,
  options: GatherOptions & { readonly mode: 'settled' },
): Promise<Gathered<Value>[]>;
export async function gather<Value>(
  parent: Context,
  works: Iterable<Work<Value>>,
  options?: GatherOptions & { readonly mode?: 'all' },
): Promise<Value[]>;
export async function gather<Value>(
  parent: Context,
  works: Iterable<Work<Value>>,
  { concurrency = Infinity, timeoutMs, mode = 'all' }: GatherOptions = {},
): Promise<Gathered<Value>[] | Value[]> {
  using context = timeoutMs === undefined ? parent.withCancel() : parent.withTimeout(timeoutMs);
  const queue = new PQueue({ concurrency });
  let failure: Error | undefined;
  const onFailure = (error: unknown, index: number): void => {
    if (mode === 'settled' || failure !== undefined) return;
    failure = taskFailed(error, `task ${index + 1}`);
    context.cancel(failure);
  };
  const results = await Promise.all(Array.from(works, (work, index) => queue.add(() => ended(work, index, context, onFailure))));
  if (mode === 'settled') return results;
  if (failure !== undefined) throw failure;
  return results.map((result) => {
    if (result.status !== 'fulfilled') throw result.reason;
    return result.value;
  });
}

/** Settles when the work has, and never rejects. */
async function ended<Value>(
  work: Work<Value>,
  index: number,
  context: ChildContext,
  onFailure: (error: unknown, index: number) => void,
): Promise<Gathered<Value>> {
  const { signal } = context;
  if (signal.aborted) return { status: 'cancelled', reason: signal.reason, started: false };
  try {
    return { status: 'fulfilled', value: await work(context) };
  } catch (error) {
    if (isEcho(error, signal)) return { status: 'cancelled', reason: signal.reason, started: true };
    onFailure(error, index);
    return { status: 'rejected', reason: error };
  }
}
