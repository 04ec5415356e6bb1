/** What is counted of each job: from the ledger at the start, from events after that, and by a glance at each scrape. */
import type { Job, JobName } from '../core/job.ts';
import type { Calendar, Clock } from '../core/ports.ts';
import type { TaskLog } from '../core/task.ts';
import type { MissReason, SkipReason, TickOutcome } from '../core/tick.ts';
import type { DurationMs, Instant } from '../core/time.ts';
import type { EventMap, Events } from '../engine/events.ts';
import { FAMILIES, FORCE_STAGES, placeOfRuns, placeOfTicks } from './metrics-families.ts';
import { add, observe, type Row, Rows } from './metrics-rows.ts';
import { asksForSuccess, type MetricsSeed } from './metrics-seed.ts';
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

/** What the metrics of jobs are made with. */
export interface JobMetricsOptions extends MetricsSeed {
  readonly events: Pick<Events, 'on'>;
  readonly clock: Clock;
  readonly calendar: Pick<Calendar, 'next'>;
  readonly jobs: readonly Job[];
  /** Called for each job in each scrape. */
  readonly peek: (job: JobName) => JobGlance | undefined;
  /** Is told of broken promises. */
  readonly log?: Pick<TaskLog, 'error'> | undefined;
}

/** At so many a scrape has 94 MB. Jobs beyond, in the order of the configuration, have no series, but are watched all the same. */
export const MOST_JOBS: number = 20_000;

/** See the head of this file. */
export class JobMetrics implements Disposable {
  readonly #peek: JobMetricsOptions['peek'];
  readonly #log: JobMetricsOptions['log'];
  readonly #rows = new Rows();
  readonly #watch: OverlapWatch;
  readonly #ticks: TickCount;
  readonly #listening = new DisposableStack();
  #jobs: ReadonlyMap<JobName, Job> = new Map();

  constructor({ events, clock, calendar, jobs, peek, log, tallies, ranges, lastEnds }: JobMetricsOptions) {
    this.#peek = peek;
    this.#log = log;
    this.#watch = new OverlapWatch(clock, (violation) => this.#violated(violation));
    this.#ticks = this.#listening.use(new TickCount(clock, calendar));
    this.setJobs(jobs);
    this.#seed({ tallies, ranges, lastEnds });
    this.#listen(events);
  }

  /** A new job gets its zeros, one that is gone loses its series. */
  setJobs(jobs: readonly Job[]): void {
    this.#jobs = new Map(jobs.map((job) => [job.name, job]));
    this.#rows.keepOnly(jobs.slice(0, MOST_JOBS).map(({ name }) => name));
    this.#watch.setJobs(jobs);
  }

  /** @returns the text of all series, in parts that take about a millisecond each */
  *text(): Generator<string> {
    for (const row of this.#rows.all()) this.#glance(row);
    yield* this.#rows.text();
  }

  [Symbol.dispose](): void {
    this.#listening.dispose();
  }

  #glance({ job, figures }: Row): void {
    const glance = this.#peek(job);
    figures[FAMILIES.live.at] = Number(glance?.isLive ?? false);
    figures[FAMILIES.blocked.at] = Number(glance?.isBlocked ?? false);
    figures[FAMILIES.nextTick.at] = (glance?.nextTickAt ?? 0) / 1_000;
    figures[FAMILIES.budget.at] = (glance?.budgetMs ?? 0) / 1_000;
  }

  #seed({ tallies = [], ranges = [], lastEnds = [] }: MetricsSeed): void {
    for (const { job, ticks, runs } of tallies) {
      for (const { outcome, reason, count } of ticks) this.#count(job, placeOfTicks(outcome, reason), count);
      for (const { outcome, count } of runs) this.#count(job, placeOfRuns(outcome), count);
    }
    for (const range of ranges) this.#countRange(range, range.outcome, range.reason, true);
    for (const { job, endedAt = 0, succeededAt = 0, ticksSince = 0 } of lastEnds) {
      this.#count(job, FAMILIES.lastEnd.at, endedAt / 1_000);
      this.#count(job, FAMILIES.lastSuccess.at, succeededAt / 1_000);
      this.#count(job, FAMILIES.sinceSuccess.at, ticksSince);
    }
  }

  #listen(events: Pick<Events, 'on'>): void {
    for (const listener of [
      events.on('tickDecided', ({ job, outcome, reason }) => {
        this.#count(job, placeOfTicks(outcome, reason));
        if (asksForSuccess(reason)) this.#count(job, FAMILIES.sinceSuccess.at);
      }),
      events.on('ticksDecided', ({ job, from, to, outcome, reason }) => {
        const schedules = this.#jobs.get(job)?.schedules ?? [];
        this.#countRange({ job, from, to, schedules }, outcome, reason, false);
      }),
      events.on('runStarted', (run) => {
        this.#watch.started(run);
        const row = this.#rows.get(run.job);
        if (row !== undefined && run.cause === 'tick') observe(row, FAMILIES.delay, Math.max(0, run.delayMs) / 1_000);
      }),
      events.on('stepsFinished', (steps) => this.#stepped(steps)),
      events.on('runForced', ({ job, stage }) => this.#count(job, FAMILIES.hardStops.at + FORCE_STAGES.indexOf(stage))),
      events.on('runEnded', (run) => this.#ended(run)),
      events.on('fenceRejected', ({ job }) => this.#count(job, FAMILIES.fenceRejections.at)),
    ]) {
      this.#listening.use(listener);
    }
  }

  #stepped({ job, count, totalMs, buckets }: EventMap['stepsFinished']): void {
    const row = this.#rows.get(job);
    if (row === undefined) return;
    const { at, width } = FAMILIES.stepDuration;
    add(row.figures, FAMILIES.steps.at, count);
    for (const [index, inBucket] of buckets.entries()) add(row.figures, at + index, inBucket);
    add(row.figures, at + width - 1, totalMs / 1_000);
  }

  #ended(run: EventMap['runEnded']): void {
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
    const hidden = hides ? (row.hidden ??= new Map<number, number>()) : undefined;
    hidden?.set(place, (hidden.get(place) ?? 0) + 1);
    this.#ticks.count(range, (count) => {
      add(row.figures, place, count);
      const others = (hidden?.get(place) ?? 0) - 1;
      if (others > 0) hidden?.set(place, others);
      else hidden?.delete(place);
    });
  }

  #violated({ job, runId, fence, other, otherFence, what, resource }: Violation): void {
    this.#count(job, FAMILIES.violations.at);
    this.#log?.error(`a promise is broken: ${what}`, { job, runId, fence, otherRunId: other, otherFence, resource });
  }
}
