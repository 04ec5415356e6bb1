/** What the doors ask of a daemon, answered by its scheduler and its store. */
import type { Control, Health, JobView, NumberedEvent, RunFilter, RunView, Submission, SubmitResult } from '../core/control.ts';
import type { EventFeed } from '../core/control.ts';
import { TickwiseError } from '../core/errors.ts';
import type { JobName } from '../core/job.ts';
import type { NodeIdentity, RunRecord, TickRecord } from '../core/ledger.ts';
import type { LogLine } from '../core/log-line.ts';
import type { Calendar, Clock } from '../core/ports.ts';
import type { RunState } from '../core/run.ts';
import type { Store } from '../core/store.ts';
import { listTicks } from '../core/tick-range.ts';
import type { Instant } from '../core/time.ts';
import { EventFeeds } from './event-feed.ts';
import { healthOf } from './health.ts';
import { jobViewOf, ticksToCome } from './job-view.ts';
import { LastRuns } from './last-runs.ts';
import type { JobState } from './live-state.ts';
import { listRuns } from './run-list.ts';
import { RunLogs } from './run-log.ts';
import { runViewOf, withoutTexts } from './run-view.ts';
import type { Scheduler } from './scheduler.ts';
import { type CheckInput, drainingError, submitResultOf, triggerOf } from './submit.ts';
import { whyLines } from './why.ts';

/** What a control is made of. */
export interface ControlParts {
  readonly scheduler: Scheduler;
  /** The scheduler's own. */
  readonly store: Store;
  readonly clock: Clock;
  readonly calendar: Calendar;
  readonly node: NodeIdentity;
  readonly version: string;
  readonly checkInput: CheckInput;
  readonly metrics: Control['metrics'];
  /** Blots out secrets, in JSON too, in what runs write; absent: there are none. */
  readonly redact?: ((text: string) => string) | undefined;
  /** For instants in words, where a job's schedules name no zone; the machine's unless given. */
  readonly timezone?: string | undefined;
}

/**
 * Makes the control of a scheduler, and begins to keep what runs write and what happens. Make it before the scheduler starts, so that
 * nothing is missed.
 *
 * @param parts see {@link ControlParts}
 * @returns the control; dispose of it when the scheduler has stopped, and before its store is closed
 */
export function createControl(parts: ControlParts): Control & AsyncDisposable {
  return new SchedulerControl(parts);
}

/** They take some two milliseconds; then others have a turn of the event loop. */
const VIEWS_A_TURN = 1_000;
/** The full form of a run's id; a part of one is never looked for. */
const RUN_ID = /^[0-9a-z]{9}-[0-9a-z]{14}$/;

class SchedulerControl implements Control, AsyncDisposable {
  readonly about: Control['about'];
  readonly #parts: ControlParts;
  readonly #logs: RunLogs;
  readonly #feeds: EventFeeds;
  readonly #lastRuns: LastRuns;

  constructor(parts: ControlParts) {
    const { scheduler, store, clock, node, version, redact } = parts;
    const { events, state } = scheduler;
    this.#parts = parts;
    this.about = { version, node: node.id, startedAt: node.startedAt };
    this.#logs = new RunLogs({ events, store, clock, isLive: (runId) => state.run(runId) !== undefined, redact });
    this.#feeds = new EventFeeds(events, clock, node.id);
    this.#lastRuns = new LastRuns(store, clock, events);
  }

  now(): Instant {
    return this.#parts.clock.now();
  }

  async submit(submission: Submission): Promise<SubmitResult> {
    const { scheduler, checkInput, clock } = this.#parts;
    const { job } = this.#find(submission.job);
    if (scheduler.state.isDraining) throw drainingError();
    const options = triggerOf(submission, job, checkInput, clock.now());
    const { outage } = scheduler.state;
    // It would be heeded when the store works again, and nobody knows when that is, or who still wants it then.
    if (outage !== undefined) throw new TickwiseError('STORE_UNUSABLE', `nothing can start: ${outage.error.message}`);
    return submitResultOf(await scheduler.trigger(job.name, options));
  }

  async cancelRun(runId: string, by: string): Promise<RunState | undefined> {
    const run = await this.run(runId);
    if (run?.endedAt === undefined) this.#parts.scheduler.cancel(runId, by, 'run');
    return run?.state;
  }

  async cancelJob(job: JobName, by: string): Promise<readonly string[]> {
    this.#find(job);
    return this.#parts.scheduler.cancel(job, by, 'job');
  }

  pause(job: JobName, by: string): Promise<void> {
    return this.#parts.scheduler.pause(job, by);
  }

  resume(job: JobName, by: string): Promise<void> {
    return this.#parts.scheduler.resume(job, by);
  }

  async jobs(): Promise<readonly JobView[]> {
    const { scheduler, store, clock } = this.#parts;
    const entries = [...scheduler.state.jobs()].sort((a, b) => (a.job.name < b.job.name ? -1 : 1));
    const lastRuns = await this.#lastRuns.of(entries);
    const records = new Map((await store.liveRuns()).map((run) => [run.id, withoutTexts(run)]));
    const views: JobView[] = [];
    for (const entry of entries) {
      if (views.length % VIEWS_A_TURN === VIEWS_A_TURN - 1) await new Promise<void>((resolve) => clock.defer(resolve));
      const record = entry.live === undefined ? undefined : records.get(entry.live.grant.runId);
      views.push(this.#view(entry, record, lastRuns.get(entry.job.name)));
    }
    return views;
  }

  async job(job: JobName): Promise<JobView> {
    const entry = this.#find(job);
    const lastRun = await this.#lastRuns.read(entry);
    const record = entry.live === undefined ? undefined : await this.#record(entry.live.grant.runId);
    return this.#view(entry, record, lastRun);
  }

  async why(job: JobName): Promise<readonly string[]> {
    const { scheduler, store, calendar, clock, timezone } = this.#parts;
    const { state } = scheduler;
    const entry = this.#find(job);
    const lastRun = await this.#lastRuns.read(entry);
    const left = (await store.liveRuns()).filter((run) => state.run(run.id) === undefined);
    const [now, monotonic] = [clock.now(), clock.monotonic()];
    return whyLines(entry, { state, calendar, now, monotonic, timezone, left, lastRun });
  }

  async ticks(query: { job: JobName; from?: Instant; to?: Instant; limit: number }): Promise<readonly TickRecord[]> {
    this.#find(query.job);
    const { store, calendar } = this.#parts;
    return listTicks(await store.ticks(query), await store.ranges(query), calendar, query);
  }

  async nextTicks(job: JobName, limit: number): Promise<readonly Instant[]> {
    return ticksToCome(this.#find(job), this.#parts.calendar, this.now(), limit);
  }

  runs(filter: RunFilter): Promise<readonly RunView[]> {
    return listRuns(filter, this.#parts.store, this.#parts.scheduler.state);
  }

  async run(runId: string): Promise<RunView | undefined> {
    const record = await this.#record(runId);
    return record === undefined ? undefined : runViewOf(record, this.#parts.scheduler.state.run(runId));
  }

  async waitForEnd(runId: string, signal: AbortSignal): Promise<void> {
    const { scheduler } = this.#parts;
    const isHere = scheduler.state.run(runId) !== undefined || scheduler.state.isQueued(runId);
    // One that an earlier daemon left behind ends when its death is proved.
    const left = isHere ? undefined : await this.#record(runId);
    if (signal.aborted || (!isHere && (left === undefined || left.endedAt !== undefined))) return;
    await new Promise<void>((resolve) => {
      const waiting = scheduler.onEnd(runId, done);
      function done(): void {
        waiting[Symbol.dispose]();
        signal.removeEventListener('abort', done);
        resolve();
      }
      signal.addEventListener('abort', done, { once: true });
    });
  }

  async log(runId: string, query: { after?: number; limit: number }): Promise<readonly LogLine[] | undefined> {
    return (await this.#record(runId)) === undefined ? undefined : this.#logs.read(runId, query);
  }

  follow(after: string | undefined, listener: (event: NumberedEvent) => void): EventFeed {
    return this.#feeds.follow(after, listener);
  }

  health(): Health {
    return healthOf(this.#parts.scheduler.state, this.#parts.clock.monotonic(), this.#logs);
  }

  metrics(): ReturnType<Control['metrics']> {
    return this.#parts.metrics();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#feeds[Symbol.dispose]();
    this.#lastRuns[Symbol.dispose]();
    await this.#logs[Symbol.asyncDispose]();
  }

  // -----------------------------------------------------------------------------------------------

  /** @throws TickwiseError `JOB_NOT_FOUND` */
  #find(job: JobName): JobState {
    const entry = this.#parts.scheduler.state.find(job);
    if (entry === undefined) throw new TickwiseError('JOB_NOT_FOUND', `no job is named ${job}`);
    return entry;
  }

  #view(entry: JobState, record: RunRecord | undefined, lastRun: RunRecord | undefined): JobView {
    const { scheduler, calendar } = this.#parts;
    const liveRun = record === undefined || record.endedAt !== undefined ? undefined : runViewOf(record, entry.live);
    return jobViewOf(entry, liveRun, lastRun, { state: scheduler.state, calendar, now: this.now() });
  }

  async #record(runId: string): Promise<RunRecord | undefined> {
    if (!RUN_ID.test(runId)) return undefined;
    return (await this.#parts.store.findRuns(runId)).find(({ id }) => id === runId);
  }
}
