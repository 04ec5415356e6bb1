/**
 * What Prometheus is told (SPEC section 8; docs/metrics.md explains each metric). What belongs to a job is kept in rows of our own; the rest,
 * and the process, by prom-client.
 */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Job, JobName } from '../core/job.ts';
import type { RangeRecord, Tally } from '../core/ledger.ts';
import type { Calendar, Clock, Timer } from '../core/ports.ts';
import type { TaskLog } from '../core/task.ts';
import type { MissReason, SkipReason, TickOutcome } from '../core/tick.ts';
import type { DurationMs, Instant } from '../core/time.ts';
import type { Events } from '../engine/events.ts';
import { FAMILIES, FORCE_STAGES, placeOfRuns, placeOfTicks } from './metrics-families.ts';
import { add, observe, type Row, Rows } from './metrics-rows.ts';
import { type CountedRange, TickCount } from './metrics-tick-count.ts';
import { OverlapWatch, type Violation } from './overlap-watch.ts';

/** How a job stands, for a scrape. */
export interface JobGlance {
  readonly nextTickAt: Instant | undefined;
  /** A run holds the slot, be it of an earlier daemon. */
  readonly isLive: boolean;
  readonly isBlocked: boolean;
  readonly budgetMs: DurationMs;
}

/** The newest ends that the ledger knows of a job; absent: none. */
export interface LastEnds {
  readonly job: JobName;
  readonly endedAt?: Instant | undefined;
  readonly succeededAt?: Instant | undefined;
}

/** What metrics are made with. */
export interface MetricsOptions {
  readonly events: Pick<Events, 'on'>;
  readonly clock: Clock;
  readonly calendar: Pick<Calendar, 'next'>;
  readonly jobs: readonly Job[];
  /** Called for each job in each scrape. */
  readonly peek: (job: JobName) => JobGlance | undefined;
  readonly version: string;
  /** Is told of broken promises. */
  readonly log?: Pick<TaskLog, 'error'> | undefined;
  /** From the store, before the first event: counters go on from these. */
  readonly tallies?: readonly Tally[] | undefined;
  /** As well; tallies leave out the ticks of these. */
  readonly ranges?: readonly RangeRecord[] | undefined;
  readonly lastEnds?: readonly LastEnds[] | undefined;
}

/** The metrics of a daemon. */
export interface Metrics {
  /** After a reload: a new job gets its zeros, one that is gone loses its series. */
  setJobs(jobs: readonly Job[]): void;
  /** Those who ask within one second of each other share an answer. @returns Prometheus' text format */
  text(): Promise<{ readonly contentType: string; readonly text: string }>;
}

const COMMIT_BOUNDS = [0.000_1, 0.000_5, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5];
const KEPT_MS = 1_000;
/** For so long a scrape may hold the event loop. */
const HELD_MS = 5;

/**
 * Counts what happens from now on.
 *
 * @param options see {@link MetricsOptions}
 * @returns metrics; disposing them ends the counting
 * @throws never
 */
export function createMetrics(options: MetricsOptions): Metrics & Disposable {
  return new DaemonMetrics(options);
}

let ofProcess: Registry | undefined;

/** prom-client begins to watch the event loop and never ends it, so it is asked to once, however many daemons a process has. */
function aboutProcess(): Registry {
  if (ofProcess !== undefined) return ofProcess;
  ofProcess = new Registry();
  collectDefaultMetrics({ register: ofProcess });
  for (const { name } of ofProcess.getMetricsAsArray())
    if (!/^(process|nodejs_eventloop)_/.test(name)) ofProcess.removeSingleMetric(name);
  return ofProcess;
}

class DaemonMetrics implements Metrics, Disposable {
  readonly #options: MetricsOptions;
  readonly #registry = new Registry();
  readonly #rows = new Rows();
  readonly #watch: OverlapWatch;
  readonly #ticks: TickCount;
  readonly #listening = new DisposableStack();
  #jobs: ReadonlyMap<JobName, Job> = new Map();
  /** The last answer, for as long as it is shared: it may have 44 MB. */
  #kept: Promise<string> | undefined;
  #forgetting: Timer | undefined;

  constructor(options: MetricsOptions) {
    this.#options = options;
    this.#watch = new OverlapWatch((violation) => this.#violated(violation));
    this.#ticks = this.#listening.use(new TickCount(options.clock, options.calendar));
    this.setJobs(options.jobs);
    this.#seed(options);
    this.#listenToJobs(options.events);
    this.#listenToDaemon(options);
  }

  setJobs(jobs: readonly Job[]): void {
    this.#jobs = new Map(jobs.map((job) => [job.name, job]));
    this.#rows.keepOnly(this.#jobs.keys());
    this.#watch.setJobs(jobs);
  }

  async text(): Promise<{ readonly contentType: string; readonly text: string }> {
    this.#kept ??= this.#keep();
    return { contentType: this.#registry.contentType, text: await this.#kept };
  }

  [Symbol.dispose](): void {
    this.#forgetting?.cancel();
    this.#listening.dispose();
  }

  #keep(): Promise<string> {
    const { clock } = this.#options;
    this.#forgetting = clock.setTimer(clock.monotonic() + KEPT_MS, () => (this.#kept = undefined));
    return this.#compose();
  }

  async #compose(): Promise<string> {
    const { clock } = this.#options;
    for (const row of this.#rows.all()) this.#glance(row);
    const parts: string[] = [];
    let since = clock.monotonic();
    for (const part of this.#rows.text()) {
      parts.push(part);
      if (clock.monotonic() - since < HELD_MS) continue;
      await new Promise<void>((resolve) => clock.defer(resolve));
      since = clock.monotonic();
    }
    return `${parts.join('')}${await this.#registry.metrics()}${await aboutProcess().metrics()}`;
  }

  #glance({ job, figures }: Row): void {
    const glance = this.#options.peek(job);
    figures[FAMILIES.live.at] = Number(glance?.isLive ?? false);
    figures[FAMILIES.blocked.at] = Number(glance?.isBlocked ?? false);
    figures[FAMILIES.nextTick.at] = (glance?.nextTickAt ?? 0) / 1_000;
    figures[FAMILIES.budget.at] = (glance?.budgetMs ?? 0) / 1_000;
  }

  #seed({ tallies = [], ranges = [], lastEnds = [] }: MetricsOptions): void {
    for (const { job, ticks, runs } of tallies) {
      for (const { outcome, reason, count } of ticks) this.#count(job, placeOfTicks(outcome, reason), count);
      for (const { outcome, count } of runs) this.#count(job, placeOfRuns(outcome), count);
    }
    for (const { job, endedAt = 0, succeededAt = 0 } of lastEnds) {
      const row = this.#rows.get(job);
      row?.figures.set([endedAt / 1_000], FAMILIES.lastEnd.at);
      row?.figures.set([succeededAt / 1_000], FAMILIES.lastSuccess.at);
    }
    for (const range of ranges) this.#countRange(range, range.outcome, range.reason, true);
  }

  #listenToJobs(events: Pick<Events, 'on'>): void {
    const listening = this.#listening;
    listening.use(
      events.on('tickDecided', ({ job, outcome, reason }) => {
        this.#count(job, placeOfTicks(outcome, reason));
        if (reason !== 'paused' && reason !== 'draining' && reason !== 'unmatched') this.#count(job, FAMILIES.sinceSuccess.at);
      }),
    );
    listening.use(
      events.on('ticksDecided', ({ job, from, to, outcome, reason }) => {
        const schedules = this.#jobs.get(job)?.schedules ?? [];
        this.#countRange({ job, from, to, schedules }, outcome, reason, false);
      }),
    );
    listening.use(
      events.on('runStarted', (run) => {
        this.#watch.started(run);
        const row = this.#rows.get(run.job);
        if (row !== undefined && run.cause === 'tick') observe(row, FAMILIES.delay, Math.max(0, run.delayMs) / 1_000);
      }),
    );
    listening.use(
      events.on('runEnded', (run) => {
        this.#watch.ended(run);
        const row = this.#rows.get(run.job);
        if (row === undefined) return;
        const { figures } = row;
        add(figures, placeOfRuns(run.outcome), 1);
        if (run.startedAt !== undefined) observe(row, FAMILIES.duration, Math.max(0, run.endedAt - run.startedAt) / 1_000);
        figures[FAMILIES.lastEnd.at] = run.endedAt / 1_000;
        if (run.outcome !== 'succeeded') return;
        figures[FAMILIES.lastSuccess.at] = run.endedAt / 1_000;
        figures[FAMILIES.sinceSuccess.at] = 0;
      }),
    );
    listening.use(
      events.on('stepsFinished', ({ job, count, totalMs, buckets }) => {
        const row = this.#rows.get(job);
        if (row === undefined) return;
        const { at, width } = FAMILIES.stepDuration;
        add(row.figures, FAMILIES.steps.at, count);
        for (const [index, inBucket] of buckets.entries()) add(row.figures, at + index, inBucket);
        add(row.figures, at + width - 1, totalMs / 1_000);
      }),
    );
    listening.use(
      events.on('runForced', ({ job, stage }) => this.#count(job, FAMILIES.hardStops.at + FORCE_STAGES.indexOf(stage))),
    );
    listening.use(events.on('fenceRejected', ({ job }) => this.#count(job, FAMILIES.fenceRejections.at)));
  }

  #listenToDaemon({ events, version }: MetricsOptions): void {
    const registers = [this.#registry];
    const listening = this.#listening;
    const seconds = (name: string, help: string, buckets: number[]): Histogram =>
      new Histogram({ name, help, buckets, registers });
    const steps = seconds('tickwise_clock_step_seconds', 'Steps of the wall clock, either way.', [1, 10, 60, 600, 3_600, 86_400]);
    listening.use(events.on('clockStepped', ({ byMs }) => steps.observe(Math.abs(byMs) / 1_000)));
    const stalls = seconds(
      'tickwise_loop_stall_seconds',
      'How late the scheduler woke when the event loop was held.',
      [2, 5, 10, 30, 60, 300],
    );
    listening.use(events.on('loopStalled', ({ forMs }) => stalls.observe(forMs / 1_000)));
    const errors = new Counter({ name: 'tickwise_store_errors_total', help: 'Outages of the store.', registers });
    const failing = new Gauge({ name: 'tickwise_store_failing', help: '1 during an outage of the store.', registers });
    listening.use(events.on('storeFailed', () => (errors.inc(), failing.set(1))));
    listening.use(events.on('storeRecovered', () => failing.set(0)));
    const commits = seconds('tickwise_store_commit_seconds', 'How long the store took to write a turn.', COMMIT_BOUNDS);
    listening.use(events.on('storeCommitted', ({ forMs }) => commits.observe(forMs / 1_000)));
    const build = new Gauge({ name: 'tickwise_build_info', help: 'Always 1.', labelNames: ['version', 'node'], registers });
    build.set({ version, node: process.version }, 1);
  }

  #count(job: JobName, place: number | undefined, by = 1): void {
    const row = this.#rows.get(job);
    if (row !== undefined && place !== undefined) add(row.figures, place, by);
  }

  /** @param hides the series has no line until it is counted: shown too low, and then as before, it would look like new ticks */
  #countRange(range: CountedRange, outcome: TickOutcome, reason: SkipReason | MissReason | undefined, hides: boolean): void {
    const row = this.#rows.get(range.job);
    const place = placeOfTicks(outcome, reason);
    if (row === undefined || place === undefined) return;
    const { figures, hidden } = row;
    if (hides) hidden.set(place, (hidden.get(place) ?? 0) + 1);
    this.#ticks.count(range, (count) => {
      add(figures, place, count);
      const others = (hidden.get(place) ?? 0) - 1;
      if (hides && others > 0) hidden.set(place, others);
      else if (hides) hidden.delete(place);
    });
  }

  #violated({ job, runId, fence, other, otherFence, what, resource }: Violation): void {
    this.#count(job, FAMILIES.violations.at);
    this.#options.log?.error(`a promise is broken: ${what}`, { job, runId, fence, otherRunId: other, otherFence, resource });
  }
}
