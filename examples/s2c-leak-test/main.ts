/**
 * S2c. Leak test: 1,000 AsyncTasks at once, and 1,000 blocked runs in threads and processes; counted before and after.
 * Tasks that *block* past their timeout leave 1,002 goroutines in the article. Here a run in a thread or a process is stopped by force after budget and grace,
 * and its slot is free when nothing of it is alive: live runs, handles, threads and processes are then what they were before.
 *
 *     node examples/s2c-leak-test/main.ts [how many AsyncTasks, 1000] [how many blocked runs, 1000] [their budget, 2s] [--json]
 */
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual, parseArgs } from 'node:util';
import { createScheduler, type Scheduler, type TaskContext, timeoutTask } from '../../src/index.ts';
import { Stopwatch } from '../stopwatch.ts';
import { countHoldings, type Holdings } from './leftover.ts';

const BLOCKED_MODULE = fileURLToPath(new URL('blocked.ts', import.meta.url));
/** So many blocked runs are live at once: a thread is a few megabytes, a process is thirty. */
const BATCH = 8;
const KINDS = ['thread', 'process', 'command'] as const;

/** One part of the experiment. */
export interface LeakCount {
  readonly asked: number;
  readonly mostLive: number;
  readonly liveAfter: number;
  readonly outcomes: Readonly<Record<string, number>>;
  /** What runs that failed had to say. */
  readonly errors: readonly string[];
  readonly before: Holdings;
  /** While runs were live; the look at which the most was held. */
  readonly during: Holdings;
  readonly after: Holdings;
}

/** Fires so many AsyncTasks at once: some sleep past their budget, some step past it, some are done in time. */
export async function manyAtOnce(count: number): Promise<LeakCount> {
  const bounds = { budget: '500ms', grace: '1s' };
  const tasks = [
    timeoutTask({ handleTimeoutTask: async ({ sleep }: TaskContext) => sleep(3_600_000).then(() => true) }, bounds),
    timeoutTask({ handleTimeoutTask: () => ({ done: false, progress: { completed: 1 }, waitMs: 50 }) }, bounds),
    timeoutTask({ handleTimeoutTask: async ({ sleep }: TaskContext) => sleep(20).then(() => true) }, bounds),
  ];
  const names = Array.from({ length: count }, (_, index) => `task-${index}`);
  const jobs = Object.fromEntries(names.map((name, index) => [name, { task: tasks[index % 3] }]));
  return counted(count, async () => {
    await using scheduler = createScheduler({ store: 'memory:', listen: false, concurrency: Math.max(1, count), jobs });
    await scheduler.start();
    return await fire(scheduler, names);
  });
}

/** Runs so many steps that block for ever: a third in threads, a third in processes, a third as programs that ignore SIGTERM. */
export async function blockedRuns(count: number, budget: string): Promise<LeakCount> {
  const forced = { budget, grace: '50ms' };
  const ofKind: Record<(typeof KINDS)[number], object> = {
    thread: { ...forced, isolation: 'worker', task: { module: BLOCKED_MODULE, export: 'blockThread' } },
    process: { ...forced, isolation: 'process', task: { module: BLOCKED_MODULE, export: 'blockWithChild' } },
    command: { ...forced, task: { shell: 'trap "" TERM; while :; do sleep 60; done' } },
  };
  const names = Array.from({ length: count }, (_, index) => `${KINDS[index % KINDS.length]}-${index}`);
  const jobs = Object.fromEntries(names.map((name, index) => [name, ofKind[KINDS[index % KINDS.length] ?? 'thread']]));
  return counted(count, async () => {
    await using scheduler = createScheduler({ store: 'memory:', listen: false, concurrency: BATCH, jobs });
    await scheduler.start();
    return await fire(scheduler, names);
  });
}

type Fired = Pick<LeakCount, 'mostLive' | 'liveAfter' | 'outcomes' | 'errors' | 'during'>;

/** Triggers every job, and waits until all have ended. */
async function fire(scheduler: Scheduler, names: readonly string[]): Promise<Fired> {
  let live = 0;
  let mostLive = 0;
  let during = countHoldings();
  const look = (): void => {
    const now = countHoldings();
    if (weightOf(now) > weightOf(during)) during = now;
  };
  using _starts = scheduler.on('runStarted', () => {
    mostLive = Math.max(mostLive, ++live);
    // When the last one has begun to sleep.
    if (live === names.length) setTimeout(look, 50);
  });
  using _ends = scheduler.on('runEnded', () => live--);
  using _stops = scheduler.on('runStopping', look);
  const outcomes: Record<string, number> = {};
  const errors: string[] = [];
  const runs = names.map(async (name) => {
    const asked = await scheduler.trigger(name);
    if (asked.kind === 'refused') throw new Error(`${name}: ${asked.reason}`);
    const { outcome, error } = await scheduler.waitForEnd(asked.runId);
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    if (outcome === 'failed') errors.push(`${name}: ${error?.message ?? ''}`);
  });
  await Promise.all(runs);
  return { mostLive, liveAfter: scheduler.statistics().live, outcomes, errors, during };
}

function weightOf({ handles, threads, processes }: Holdings): number {
  return Object.values(handles).reduce((sum, count) => sum + count, threads + processes);
}

async function counted(asked: number, experiment: () => Promise<Fired>): Promise<LeakCount> {
  const before = countHoldings();
  const fired = await experiment();
  const after = await settled(before);
  return { asked, ...fired, before, after };
}

/** A handle that was closed is counted for some turns of the event loop more. So it counts again for a second; what is there then is left over. */
async function settled(before: Holdings): Promise<Holdings> {
  const until = performance.now() + 1_000;
  for (;;) {
    await delay(10);
    const after = countHoldings();
    if (isDeepStrictEqual(after, before) || performance.now() > until) return after;
  }
}

/** The whole experiment. A first run of each kind comes before the count: Node keeps its pool of helper threads once they were needed. */
export async function leakTest(
  asyncTasks: number,
  blocked: number,
  budget: string,
): Promise<{ many: LeakCount; blocked: LeakCount }> {
  await manyAtOnce(3);
  await blockedRuns(3, budget);
  return { many: await manyAtOnce(asyncTasks), blocked: await blockedRuns(blocked, budget) };
}

if (import.meta.main) {
  const { positionals, values } = parseArgs({ allowPositionals: true, options: { json: { type: 'boolean' } } });
  const [asyncTasks = '1000', blocked = '1000', budget = '2s'] = positionals;
  const watch = new Stopwatch();
  const counts = await leakTest(Number(asyncTasks), Number(blocked), budget);
  if (values.json === true) {
    console.log(JSON.stringify(counts));
  } else {
    for (const [name, count] of Object.entries(counts)) print(name, count);
    console.log(`(${watch.seconds} s)`);
  }
}

function print(name: string, { asked, mostLive, liveAfter, outcomes, errors, before, during, after }: LeakCount): void {
  const row = ({ handles, threads, processes }: Holdings): string =>
    `handles ${JSON.stringify(handles)}, threads ${threads}, processes ${processes}`;
  console.log(`${name}: ${asked} runs, at most ${mostLive} live at once: ${JSON.stringify(outcomes)}`);
  for (const error of errors) console.log(`  failed: ${error}`);
  console.log(`  before: live runs 0, ${row(before)}\n  during: ${row(during)}\n  after:  live runs ${liveAfter}, ${row(after)}`);
}
