import { describe, expect, test } from 'vitest';
import type { Job } from '../../src/core/job.ts';
import type { Store } from '../../src/core/store.ts';
import { createCalendar } from '../../src/system/calendar.ts';
import { createMetrics, type Metrics } from '../../src/system/metrics.ts';
import { readSeed } from '../../src/system/metrics-seed.ts';
import { createVirtualClock } from '../../src/testing/virtual-clock.ts';
import { type Engine, HOUR, jobOf, makeEngine, memoryStore, MINUTE, SECOND, START, takes } from '../engine/engine.ts';

const JOBS: readonly Job[] = [
  jobOf('brisk'),
  jobOf('skips', { budgetMs: 3 * MINUTE }),
  jobOf('queues', { budgetMs: 3 * MINUTE, onOverlap: 'queue' }),
  jobOf('cancels', { budgetMs: 3 * MINUTE, onOverlap: 'cancel' }),
  jobOf('shares', { exclusive: ['disk'] }),
  jobOf('shares-too', { exclusive: ['disk', 'net'], onOverlap: 'queue' }),
  jobOf('overruns', { budgetMs: 5 * SECOND }),
  jobOf('catches-up', { onMissed: 'all' }),
];

interface Watched {
  readonly engine: Engine;
  readonly metrics: Metrics & Disposable;
  readonly scrape: () => Promise<ReadonlyMap<string, number>>;
}

/** A scheduler and its metrics, wired as the daemon wires them. */
async function watch(store: Store, start: number): Promise<Watched> {
  const engine = makeEngine({
    store,
    clock: createVirtualClock({ start }),
    concurrency: 4,
    script: ({ job }) =>
      takes(job.name === 'skips' || job.name === 'queues' || job.name === 'cancels' ? 100 * SECOND : 15 * SECOND),
  });
  const { clock, scheduler } = engine;
  const metrics = createMetrics({
    events: scheduler.events,
    clock,
    calendar: createCalendar(),
    jobs: JOBS,
    peek(name) {
      const entry = scheduler.inspect(name);
      const isBlocked = entry?.live?.state === 'blocked';
      return (
        entry && { nextTickAt: entry.nextTickAt, isLive: entry.live !== undefined, isBlocked, budgetMs: entry.job.budgetMs ?? 0 }
      );
    },
    version: '1.2.3',
    ...(await readSeed(store, JOBS)),
  });
  await clock.waitFor(scheduler.start(JOBS));
  return {
    engine,
    metrics,
    async scrape() {
      await clock.advance(1_000);
      const { text } = await clock.waitFor(metrics.text());
      const lines = text.split('\n').filter((line) => line.startsWith('tickwise_'));
      return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]));
    },
  };
}

/** Ticks and runs by outcome, those that are zero left out. */
function counted(series: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
  return new Map([...series].filter(([name, value]) => /^tickwise_(ticks|runs)_total/.test(name) && value > 0));
}

async function ofLedger(store: Store): Promise<ReadonlyMap<string, number>> {
  const tallies = await store.tallies();
  return new Map(
    tallies.flatMap(({ job, ticks, runs }) => [
      ...ticks.map(
        ({ outcome, reason = '', count }) =>
          [`tickwise_ticks_total{job="${job}",outcome="${outcome}",reason="${reason}"}`, count] as const,
      ),
      ...runs.map(({ outcome, count }) => [`tickwise_runs_total{job="${job}",outcome="${outcome}"}`, count] as const),
    ]),
  );
}

describe('the metrics of a scheduler at work', () => {
  test('count what the ledger counts, and see no promise broken', async () => {
    const store = memoryStore();
    const { engine, metrics, scrape } = await watch(store, START);
    using _ = metrics;
    await engine.clock.advance(HOUR);
    const series = await scrape();
    const ledger = await ofLedger(store);
    expect(ledger.size).toBeGreaterThan(15);
    expect(Object.fromEntries(counted(series))).toEqual(Object.fromEntries(ledger));
    for (const { name } of JOBS) {
      expect(series.get(`tickwise_overlap_violations_total{job="${name}"}`)).toBe(0);
      expect(series.get(`tickwise_runs_live{job="${name}"}`)).toBe(Number(engine.scheduler.inspect(name)?.live !== undefined));
      expect(series.get(`tickwise_next_tick_timestamp_seconds{job="${name}"}`)).toBe((START + HOUR + MINUTE) / 1_000);
    }
    expect(series.get('tickwise_ticks_since_success{job="brisk"}')).toBeLessThanOrEqual(1);
    expect(series.get('tickwise_ticks_since_success{job="overruns"}')).toBe(60);
  });

  test('see no promise broken while reloads change what jobs share', async () => {
    const { engine, metrics, scrape } = await watch(memoryStore(), START);
    using _ = metrics;
    const { clock, scheduler } = engine;
    const needs = [[], ['disk'], ['disk', 'net'], ['net']];
    const reload = async (next: readonly Job[]): Promise<void> => {
      await scheduler.reload(next);
      metrics.setJobs(next);
    };
    for (let round = 1; round <= 200; round++) {
      await clock.advance(17 * SECOND);
      // What is queued behind a resource starts within the very reload that frees it.
      const next = JOBS.map((job, index) => ({
        ...job,
        onOverlap: 'queue' as const,
        exclusive: needs[(round * 7 + index * 3) % 4] ?? [],
      }));
      await clock.waitFor(reload(next));
    }
    const series = await scrape();
    const violations = [...series].filter(([name]) => name.startsWith('tickwise_overlap_violations_total'));
    expect(violations).toHaveLength(JOBS.length);
    expect(violations.filter(([, count]) => count !== 0)).toEqual([]);
    expect(engine.of('runEnded').length).toBeGreaterThan(100);
  });

  test('go on after a restart from where they were, the ticks of a long downtime included', async () => {
    const store = memoryStore();
    const before = await watch(store, START);
    await before.engine.clock.advance(10 * MINUTE);
    await before.engine.clock.waitFor(before.engine.scheduler.stop(0));
    before.metrics[Symbol.dispose]();

    const later = START + 365 * 24 * HOUR;
    const after = await watch(store, later);
    await after.engine.clock.advance(5 * MINUTE);
    await after.engine.clock.waitFor(after.engine.scheduler.stop(0));
    const seen = counted(await after.scrape());
    after.metrics[Symbol.dispose]();
    const missed = [...seen].filter(
      ([name]) => name.includes('job="brisk",outcome="missed"') || name.includes('job="brisk",outcome="folded"'),
    );
    expect(missed.reduce((sum, [, count]) => sum + count, 0)).toBeGreaterThan(365 * 24 * 60 - 20);

    const again = await watch(store, later + 6 * MINUTE);
    using _ = again.metrics;
    const hidden = 'tickwise_ticks_total{job="brisk",outcome="missed",reason="window"}';
    expect(seen.get(hidden)).toBeGreaterThan(500_000);
    expect((await again.scrape()).has(hidden)).toBe(false);
    await again.engine.clock.waitFor(again.engine.scheduler.stop(0));
    await again.engine.clock.advance(5 * MINUTE);
    expect((await again.scrape()).get(hidden)).toBe(seen.get(hidden));
  });
});
