/**
 * What Prometheus is told (SPEC section 8; docs/metrics.md explains each metric). What belongs to a job is kept in rows of our own; the
 * rest, and the process, by prom-client.
 */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Job } from '../core/job.ts';
import type { Timer } from '../core/ports.ts';
import type { Events } from '../engine/events.ts';
import { JobMetrics, type JobMetricsOptions, MOST_JOBS } from './metrics-jobs.ts';

/** What metrics are made with. */
export interface MetricsOptions extends JobMetricsOptions {
  readonly version: string;
}

/** The metrics of a daemon. */
export interface Metrics {
  /** After a reload: a new job gets its zeros, one that is gone loses its series. */
  setJobs(jobs: readonly Job[]): void;
  /** Those who ask within one second of each other share an answer. @returns Prometheus' text format */
  text(): Promise<{ readonly contentType: string; readonly text: string }>;
}

/** For so long an answer is shared. */
const KEPT_MS = 1_000;
/** For so long a scrape may hold the event loop. */
const HELD_MS = 5;

const COMMIT_BOUNDS = [0.000_1, 0.000_5, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5];
/** The engine speaks of steps and stalls of a second and more. */
const STEP_BOUNDS = [2, 10, 60, 600, 3_600, 86_400];
const STALL_BOUNDS = [2, 5, 10, 30, 60, 300];

/**
 * Counts what happens from now on.
 *
 * @param options see {@link MetricsOptions}; what the store has counted so far must be read before the first event
 * @returns metrics; disposing them ends the counting
 * @throws never
 */
export function createMetrics(options: MetricsOptions): Metrics & Disposable {
  return new DaemonMetrics(options);
}

class DaemonMetrics implements Metrics, Disposable {
  readonly #options: MetricsOptions;
  readonly #registry = new Registry();
  readonly #jobs: JobMetrics;
  readonly #unlisted: Gauge;
  readonly #listening = new DisposableStack();
  /** The last answer, for as long as it is shared: it may have 47 MB. */
  #kept: Promise<string> | undefined;
  #forgetting: Timer | undefined;

  constructor(options: MetricsOptions) {
    this.#options = options;
    this.#jobs = this.#listening.use(new JobMetrics(options));
    this.#listening.use(listenTo(options.events, this.#registry));
    const registers = [this.#registry];
    const unlisted = `Jobs beyond the first ${MOST_JOBS}, which have no series of their own.`;
    this.#unlisted = new Gauge({ name: 'tickwise_jobs_without_series', help: unlisted, registers });
    this.#unlisted.set(unlistedOf(options.jobs));
    const build = new Gauge({ name: 'tickwise_build_info', help: 'Always 1.', labelNames: ['version', 'node'], registers });
    build.set({ version: options.version, node: process.version }, 1);
  }

  setJobs(jobs: readonly Job[]): void {
    this.#jobs.setJobs(jobs);
    this.#unlisted.set(unlistedOf(jobs));
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
    const parts: string[] = [];
    let since = clock.monotonic();
    for (const part of this.#jobs.text()) {
      parts.push(part);
      if (clock.monotonic() - since < HELD_MS) continue;
      await new Promise<void>((resolve) => clock.defer(resolve));
      since = clock.monotonic();
    }
    parts.push(await this.#registry.metrics(), await aboutProcess().metrics());
    return parts.join('');
  }
}

function unlistedOf(jobs: readonly Job[]): number {
  return Math.max(0, jobs.length - MOST_JOBS);
}

function listenTo(events: Pick<Events, 'on'>, registry: Registry): Disposable {
  using listening = new DisposableStack();
  const registers = [registry];
  const seconds = (name: string, help: string, buckets: number[]): Histogram => new Histogram({ name, help, buckets, registers });

  const steps = seconds('tickwise_clock_step_seconds', 'Steps of the wall clock, either way.', STEP_BOUNDS);
  listening.use(events.on('clockStepped', ({ byMs }) => steps.observe(Math.abs(byMs) / 1_000)));
  const stalls = seconds(
    'tickwise_loop_stall_seconds',
    'How late the scheduler woke when the event loop was held.',
    STALL_BOUNDS,
  );
  listening.use(events.on('loopStalled', ({ forMs }) => stalls.observe(forMs / 1_000)));
  const commits = seconds('tickwise_store_commit_seconds', 'How long the store took to write a turn.', COMMIT_BOUNDS);
  listening.use(events.on('storeCommitted', ({ forMs }) => commits.observe(forMs / 1_000)));

  const errors = new Counter({ name: 'tickwise_store_errors_total', help: 'Outages of the store.', registers });
  const failing = new Gauge({ name: 'tickwise_store_failing', help: '1 during an outage of the store.', registers });
  listening.use(
    events.on('storeFailed', () => {
      errors.inc();
      failing.set(1);
    }),
  );
  listening.use(events.on('storeRecovered', () => failing.set(0)));
  return listening.move();
}

let ofProcess: Registry | undefined;

/** prom-client begins to watch the event loop and never ends it, so it is asked to once, however many daemons a process has. */
function aboutProcess(): Registry {
  if (ofProcess !== undefined) return ofProcess;
  ofProcess = new Registry();
  collectDefaultMetrics({ register: ofProcess });
  for (const { name } of ofProcess.getMetricsAsArray()) {
    if (!/^(process|nodejs_eventloop)_/.test(name)) ofProcess.removeSingleMetric(name);
  }
  return ofProcess;
}
