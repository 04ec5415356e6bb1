/** A daemon that does nothing but answer: what it knows, tests put there; what it was asked, tests read. */
import type {
  Control,
  EventFeed,
  Health,
  JobView,
  NumberedEvent,
  RunFilter,
  RunView,
  Submission,
  SubmitResult,
} from '../../src/core/control.ts';
import { TickwiseError } from '../../src/core/errors.ts';
import { type Job, JOB_DEFAULTS } from '../../src/core/job.ts';
import type { TickRecord } from '../../src/core/ledger.ts';
import type { LogLine } from '../../src/core/log-line.ts';
import { LIVE_STATES, type RunState } from '../../src/core/run.ts';
import { runIdOf } from '../../src/core/tick.ts';
import type { Instant } from '../../src/core/time.ts';

export const START: Instant = Date.UTC(2026, 0, 1);
export const RUN: string = runIdOf('report', START);

/** A job each minute that runs a program. */
export function jobOf(name: string, own: Partial<Job> = {}): Job {
  const schedules = [{ kind: 'cron', pattern: '* * * * *', timezone: 'UTC' }] as const;
  return { ...JOB_DEFAULTS, name, schedules, task: { kind: 'command', command: ['/usr/bin/report', '--key=hunter2'] }, ...own };
}

/** A run that has succeeded, unless told otherwise. */
export function runOf(own: Partial<RunView> = {}): RunView {
  return {
    id: RUN,
    job: 'report',
    tick: START,
    cause: 'tick',
    state: 'succeeded',
    fence: 7,
    queuedAt: START,
    startedAt: START + 5,
    endedAt: START + 1_005,
    steps: 3,
    attempts: 1,
    ...own,
  };
}

export class FakeControl implements Control {
  readonly about: Control['about'] = { version: '0.0.0', node: 'node', startedAt: START };
  readonly jobsByName: Map<string, JobView> = new Map();
  /** Newest first. */
  runList: RunView[] = [];
  lines: LogLine[] = [];
  tickList: TickRecord[] = [];
  submitted: Submission[] = [];
  /** Method and arguments of what steers. */
  readonly steered: string[] = [];
  nextResult: SubmitResult | Error = { kind: 'started', runId: RUN };
  wellness: Health = { loopMovedMsAgo: 12.3, alive: true, ready: true, faults: [] };
  kept: NumberedEvent[] = [];
  readonly listeners: Set<(event: NumberedEvent) => void> = new Set();
  readonly waiters: Set<() => void> = new Set();
  #events = 0;

  constructor() {
    this.addJob(jobOf('report'));
  }

  addJob(job: Job, own: Partial<JobView> = {}): void {
    const view = { job, state: 'idle', paused: false, budgetMs: 54_000, graceMs: 5_000, queuedRuns: [], ...own } as const;
    this.jobsByName.set(job.name, view);
  }

  /** Ends a live run. */
  end(runId: string, state: RunState): void {
    this.runList = this.runList.map((run) => (run.id === runId ? { ...run, state } : run));
    for (const waiter of this.waiters) waiter();
  }

  /** Tells all listeners. */
  tell(type: string, data: object): void {
    const event = { id: `e-${++this.#events}`, type, data: JSON.stringify(data) };
    this.kept.push(event);
    for (const listener of this.listeners) listener(event);
  }

  now(): Instant {
    return START;
  }

  submit(submission: Submission): Promise<SubmitResult> {
    this.submitted.push(submission);
    if (this.nextResult instanceof Error) return Promise.reject(this.nextResult);
    return this.job(submission.job).then(() => this.nextResult as SubmitResult);
  }

  cancelRun(runId: string, by: string): Promise<RunState | undefined> {
    const state = this.runList.find((run) => run.id === runId)?.state;
    if (LIVE_STATES.some((live) => live === state)) this.steered.push(`cancel ${runId} by ${by}`);
    return Promise.resolve(state);
  }

  async cancelJob(job: string, by: string): Promise<readonly string[]> {
    await this.job(job);
    this.steered.push(`cancel ${job} by ${by}`);
    return [RUN];
  }

  async pause(job: string, by: string): Promise<void> {
    const view = await this.job(job);
    this.steered.push(`pause ${job} by ${by}`);
    this.jobsByName.set(job, { ...view, state: 'paused', paused: true });
  }

  async resume(job: string, by: string): Promise<void> {
    const view = await this.job(job);
    this.steered.push(`resume ${job} by ${by}`);
    this.jobsByName.set(job, { ...view, state: 'idle', paused: false });
  }

  jobs(): Promise<readonly JobView[]> {
    return Promise.resolve([...this.jobsByName.values()]);
  }

  job(name: string): Promise<JobView> {
    const view = this.jobsByName.get(name);
    if (view === undefined) return Promise.reject(new TickwiseError('JOB_NOT_FOUND', `no job is named ${name}`));
    return Promise.resolve(view);
  }

  why(): Promise<readonly string[]> {
    return Promise.resolve(['it waits for its next tick']);
  }

  async ticks(query: { job: string; from?: Instant; to?: Instant; limit: number }): Promise<readonly TickRecord[]> {
    await this.job(query.job);
    const { from = 0, to = Infinity, limit } = query;
    return this.tickList.filter(({ tick }) => tick >= from && tick < to).slice(0, limit);
  }

  nextTicks(_: string, limit: number): Promise<readonly Instant[]> {
    return Promise.resolve(Array.from({ length: limit }, (_, index) => START + index * 60_000));
  }

  runs({ job, state, from = 0, to = Infinity, after, limit }: RunFilter): Promise<readonly RunView[]> {
    const begin = after === undefined ? 0 : this.runList.findIndex((run) => run.id === after) + 1;
    const found = this.runList
      .slice(begin)
      .filter((run) => (job === undefined || run.job === job) && (state === undefined || run.state === state))
      .filter(({ tick }) => tick >= from && tick < to);
    return Promise.resolve(found.slice(0, limit));
  }

  run(runId: string): Promise<RunView | undefined> {
    return Promise.resolve(this.runList.find((run) => run.id === runId));
  }

  waitForEnd(_: string, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.waiters.delete(done);
        resolve();
      };
      this.waiters.add(done);
      signal.addEventListener('abort', done, { once: true });
    });
  }

  async log(runId: string, { after = 0, limit }: { after?: number; limit: number }): Promise<readonly LogLine[] | undefined> {
    if ((await this.run(runId)) === undefined) return undefined;
    return this.lines.filter(({ seq }) => seq > after).slice(0, limit);
  }

  follow(after: string | undefined, listener: (event: NumberedEvent) => void): EventFeed {
    const seen = this.kept.findIndex((event) => event.id === after);
    const hasGap = after !== undefined && seen === -1;
    this.listeners.add(listener);
    const backlog = after === undefined ? [] : this.kept.slice(hasGap ? this.kept.length : seen + 1);
    const position = this.kept.at(-1)?.id ?? 'e-0';
    return { backlog, hasGap, position, [Symbol.dispose]: () => void this.listeners.delete(listener) };
  }

  health(): Health {
    return this.wellness;
  }

  metrics(): Promise<{ contentType: string; text: string }> {
    return Promise.resolve({ contentType: 'text/plain; version=0.0.4; charset=utf-8', text: 'tickwise_runs_live 0\n' });
  }
}
