/**
 * S2a. Cron fires work that takes longer than its interval: without a guard, runs pile up until the resources are gone.
 * With one gate, exactly one run is live, and the ticks in between are skipped and recorded.
 *
 * The work needs one of five connections and takes eight intervals. An interval is a minute in the article and a second here.
 */
import { createScheduler, type Statistics } from '../../src/index.ts';
import { Stopwatch } from '../stopwatch.ts';

const CONNECTIONS = 5;
const WORK_SECONDS = 8;
const TICKS = 12;

/** A resource that there is only so much of. */
class ConnectionPool {
  live = 0;
  mostLive = 0;
  refused = 0;

  async use(work: () => Promise<void>): Promise<void> {
    if (this.live === CONNECTIONS) {
      this.refused++;
      throw new Error(`no connection left: all ${CONNECTIONS} are in use`);
    }
    this.live++;
    this.mostLive = Math.max(this.mostLive, this.live);
    await work().finally(() => this.live--);
  }
}

/** What came out after twelve ticks. */
export interface PileUp {
  readonly mostLive: number;
  readonly refused: number;
}

/** A bare timer: each tick starts the work, whatever became of the last one. */
export async function withoutGuard(watch: Stopwatch): Promise<PileUp> {
  const pool = new ConnectionPool();
  const all: Promise<unknown>[] = [];
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      all.push(pool.use(() => watch.wait(WORK_SECONDS)).catch((error: unknown) => error));
      if (all.length < TICKS) return;
      clearInterval(timer);
      resolve();
    }, watch.secondMs);
  });
  await Promise.all(all);
  return { mostLive: pool.mostLive, refused: pool.refused };
}

/** What came out of the scheduler, and what it recorded of each tick. */
export interface Guarded extends PileUp {
  /** One word for each tick: `ran`, or why it was not. */
  readonly ticks: readonly string[];
  readonly statistics: Statistics;
}

/** The same work as a job. */
export async function withGate(watch: Stopwatch): Promise<Guarded> {
  const pool = new ConnectionPool();
  const ticks: string[] = [];
  await using scheduler = createScheduler({
    store: 'memory:',
    listen: false,
    shutdownGrace: watch.duration(WORK_SECONDS + 1),
    jobs: {
      slow: {
        schedule: { every: watch.duration(1) },
        // `skip` is the default; `queue` would run once more at the end, `cancel` would stop the run that is live.
        onOverlap: 'skip',
        budget: watch.duration(WORK_SECONDS * 2),
        grace: watch.duration(1),
        task: () => pool.use(() => watch.wait(WORK_SECONDS)),
      },
    },
  });
  const enough = Promise.withResolvers<Statistics>();
  scheduler.on('tickDecided', ({ outcome, reason }) => {
    ticks.push(reason ?? outcome);
    if (ticks.length === TICKS) queueMicrotask(() => enough.resolve(scheduler.statistics()));
  });
  await scheduler.start();
  const statistics = await enough.promise;
  return { mostLive: pool.mostLive, refused: pool.refused, ticks: ticks.slice(0, TICKS), statistics };
}

if (import.meta.main) {
  const bare = await withoutGuard(new Stopwatch());
  console.log(`bare timer: ${bare.mostLive} runs live at once, and ${bare.refused} of ${TICKS} found no connection left`);
  const { mostLive, refused, ticks } = await withGate(new Stopwatch());
  console.log(`one gate:   ${mostLive} run live at once, ${refused} without a connection`);
  console.log(`  ${TICKS} ticks, each with one outcome: ${ticks.join(' ')}`);
}
