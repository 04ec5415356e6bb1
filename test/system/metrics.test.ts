import { describe, expect, test } from 'vitest';
import { type Job, JOB_DEFAULTS } from '../../src/core/job.ts';
import type { Clock } from '../../src/core/ports.ts';
import type { Schedule } from '../../src/core/schedule.ts';
import { Events } from '../../src/engine/events.ts';
import { createCalendar } from '../../src/system/calendar.ts';
import { createSystemClock } from '../../src/system/clock.ts';
import { createMetrics, type Metrics, type MetricsOptions } from '../../src/system/metrics.ts';
import type { JobGlance } from '../../src/system/metrics-jobs.ts';
import { createVirtualClock, type VirtualClock } from '../../src/testing/virtual-clock.ts';

const NOW = 1_767_225_600_000;
const EVERY_SECOND: Schedule = { kind: 'every', everyMs: 1_000 };

interface Bundle extends Disposable {
  readonly events: Events;
  readonly clock: VirtualClock;
  readonly metrics: Metrics;
  readonly glances: Map<string, JobGlance>;
  readonly errors: [string, Record<string, unknown> | undefined][];
  /** The value of each series, by its text. */
  scrape(): Promise<ReadonlyMap<string, number>>;
}

function setup(options: Partial<MetricsOptions> = {}): Bundle {
  const events = new Events();
  const clock = createVirtualClock({ start: NOW });
  const glances = new Map<string, JobGlance>();
  const errors: Bundle['errors'] = [];
  const metrics = createMetrics({
    events,
    clock,
    calendar: createCalendar(),
    jobs: [jobOf('a'), jobOf('b')],
    peek: (job) => glances.get(job),
    version: '1.2.3',
    log: { error: (message, fields) => void errors.push([message, fields]) },
    ...options,
  });
  return {
    events,
    clock,
    metrics,
    glances,
    errors,
    async scrape() {
      await clock.advance(1_000);
      const { text } = await clock.waitFor(metrics.text());
      return seriesOf(text);
    },
    [Symbol.dispose]: () => metrics[Symbol.dispose](),
  };
}

function jobOf(name: string, rest: Partial<Job> = {}): Job {
  return { ...JOB_DEFAULTS, name, task: { kind: 'shell', shell: 'true' }, schedules: [EVERY_SECOND], ...rest };
}

function seriesOf(text: string): Map<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]));
}

const ofRun = (job: string, fence = 1, runId = `${job}-${fence}`) => ({ job, runId, tick: NOW, fence });

function start(events: Events, job: string, fence = 1, cause: 'tick' | 'trigger' = 'tick'): void {
  events.emit('runStarted', { ...ofRun(job, fence), cause, startedAt: NOW, deadline: NOW + 1_000, delayMs: 70 });
}

function end(events: Events, job: string, fence = 1, outcome: 'succeeded' | 'failed' = 'succeeded'): void {
  events.emit('runEnded', { ...ofRun(job, fence), outcome, startedAt: NOW, endedAt: NOW + 2_000, steps: 3, attempts: 1 });
}

describe('metrics', () => {
  test('show every series of every job as zero before anything happens', async () => {
    using bundle = setup();
    const series = await bundle.scrape();
    for (const job of ['a', 'b']) {
      for (const outcome of ['succeeded', 'unfinished', 'timedOut', 'killed', 'failed', 'cancelled', 'lost']) {
        expect(series.get(`tickwise_runs_total{job="${job}",outcome="${outcome}"}`)).toBe(0);
      }
      for (const reason of ['overlap', 'paused', 'exclusive', 'capacity', 'draining', 'unmatched']) {
        expect(series.get(`tickwise_ticks_total{job="${job}",outcome="skipped",reason="${reason}"}`)).toBe(0);
      }
      for (const reason of ['down', 'window', 'limit']) {
        expect(series.get(`tickwise_ticks_total{job="${job}",outcome="missed",reason="${reason}"}`)).toBe(0);
      }
      for (const name of ['run_duration', 'start_delay', 'step_duration']) {
        expect(series.get(`tickwise_${name}_seconds_bucket{job="${job}",le="+Inf"}`)).toBe(0);
      }
      expect(series.get(`tickwise_overlap_violations_total{job="${job}"}`)).toBe(0);
    }
    expect(series.get('tickwise_store_errors_total')).toBe(0);
    expect(series.get(`tickwise_build_info{version="1.2.3",node="${process.version}"}`)).toBe(1);
    expect(series.has('process_resident_memory_bytes')).toBe(true);
    expect(series.has('nodejs_eventloop_lag_p99_seconds')).toBe(true);
  });

  test('count ticks by outcome and reason', async () => {
    using bundle = setup();
    bundle.events.emit('tickDecided', { job: 'a', tick: NOW, outcome: 'ran' });
    bundle.events.emit('tickDecided', { job: 'a', tick: NOW + 1, outcome: 'skipped', reason: 'overlap' });
    bundle.events.emit('tickDecided', { job: 'a', tick: NOW + 2, outcome: 'skipped', reason: 'overlap' });
    const series = await bundle.scrape();
    expect(series.get('tickwise_ticks_total{job="a",outcome="ran",reason=""}')).toBe(1);
    expect(series.get('tickwise_ticks_total{job="a",outcome="skipped",reason="overlap"}')).toBe(2);
    expect(series.get('tickwise_ticks_total{job="b",outcome="ran",reason=""}')).toBe(0);
  });

  test('sort durations and delays into cumulative buckets', async () => {
    using bundle = setup();
    start(bundle.events, 'a');
    end(bundle.events, 'a');
    const series = await bundle.scrape();
    expect(series.get('tickwise_start_delay_seconds_bucket{job="a",le="0.02"}')).toBe(0);
    expect(series.get('tickwise_start_delay_seconds_bucket{job="a",le="0.1"}')).toBe(1);
    expect(series.get('tickwise_start_delay_seconds_bucket{job="a",le="300"}')).toBe(1);
    expect(series.get('tickwise_run_duration_seconds_sum{job="a"}')).toBe(2);
    expect(series.get('tickwise_run_duration_seconds_count{job="a"}')).toBe(1);
    expect(series.get('tickwise_last_success_timestamp_seconds{job="a"}')).toBe((NOW + 2_000) / 1_000);
  });

  test('leave triggered runs out of the start delay', async () => {
    using bundle = setup();
    start(bundle.events, 'a', 1, 'trigger');
    expect((await bundle.scrape()).get('tickwise_start_delay_seconds_count{job="a"}')).toBe(0);
  });

  test('count the ticks since the last success, those of a pause left out', async () => {
    using bundle = setup();
    const since = async () => (await bundle.scrape()).get('tickwise_ticks_since_success{job="a"}');
    bundle.events.emit('tickDecided', { job: 'a', tick: NOW, outcome: 'ran' });
    bundle.events.emit('tickDecided', { job: 'a', tick: NOW + 1, outcome: 'skipped', reason: 'paused' });
    bundle.events.emit('tickDecided', { job: 'a', tick: NOW + 2, outcome: 'missed', reason: 'down' });
    end(bundle.events, 'a', 1, 'failed');
    expect(await since()).toBe(2);
    end(bundle.events, 'a', 2);
    expect(await since()).toBe(0);
  });

  test('ask how jobs stand at each scrape', async () => {
    using bundle = setup();
    bundle.glances.set('a', { nextTickAt: NOW + 5_000, isLive: true, isBlocked: true, budgetMs: 54_000 });
    let series = await bundle.scrape();
    expect(series.get('tickwise_runs_live{job="a"}')).toBe(1);
    expect(series.get('tickwise_blocked{job="a"}')).toBe(1);
    expect(series.get('tickwise_next_tick_timestamp_seconds{job="a"}')).toBe((NOW + 5_000) / 1_000);
    expect(series.get('tickwise_budget_seconds{job="a"}')).toBe(54);
    bundle.glances.set('a', { nextTickAt: undefined, isLive: false, isBlocked: false, budgetMs: 54_000 });
    series = await bundle.scrape();
    expect(series.get('tickwise_runs_live{job="a"}')).toBe(0);
    expect(series.get('tickwise_next_tick_timestamp_seconds{job="a"}')).toBe(0);
  });

  test('go on from what the ledger has counted', async () => {
    const ticks = [{ outcome: 'skipped', reason: 'overlap', count: 7 }] as const;
    const tallies = [{ job: 'a', ticks, runs: [{ outcome: 'killed', count: 2 }] as const }];
    using bundle = setup({ tallies, lastEnds: [{ job: 'a', endedAt: NOW - 1_000, succeededAt: NOW - 9_000, ticksSince: 2 }] });
    bundle.events.emit('tickDecided', { job: 'a', tick: NOW, outcome: 'skipped', reason: 'overlap' });
    const series = await bundle.scrape();
    expect(series.get('tickwise_ticks_total{job="a",outcome="skipped",reason="overlap"}')).toBe(8);
    expect(series.get('tickwise_runs_total{job="a",outcome="killed"}')).toBe(2);
    expect(series.get('tickwise_last_end_timestamp_seconds{job="a"}')).toBe((NOW - 1_000) / 1_000);
    expect(series.get('tickwise_last_success_timestamp_seconds{job="a"}')).toBe((NOW - 9_000) / 1_000);
    expect(series.get('tickwise_ticks_since_success{job="a"}')).toBe(3);
  });

  test('count the ticks of a range one by one', async () => {
    using bundle = setup();
    bundle.events.emit('ticksDecided', { job: 'a', from: NOW - 500_000, to: NOW, outcome: 'missed', reason: 'window' });
    await bundle.clock.advance(1_000);
    expect((await bundle.scrape()).get('tickwise_ticks_total{job="a",outcome="missed",reason="window"}')).toBe(500);
  });

  test('reckon what a range of years holds beyond its first ten thousand ticks', async () => {
    using bundle = setup();
    const tenYearsMs = 3_650 * 86_400_000;
    bundle.events.emit('ticksDecided', { job: 'a', from: NOW - tenYearsMs, to: NOW, outcome: 'missed', reason: 'window' });
    await bundle.clock.advance(10_000);
    expect((await bundle.scrape()).get('tickwise_ticks_total{job="a",outcome="missed",reason="window"}')).toBe(315_360_000);
  });

  test("show no line for a series until the ledger's ranges are counted into it", async () => {
    const ranges = [
      { job: 'a', from: NOW - 500_000, to: NOW, outcome: 'missed', reason: 'down', schedules: [EVERY_SECOND], decidedAt: NOW },
      {
        job: 'a',
        from: NOW - 900_000,
        to: NOW - 500_000,
        outcome: 'missed',
        reason: 'down',
        schedules: [EVERY_SECOND],
        decidedAt: NOW,
      },
    ] as const;
    const tallies = [{ job: 'a', ticks: [{ outcome: 'missed', reason: 'down', count: 5 }] as const, runs: [] }];
    using bundle = setup({ ranges, tallies });
    const name = 'tickwise_ticks_total{job="a",outcome="missed",reason="down"}';
    expect(seriesOf((await bundle.clock.waitFor(bundle.metrics.text())).text).has(name)).toBe(false);
    await bundle.clock.advance(1_000);
    expect((await bundle.scrape()).get(name)).toBe(905);
  });

  test('give a new job its zeros and take away the series of one that is gone', async () => {
    using bundle = setup();
    end(bundle.events, 'a');
    bundle.metrics.setJobs([jobOf('a'), jobOf('c')]);
    end(bundle.events, 'b');
    const series = await bundle.scrape();
    expect(series.get('tickwise_runs_total{job="a",outcome="succeeded"}')).toBe(1);
    expect(series.get('tickwise_runs_total{job="c",outcome="succeeded"}')).toBe(0);
    expect([...series.keys()].filter((name) => name.includes('job="b"'))).toEqual([]);
  });

  test('count a broken promise and name both runs in the log', async () => {
    using bundle = setup();
    start(bundle.events, 'a', 1);
    start(bundle.events, 'a', 2);
    expect((await bundle.scrape()).get('tickwise_overlap_violations_total{job="a"}')).toBe(1);
    expect(bundle.errors).toEqual([
      ['a promise is broken: two live runs of one job', expect.objectContaining({ job: 'a', runId: 'a-2', otherRunId: 'a-1' })],
    ]);
  });

  test('tell of the clock, the loop and the store', async () => {
    using bundle = setup();
    bundle.events.emit('clockStepped', { byMs: -3_000 });
    bundle.events.emit('loopStalled', { forMs: 250 });
    bundle.events.emit('storeFailed', { error: { name: 'Error', message: 'disk full' } });
    bundle.events.emit('storeCommitted', { forMs: 2, waitedMs: 1 });
    bundle.events.emit('fenceRejected', { job: 'b', runId: 'x', fence: 4 });
    const series = await bundle.scrape();
    expect(series.get('tickwise_clock_step_seconds_sum')).toBe(3);
    expect(series.get('tickwise_loop_stall_seconds_sum')).toBe(0.25);
    expect(series.get('tickwise_store_errors_total')).toBe(1);
    expect(series.get('tickwise_store_commit_seconds_sum')).toBe(0.002);
    expect(series.get('tickwise_fence_rejections_total{job="b"}')).toBe(1);
  });

  test('add up what is reported of steps', async () => {
    using bundle = setup();
    const buckets = [2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1];
    bundle.events.emit('stepsFinished', { ...ofRun('a'), count: 4, totalMs: 70_008, buckets });
    const series = await bundle.scrape();
    expect(series.get('tickwise_steps_total{job="a"}')).toBe(4);
    expect(series.get('tickwise_step_duration_seconds_bucket{job="a",le="0.001"}')).toBe(2);
    expect(series.get('tickwise_step_duration_seconds_bucket{job="a",le="0.01"}')).toBe(3);
    expect(series.get('tickwise_step_duration_seconds_bucket{job="a",le="60"}')).toBe(3);
    expect(series.get('tickwise_step_duration_seconds_count{job="a"}')).toBe(4);
    expect(series.get('tickwise_step_duration_seconds_sum{job="a"}')).toBe(70.008);
  });

  test('tell stops by force apart by what made force due', async () => {
    using bundle = setup();
    bundle.events.emit('runForced', { ...ofRun('a'), stage: 'hurry' });
    const series = await bundle.scrape();
    expect(series.get('tickwise_hard_stops_total{job="a",stage="hurry"}')).toBe(1);
    expect(series.get('tickwise_hard_stops_total{job="a",stage="grace"}')).toBe(0);
  });

  test('say that the store fails until it has recovered', async () => {
    using bundle = setup();
    const failing = async () => (await bundle.scrape()).get('tickwise_store_failing');
    expect(await failing()).toBe(0);
    bundle.events.emit('storeFailed', { error: { name: 'Error', message: 'disk full' } });
    expect(await failing()).toBe(1);
    bundle.events.emit('storeRecovered', { afterMs: 5_000 });
    expect(await failing()).toBe(0);
  });

  test('share an answer between those who ask within a second', async () => {
    using bundle = setup();
    const { clock, metrics } = bundle;
    const { text } = await clock.waitFor(metrics.text());
    end(bundle.events, 'a');
    expect((await clock.waitFor(metrics.text())).text).toBe(text);
    expect((await bundle.scrape()).get('tickwise_runs_total{job="a",outcome="succeeded"}')).toBe(1);
  });

  test('listen no more once they are disposed', () => {
    const bundle = setup();
    bundle[Symbol.dispose]();
    expect(bundle.events.isHeard('runEnded')).toBe(false);
  });

  test('list twenty thousand jobs and say how many there are beyond', async () => {
    const names = Array.from({ length: 20_002 }, (_, index) => `job-${index}`);
    using bundle = setup({ jobs: names.map((name) => jobOf(name)) });
    start(bundle.events, 'job-20001', 1);
    start(bundle.events, 'job-20001', 2);
    const { text } = await bundle.clock.waitFor(bundle.metrics.text());
    const wanted = ['\ntickwise_jobs_without_series 2\n', '{job="job-19999"}', '{job="job-20000"}'];
    expect(wanted.map((part) => text.includes(part))).toEqual([true, true, false]);
    expect(bundle.errors).toHaveLength(1);
  });

  test('give way to the event loop while they answer for ten thousand jobs', async () => {
    const jobs = Array.from({ length: 10_000 }, (_, index) => jobOf(`job-number-${index}`));
    const clock = createSystemClock();
    let turns = 0;
    const counting: Clock = { ...clock, defer: (callback) => clock.defer(() => (turns++, callback())) };
    using bundle = setup({ jobs, clock: counting });
    const before = performance.now();
    const { text } = await bundle.metrics.text();
    const tookMs = performance.now() - before;
    expect(text.match(/\n/g)?.length).toBeGreaterThan(600_000);
    expect(turns).toBeGreaterThan(5);
    // 150 ms on an idle machine; far above it, it would be the 950 ms and more of an object a series.
    expect(tookMs).toBeLessThan(3_000);
  });
});
