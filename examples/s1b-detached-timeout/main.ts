/**
 * S1b. Run with a timeout, in a detached context: the work has its own budget, and a caller that gives up earlier does not cut it.
 * The run belongs to the scheduler and not to whoever asked for it; on shutdown nothing is left running.
 */
import { createScheduler, type RunEnd, type Scheduler, type TaskContext } from '../../src/index.ts';
import { createContext, Future } from '../../src/structured/kit.ts';
import { Stopwatch } from '../stopwatch.ts';

/** What a caller is told: the value, or the error, and a sentence. */
export interface Answer {
  readonly value: number | null;
  readonly error: string | null;
  readonly message: string;
}

/** A scheduler with one kind of work, whose budget is five seconds. */
export async function startWork(watch: Stopwatch): Promise<Scheduler> {
  const scheduler = createScheduler({
    store: 'memory:',
    listen: false,
    shutdownGrace: '0s',
    jobs: {
      work: {
        budget: watch.duration(5),
        grace: watch.duration(1),
        task: async ({ input, sleep }: TaskContext<never, { seconds: number }>) => {
          await sleep(watch.ms(input.seconds));
          return 42;
        },
      },
    },
  });
  await scheduler.start();
  return scheduler;
}

/** Starts the work. @returns a future, which any number of callers may await for as long as they like */
export async function startDetached(scheduler: Scheduler, seconds: number): Promise<Future<Answer>> {
  const asked = await scheduler.trigger('work', { input: { seconds } });
  if (asked.kind === 'refused') throw new Error(asked.reason);
  return Future.of(scheduler.waitForEnd(asked.runId).then(answerOf));
}

function answerOf({ outcome, result, error, reason }: RunEnd): Answer {
  if (outcome === 'succeeded') return { value: Number(result), error: null, message: 'done' };
  return { value: null, error: outcome, message: error?.message ?? reason ?? outcome };
}

/** What came out; times in seconds from the start of the work in question. */
export interface Detached {
  readonly tooLong: Answer & { readonly at: number };
  readonly inTime: Answer & { readonly at: number };
  /** A caller that waits for one second only. */
  readonly hasty: { readonly gaveUpAt: number; readonly because: string; readonly work: Answer };
  /** Work that was live when the scheduler was told to stop. */
  readonly shutdown: Answer & { readonly liveAfter: number };
}

/** The whole experiment. */
export async function detachedTimeouts(secondMs = 1_000): Promise<Detached> {
  const fresh = (): Stopwatch => new Stopwatch(secondMs);
  const scheduler = await startWork(fresh());
  using root = createContext();

  let watch = fresh();
  const tooLong = { ...(await (await startDetached(scheduler, 8)).wait()), at: watch.seconds };

  watch = fresh();
  const inTime = { ...(await (await startDetached(scheduler, 3)).wait()), at: watch.seconds };

  watch = fresh();
  const future = await startDetached(scheduler, 3);
  using impatient = root.withTimeout(watch.ms(1));
  const because = await future.wait(impatient).then(() => 'it was done', codeOf);
  const hasty = { gaveUpAt: watch.seconds, because, work: await future.wait() };

  const left = await startDetached(scheduler, 4);
  await scheduler.stop();
  const shutdown = { ...(await left.wait()), liveAfter: scheduler.statistics().live };
  return { tooLong, inTime, hasty, shutdown };
}

function codeOf(error: unknown): string {
  return String((error as { code?: unknown }).code ?? error);
}

if (import.meta.main) {
  const { tooLong, inTime, hasty, shutdown } = await detachedTimeouts();
  const show = ({ value, error, message }: Answer): string => JSON.stringify({ value, error, message });
  console.log(`work 8 s, budget 5 s: at ${tooLong.at} s ${show(tooLong)}`);
  console.log(`work 3 s, budget 5 s: at ${inTime.at} s ${show(inTime)}`);
  console.log(`a caller with 1 s: gave up at ${hasty.gaveUpAt} s (${hasty.because}); the work went on: ${show(hasty.work)}`);
  console.log(`shutdown in the middle: ${show(shutdown)}, live runs left: ${shutdown.liveAfter}`);
}
