/**
 * The drill: plants one fault after the other, waits until its alert fires, takes the fault away, and waits until the alert clears.
 * Meanwhile it scrapes `/metrics`, as Prometheus would, until the fault is seen there as well.
 * An alert that has never been seen to fire is a hope. (`npm run drill` does the same to the daemon itself: kills, freezes, full disks, clock steps.)
 */
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createScheduler, type Scheduler, type TaskContext } from '../../src/index.ts';
import { ALERT_RULES, type AlertRule } from './alerts.ts';
import { makeCaller } from './callers.ts';
import { Monitor } from './monitor.ts';
import { rulesThatWatch, scrape } from './scrape.ts';

const BLOCKED_MODULE = fileURLToPath(new URL('../s2c-leak-test/blocked.ts', import.meta.url));
const LOOK_EVERY_MS = 50;
const SCRAPE_EVERY_MS = 250;
const PATIENCE_MS = 20_000;

/** A fault, and the alert that it must raise. */
interface Fault {
  readonly what: string;
  readonly alert: string;
  /** What moves at `/metrics`, and by how much at least. */
  readonly series: string;
  readonly by: number;
  begin(): unknown;
  end(): unknown;
}

/** How one drill went. */
export interface Drilled {
  readonly fault: string;
  readonly alert: string;
  readonly layer: AlertRule['layer'];
  readonly about: string;
  readonly firedAfterMs: number;
  readonly clearedAfterMs: number;
  readonly metric: Moved;
}

/** What Prometheus saw of a fault. */
export interface Moved {
  readonly series: string;
  readonly before: number;
  readonly after: number;
  /** Of config/alerts.yml. */
  readonly watchedBy: readonly string[];
}

/** Reads one series as Prometheus would. */
type Read = (series: string) => Promise<number>;

/**
 * Runs all drills against a scheduler of its own.
 *
 * @param store where its ledger is kept, e.g. `sqlite:/tmp/drill.db`
 * @throws Error when an alert does not fire or clear, or a metric does not move, within twenty seconds
 */
export async function drill(store: string): Promise<Drilled[]> {
  const broken = { upstream: false, empty: false, import: false };
  const deaf = Promise.withResolvers<void>();
  const prometheus = makeCaller('prometheus', 'read');
  await using scheduler = createScheduler({
    store,
    listen: '127.0.0.1:0',
    auth: { tokens: [prometheus.entry] },
    shutdownGrace: '0s',
    jobs: {
      import: {
        schedule: '@every 250ms',
        task: async (): Promise<{ orders: number }> => {
          if (broken.import) throw new Error('the file is not there');
          return { orders: broken.empty ? 0 : 25 };
        },
      },
      upstream: {
        schedule: '@every 250ms',
        task: async () => {
          if (broken.upstream) throw new Error('the upstream answers 503');
        },
      },
      warm: { task: { module: BLOCKED_MODULE, export: 'comeBack' }, budget: '1m' },
      blocker: {
        schedule: '@every 1s',
        task: { module: BLOCKED_MODULE, export: 'blockThread' },
        budget: '500ms',
        grace: '50ms',
      },
      deaf: { task: () => deaf.promise, budget: '100ms', grace: '50ms' },
      hog: { task: async (_context: TaskContext) => holdEventLoop(1_500), budget: '1m' },
    },
  });
  using monitor = new Monitor(scheduler, ['import']);
  await scheduler.start();
  await scheduler.pause('blocker');
  await firstSuccess(scheduler, 'import');
  // A thread that has to be started first may take longer than the blocker's budget.
  await scheduler.trigger('warm');
  await firstSuccess(scheduler, 'warm');

  const faults: readonly Fault[] = [
    {
      what: 'a task computes in the daemon’s thread',
      alert: 'event loop held',
      series: 'tickwise_loop_stall_seconds_sum',
      by: 1,
      begin: () => scheduler.trigger('hog'),
      end() {},
    },
    {
      what: 'a thread blocks for ever',
      alert: 'run stopped by force',
      series: 'tickwise_ticks_since_success{job="blocker"}',
      by: 2,
      begin: () => scheduler.resume('blocker'),
      end: () => scheduler.pause('blocker'),
    },
    {
      what: 'an inline task ignores its stop',
      alert: 'run blocked, its slot taken',
      series: 'tickwise_blocked{job="deaf"}',
      by: 1,
      begin: () => scheduler.trigger('deaf'),
      end: () => deaf.resolve(),
    },
    {
      what: 'an upstream is down',
      alert: 'job fails again and again',
      series: 'tickwise_ticks_since_success{job="upstream"}',
      by: 2,
      begin: () => (broken.upstream = true),
      end: () => (broken.upstream = false),
    },
    {
      what: 'the import’s file is gone',
      alert: 'no success for too long',
      series: 'tickwise_ticks_since_success{job="import"}',
      by: 2,
      begin: () => (broken.import = true),
      end: () => (broken.import = false),
    },
    {
      what: 'the import finds nothing',
      alert: 'import came back empty',
      // To Tickwise this is a success like any other, and no rule for its metrics can see that it is not. The answer before may be
      // a second old, so more is waited for than a good second brings: the empty runs are counted too.
      series: 'tickwise_runs_total{job="import",outcome="succeeded"}',
      by: 8,
      begin: () => (broken.empty = true),
      end: () => (broken.empty = false),
    },
  ];
  const drilled: Drilled[] = [];
  const read: Read = async (series) => (await scrape(scheduler.address ?? '', prometheus.token)).get(series) ?? NaN;
  for (const fault of faults) drilled.push(await drillOne(fault, monitor, read));
  return drilled;
}

async function drillOne(fault: Fault, monitor: Monitor, read: Read): Promise<Drilled> {
  const rule = ALERT_RULES.find(({ name }) => name === fault.alert);
  if (rule === undefined) throw new Error(`no alert is called ${fault.alert}`);
  const before = await read(fault.series);
  monitor.look(); // What was before does not count.
  const begun = performance.now();
  await fault.begin();
  const about = await until(rule, monitor, (breaches) => breaches.length > 0);
  const fired = performance.now();
  const after = await untilMoved(fault, before, read);
  await fault.end();
  const ended = performance.now();
  await until(rule, monitor, (breaches) => breaches.length === 0);
  const cleared = performance.now();
  return {
    fault: fault.what,
    alert: rule.name,
    layer: rule.layer,
    about: about.join(', '),
    firedAfterMs: Math.round(fired - begun),
    clearedAfterMs: Math.round(cleared - ended),
    metric: { series: fault.series, before, after, watchedBy: rulesThatWatch(fault.series) },
  };
}

async function until(
  rule: AlertRule,
  monitor: Monitor,
  holds: (breaches: readonly string[]) => boolean,
): Promise<readonly string[]> {
  const giveUpAt = performance.now() + PATIENCE_MS;
  for (;;) {
    await delay(LOOK_EVERY_MS);
    const breaches = rule.breaches(monitor.look());
    if (holds(breaches)) return breaches;
    if (performance.now() > giveUpAt) throw new Error(`the alert "${rule.name}" did not change within ${PATIENCE_MS} ms`);
  }
}

async function untilMoved({ series, by }: Fault, before: number, read: Read): Promise<number> {
  const giveUpAt = performance.now() + PATIENCE_MS;
  for (;;) {
    const now = await read(series);
    if (now >= before + by) return now;
    if (performance.now() > giveUpAt) throw new Error(`${series} did not rise from ${before} by ${by} within ${PATIENCE_MS} ms`);
    await delay(SCRAPE_EVERY_MS);
  }
}

function firstSuccess(scheduler: Scheduler, name: string): Promise<void> {
  return new Promise((resolve) => {
    const listening = scheduler.on('runEnded', ({ job, outcome }) => {
      if (job !== name || outcome !== 'succeeded') return;
      listening[Symbol.dispose]();
      resolve();
    });
  });
}

function holdEventLoop(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}
