/**
 * S2b. A time-bounded loop: `handleTimeoutTask` is called again and again until it says done or the time is up.
 * `timeoutTask(handler, {budget})` makes of it the AsyncTask that the scheduler fires once for each tick. A step that throws is caught and reported, and the scheduler lives on.
 */
import {
  createScheduler,
  type RunEnd,
  type StepResult,
  type TaskContext,
  type TimeoutTaskHandler,
  timeoutTask,
} from '../../src/index.ts';
import { Stopwatch } from '../stopwatch.ts';

/** Work that is done after so many steps of half a second each. */
export class Countdown implements TimeoutTaskHandler<number> {
  /** How often it was called, in all runs. */
  calls = 0;
  readonly #steps: number;
  readonly #stepMs: number;

  constructor(steps: number, stepMs: number) {
    this.#steps = steps;
    this.#stepMs = stepMs;
  }

  handleTimeoutTask({ checkpoint = 0 }: TaskContext<number>): StepResult<number> {
    this.calls++;
    const finished = checkpoint + 1;
    // Done without a checkpoint: the next run starts afresh.
    if (finished === this.#steps) return { done: true, result: finished };
    // The rest between two steps: the loop waits, and ends the wait when the budget is spent.
    return { done: false, checkpoint: finished, waitMs: this.#stepMs };
  }
}

/** Work whose second step fails, as a panic would in Go. */
export class Panicking implements TimeoutTaskHandler<number> {
  handleTimeoutTask({ step }: TaskContext<number>): boolean {
    if (step === 2) throw new Error('the second step went wrong');
    return false;
  }
}

/** How three runs ended, and what came after. */
export interface LoopEnds {
  /** Three steps in a budget of five seconds: it returns as soon as it is done. */
  readonly early: RunEnd;
  readonly earlySeconds: number;
  /** A thousand steps in a budget of two seconds: it stops, and the next run goes on. */
  readonly timeUp: RunEnd;
  readonly callsAtTheEnd: number;
  readonly callsLater: number;
  /** What the next run of the same job starts from. */
  readonly resumedFrom: number;
  /** A step that throws. */
  readonly threw: RunEnd;
  /** A further run of another job, after the one that threw. */
  readonly after: RunEnd;
}

/** Runs all three. */
export async function stepLoops(watch: Stopwatch = new Stopwatch()): Promise<LoopEnds> {
  const endless = new Countdown(1_000, watch.ms(0.5));
  const first: number[] = [];
  const bounds = { budget: watch.duration(5), grace: watch.duration(1) };
  await using scheduler = createScheduler({
    store: 'memory:',
    listen: false,
    jobs: {
      early: { task: timeoutTask(new Countdown(3, watch.ms(0.5)), bounds) },
      endless: { task: timeoutTask(noting(endless, first), { ...bounds, budget: watch.duration(2) }) },
      panics: { task: timeoutTask(new Panicking(), bounds) },
    },
  });
  await scheduler.start();
  const run = async (job: string): Promise<RunEnd> => {
    const asked = await scheduler.trigger(job);
    if (asked.kind !== 'started') throw new Error(`${job} was not started`);
    return scheduler.waitForEnd(asked.runId);
  };

  const early = await run('early');
  const timeUp = await run('endless');
  const callsAtTheEnd = endless.calls;
  await watch.wait(1);
  const callsLater = endless.calls;
  first.length = 0;
  await run('endless');
  const threw = await run('panics');
  const after = await run('early');
  const earlySeconds = Math.round((early.endedAt - (early.startedAt ?? 0)) / (watch.secondMs / 10)) / 10;
  return { early, earlySeconds, timeUp, callsAtTheEnd, callsLater, resumedFrom: first[0] ?? 0, threw, after };
}

/** The same handler; notes the checkpoint of each step. */
function noting(handler: TimeoutTaskHandler<number>, seen: number[]): TimeoutTaskHandler<number> {
  return {
    handleTimeoutTask(context) {
      seen.push(context.checkpoint ?? 0);
      return handler.handleTimeoutTask(context);
    },
  };
}

if (import.meta.main) {
  const { early, earlySeconds, timeUp, callsAtTheEnd, callsLater, resumedFrom, threw, after } = await stepLoops();
  console.log(`3 steps, budget 5 s: ${early.outcome} after ${early.steps} steps and ${earlySeconds} s`);
  console.log(`1000 steps, budget 2 s: ${timeUp.outcome} after ${timeUp.steps} steps (${timeUp.reason})`);
  console.log(`  calls at the end ${callsAtTheEnd}, a second later ${callsLater}; the next run goes on from ${resumedFrom}`);
  console.log(`a step that throws: ${threw.outcome} (${threw.error?.message}); the next run of another job: ${after.outcome}`);
}
