/**
 * The scheduler: single owner of live state. Every door (tick, trigger, catch-up, reload, restart) puts a claim into the
 * next turn; the store decides it by the gate and makes it true; only a grant that comes back from there starts a run.
 */
import { TickwiseError } from '../core/errors.ts';
import type { Job, JobName } from '../core/job.ts';
import type { RunRecord } from '../core/ledger.ts';
import { digitsOf, runIdOfTrigger } from '../core/tick.ts';
import type { DurationMs } from '../core/time.ts';
import { Committer } from './committer.ts';
import { Dispatcher } from './dispatcher.ts';
import { Events } from './events.ts';
import { Inbox } from './inbox.ts';
import type { JobEntry } from './job-entry.ts';
import { JobTable } from './job-table.ts';
import { LiveRuns } from './live-runs.ts';
import { LiveState } from './live-state.ts';
import type { RunEnd } from './run-waiters.ts';
import type { SchedulerParts } from './scheduler-parts.ts';
import type { Statistics } from './statistics.ts';
import { STOPPED, type TriggerOptions, type TriggerResult } from './trigger.ts';
import { Turns } from './turns.ts';
import { type Wake, WakeTimer } from './wake-timer.ts';

/** See the head of this file. Made idle; `start` arms it. */
export class Scheduler {
  readonly events: Events;
  /** For those who look on. */
  readonly state: LiveState;
  readonly #parts: SchedulerParts;
  readonly #table: JobTable;
  readonly #inbox: Inbox;
  readonly #committer: Committer;
  readonly #runs: LiveRuns;
  readonly #timer: WakeTimer;
  readonly #turns: Turns;
  /** Tells the triggered runs of this scheduler from those of others. */
  readonly #source: string;
  #triggers = 0;
  #isRunning = false;

  constructor(parts: SchedulerParts) {
    const { clock, calendar, store, runnerFor, random, concurrency, matches = () => true, events = new Events() } = parts;
    this.events = events;
    this.#source = digitsOf(random());
    this.#parts = parts;
    this.#table = new JobTable(calendar, store);
    this.#inbox = new Inbox(clock, calendar, parts.mostListed);
    this.#runs = new LiveRuns({
      clock,
      events,
      runnerFor,
      random,
      inbox: this.#inbox,
      dispatcher: new Dispatcher(concurrency),
      ask: () => this.#committer.ask(),
      isStoreFailing: () => this.#committer.isFailing,
      gapOf: (job) => this.#table.gapOf(job, clock.now()),
    });
    this.#turns = new Turns({
      clock,
      events,
      table: this.#table,
      inbox: this.#inbox,
      runs: this.#runs,
      matches,
      isStoreFailing: () => this.#committer.isFailing,
      lookAtClocks: () => this.#noticeStep(this.#timer.look()),
      onApplied: () => this.#rearm(),
    });
    this.#committer = new Committer(store, clock, events, this.#turns, () => this.#runs.onStoreFailing());
    this.#timer = new WakeTimer(clock, (wake) => this.#woke(wake));
    const known = { table: this.#table, runs: this.#runs, turns: this.#turns, committer: this.#committer, timer: this.#timer };
    this.state = new LiveState({ clock, concurrency, matches, ...known, isRunning: () => this.#isRunning });
  }

  /**
   * Arms the jobs. Ticks that fell due since their slots were last decided count as missed while down; queued runs of an
   * earlier scheduler are started.
   *
   * @param jobs names are unique
   * @returns when all jobs have a slot; first ticks come after that
   * @throws TickwiseError `STORE_UNUSABLE`
   */
  async start(jobs: readonly Job[]): Promise<void> {
    const now = this.#parts.clock.now();
    this.#turns.liveSince = now;
    await this.#table.arm(jobs, now);
    this.#isRunning = true;
    for (const entry of this.#table.queued) this.#inbox.promote(entry);
    this.#woke(this.#timer.look());
  }

  /**
   * Replaces the definitions. Live runs go on under the old ones and keep their slots; nothing is started or ended. A job whose
   * definition changed has ticks from now on only.
   *
   * @throws TickwiseError `STORE_UNUSABLE`, with the old definitions still in force
   */
  async reload(jobs: readonly Job[]): Promise<void> {
    await this.#table.reload(jobs, this.#parts.clock, () => this.#decideDue());
    // Who waited for a resource or a pause of the old definition may have nothing in its way now.
    for (const entry of this.#table.queued) this.#inbox.promote(entry);
    this.#woke(this.#timer.look());
  }

  /**
   * Asks for a run now. A paused job may be triggered; a live run is dealt with as `onOverlap` says.
   *
   * @returns what became of it, durable
   * @throws TickwiseError `JOB_NOT_FOUND`; `STORE_UNUSABLE` when 10,000 triggers wait for the store already
   */
  trigger(job: JobName, options: TriggerOptions = {}): Promise<TriggerResult> {
    if (this.#committer.isClosed) return Promise.resolve(STOPPED);
    const entry = this.#table.find(job);
    if (entry === undefined) return Promise.reject(new TickwiseError('JOB_NOT_FOUND', `no job is named ${job}`));
    const at = this.#parts.clock.now();
    return new Promise((resolve, reject) => {
      const runId = runIdOfTrigger(at, this.#source, ++this.#triggers);
      const { by = 'trigger', input, budgetMs, idempotency } = options;
      const accepted = this.#inbox.trigger({ entry, runId, at, by, input, budgetMs, idempotency, resolve });
      if (accepted) this.#committer.ask();
      else reject(new TickwiseError('STORE_UNUSABLE', 'too many triggers wait for the store already'));
    });
  }

  /**
   * Waits for the end of a run that is live or queued.
   *
   * @returns its end, durable
   * @throws TickwiseError `RUN_NOT_FOUND` when no such run is live or queued here
   */
  waitForEnd(runId: string): Promise<RunEnd> {
    if (this.#runs.find(runId) !== undefined || this.#table.isQueued(runId)) return this.#runs.waiters.waitFor(runId);
    return Promise.reject(new TickwiseError('RUN_NOT_FOUND', `run ${runId} is neither live nor queued here`));
  }

  /** Calls `ended` once a run that is live, queued, or left by an earlier daemon has ended. @returns disposing it ends the wait */
  onEnd(runId: string, ended: (end: RunEnd) => void): Disposable {
    return this.#runs.waiters.add(runId, ended);
  }

  /**
   * Cancels a job's live and queued runs, or one run by its id. It returns at once; the end is seen by its proof.
   *
   * @param by who asks; kept in the ledger
   * @param what the first argument names; a job may be named as a run is
   * @returns ids of the runs that were asked to stop or withdrawn
   */
  cancel(jobOrRun: string, by: string, what: 'job' | 'run' | 'either' = 'either'): readonly string[] {
    const isMeant = (job: JobName, runId: string): boolean =>
      (what !== 'run' && job === jobOrRun) || (what !== 'job' && runId === jobOrRun);
    const cancelled: string[] = [];
    for (const entry of this.#table.queued) {
      for (const { runId } of entry.queued) {
        if (!isMeant(entry.job.name, runId)) continue;
        this.#runs.withdrawQueued(entry.job.name, runId, by);
        cancelled.push(runId);
      }
    }
    for (const run of this.#runs.all()) {
      if (!isMeant(run.job.name, run.grant.runId)) continue;
      this.#runs.stop(run, by);
      cancelled.push(run.grant.runId);
    }
    this.#committer.ask();
    return cancelled;
  }

  /** Writes a run of an earlier daemon down as lost, and frees its slot. Only on proof that nothing of it is alive. */
  bury(run: RunRecord): void {
    const { job, id: runId, tick, fence, startedAt, steps, attempts } = run;
    if (fence === undefined) throw new Error(`run ${runId} holds no slot`);
    const endedAt = this.#parts.clock.now();
    this.#inbox.end({ job, runId, tick, fence, outcome: 'lost', startedAt, endedAt, steps, attempts });
    this.#committer.ask();
  }

  /** A job whose slot is held by an earlier daemon's run is asked for its ticks all the same, from now on. */
  release(job: JobName): void {
    const entry = this.#table.find(job);
    if (entry === undefined) return;
    this.#table.unhold(entry);
    this.#woke(this.#timer.look());
  }

  /** Ticks of a paused job are skipped; a live run goes on. @throws TickwiseError `JOB_NOT_FOUND`, `STORE_UNUSABLE` */
  async pause(job: JobName, by = 'pause'): Promise<void> {
    await this.#table.setPaused(job, true);
    this.events.emit('jobPaused', { job, by });
  }

  /** Ticks run again, and so does what is queued. @throws TickwiseError `JOB_NOT_FOUND`, `STORE_UNUSABLE` */
  async resume(job: JobName, by = 'resume'): Promise<void> {
    const entry = await this.#table.setPaused(job, false);
    this.events.emit('jobResumed', { job, by });
    if (entry.queued.length > 0) this.#inbox.promote(entry);
    this.#committer.ask();
  }

  /**
   * Starts nothing more, lets live runs finish the step they are in, asks what is left after the grace to stop, and waits for
   * the proof of every end. Queued runs stay queued in the store.
   *
   * @param graceMs how long live runs may go on
   * @param hurry aborted: stop and use force at once
   * @returns ids of inline runs that ignore their stop: nothing but the end of the process ends them. Empty in all other cases
   */
  async stop(graceMs: DurationMs, hurry?: AbortSignal): Promise<readonly string[]> {
    this.#turns.isDraining = true;
    await this.#runs.drain(graceMs, hurry);
    this.#isRunning = false;
    this.#timer.cancel();
    // A store that fails to the very end shall not keep the process: what it lacks is found and proved at the next start.
    await this.#committer.waitIdle();
    this.#committer.close();
    this.#inbox.refuseTriggers();
    return this.#runs.unproven;
  }

  /** @returns a job's definition, next tick and runs as they stand now; `undefined` for an unknown one */
  inspect(job: JobName): Readonly<Pick<JobEntry, 'job' | 'nextTickAt' | 'live' | 'queued' | 'isPaused'>> | undefined {
    return this.#table.find(job);
  }

  statistics(): Statistics {
    return this.state.statistics();
  }

  // -----------------------------------------------------------------------------------------------

  #woke(wake: Wake): void {
    if (wake.stalledMs > 0) this.events.emit('loopStalled', { forMs: wake.stalledMs });
    this.#noticeStep(wake);
    for (const entry of this.#table.takeDue(wake.now)) this.#inbox.due(entry);
    this.#rearm();
    this.#committer.askNow();
  }

  #noticeStep({ now, steppedMs }: Wake): void {
    if (steppedMs === 0) return;
    this.#turns.stepped(now, steppedMs);
    this.events.emit('clockStepped', { byMs: steppedMs });
    if (steppedMs < 0) this.#table.rewind(now);
    this.#rearm();
  }

  /** Ticks that are due are decided under the definitions under which they fell due. */
  #decideDue(): Promise<void> | undefined {
    this.#table.unholdAll();
    for (const entry of this.#table.takeDue(this.#parts.clock.now())) this.#inbox.due(entry);
    return this.#inbox.hasDue || this.#committer.isCommitting ? this.#committer.commitNow() : undefined;
  }

  #rearm(): void {
    if (this.#isRunning) this.#timer.arm(this.#table.earliest);
  }
}
