/**
 * Alarms that no end of a run tells of. `blocked`: a run was asked to stop and its end is not proved; told once a run, and
 * `recovered` when it ends. `overdue`: see core/overdue; told once, and `recovered` with the next good end.
 *
 * Nothing is scanned: a job has one place in a list by the instant at which it would be overdue, as far as was known when it got the
 * place. A good end only notes its instant; the place is looked at again when its instant comes, which is seldom, and most often moves
 * on then. So a run costs a note, and 10,000 jobs cost one timer.
 *
 * After a restart: the last good end is the ledger's. Whether an alarm was told is in the book of open alarms. And as ticks went by
 * while nobody was there to run them, no job is overdue before a run that starts with the daemon has had its time; the same goes for
 * a wall clock that jumped ahead.
 */
import type { Job, JobName } from '../core/job.ts';
import type { LedgerReader, RunRecord } from '../core/ledger.ts';
import type { Outbox } from '../core/message.ts';
import { overdueAt } from '../core/overdue.ts';
import { type Alarm, type CleanBody, isGoodEnd, planAlarm } from '../core/plan-messages.ts';
import type { Calendar, Clock, Timer } from '../core/ports.ts';
import { RUN_OUTCOMES, type RunOutcome } from '../core/run.ts';
import type { TaskLog } from '../core/task.ts';
import type { SkipReason, MissReason, TickOutcome } from '../core/tick.ts';
import type { DurationMs, Instant } from '../core/time.ts';
import type { EventMap, Events } from '../engine/events.ts';
import { AlarmLine, asksFor, isWatched, later, type Watched } from './notify-alarm-line.ts';
import { AlarmBook } from './notify-alarm-book.ts';
import { countsFrom, lastGoodEndOf } from './notify-good-end.ts';

/** What the alarms need. */
export interface AlarmsParts {
  readonly outbox: Outbox;
  readonly ledger: Pick<LedgerReader, 'runs' | 'findRuns' | 'ticks'>;
  readonly events: Events;
  /** The same array as long as the definitions are the same; a change is noticed within a minute. */
  readonly jobs: () => readonly Job[];
  /** By hand or by definition. */
  readonly isPaused: (job: JobName) => boolean;
  readonly calendar: Calendar;
  readonly clock: Clock;
  readonly log: TaskLog;
  /** Told when there is something to deliver: the notifier's `wake`. */
  readonly wake: () => void;
  /** Makes a body presentable, e.g. blots secrets out. */
  readonly clean?: CleanBody | undefined;
}

/** Alarms that are watched for. */
export interface Alarms extends AsyncDisposable {
  /** For the notifier: it gives back the pages of the book of open alarms. */
  readonly notes: Pick<AlarmBook, 'target' | 'take'>;
  /** The end of a run cannot be proved, and no event says so: it is an earlier daemon's. */
  blocked(run: { readonly job: JobName; readonly runId: string; readonly tick: Instant; readonly what: string }): void;
}

const LONGEST_SLEEP_MS: DurationMs = 60_000;
/** Jobs that are looked at in one turn of the loop: some milliseconds, on a busy machine too. */
const MOST_A_TURN = 10;
/** A difference between the two clocks that is no mere slewing. */
const STEP_MS: DurationMs = 1_000;

/**
 * Begins to watch. Start it before the scheduler and the notifier, with the events that the scheduler will tell.
 *
 * @param parts see {@link AlarmsParts}
 * @returns when it is known which alarms are open; the ledger is read behind the scenes
 * @throws what the outbox throws
 */
export async function startAlarms(parts: AlarmsParts): Promise<Alarms> {
  const book = new AlarmBook(parts);
  await book.read();
  return new AlarmWatch(parts, book);
}

class AlarmWatch implements Alarms {
  readonly notes: AlarmBook;
  readonly #parts: AlarmsParts;
  readonly #listening = new DisposableStack();
  readonly #watched = new Map<JobName, Watched>();
  readonly #line = new AlarmLine();
  readonly #starting: Promise<void>;
  #jobs: readonly Job[] = [];
  #byName = new Map<JobName, Job>();
  #timer: Timer | undefined;
  /** Since when ticks have not gone by unattended. */
  #attendedSince: Instant;
  #clockOffset: number;
  #isClosed = false;

  constructor(parts: AlarmsParts, book: AlarmBook) {
    const { clock, events } = parts;
    this.#parts = parts;
    this.notes = book;
    this.#attendedSince = clock.now();
    this.#clockOffset = clock.now() - clock.monotonic();
    this.#listening.use(events.on('runBlocked', (event) => this.blocked(event)));
    this.#listening.use(events.on('runEnded', (event) => this.#ended(event)));
    this.#listening.use(events.on('tickDecided', (event) => this.#decided(event, event.tick)));
    this.#listening.use(events.on('ticksDecided', (event) => this.#decided(event, event.to)));
    this.#starting = this.#start();
  }

  blocked({ job: name, runId, tick, what }: Parameters<Alarms['blocked']>[0]): void {
    const { blocked } = this.notes.open;
    const job = this.#find(name);
    if (job === undefined || blocked.has(runId) || !asksFor(job, 'blocked')) return;
    blocked.set(runId, name);
    this.#tell(job, { event: 'blocked', runId, tick, what });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.#listening.dispose();
    this.#timer?.cancel();
    await this.#starting;
    await this.notes.close();
  }

  // -----------------------------------------------------------------------------------------------

  async #start(): Promise<void> {
    const { clock, ledger, log } = this.#parts;
    this.#refresh(true);
    try {
      await this.#closeBlocked();
      for (const [index, watched] of [...this.#watched.values()].entries()) {
        if (index % MOST_A_TURN === MOST_A_TURN - 1) await new Promise<void>((resolve) => clock.defer(resolve));
        if (this.#isClosed) return;
        const { job } = watched;
        const lastGoodEnd = await lastGoodEndOf(job.name, ledger);
        const toldAt = this.notes.open.overdue.get(job.name);
        const isOver = lastGoodEnd !== undefined && toldAt !== undefined && lastGoodEnd >= toldAt;
        watched.lastGoodEnd = later(watched.lastGoodEnd, lastGoodEnd);
        watched.since = later(watched.since, (await countsFrom(job.name, lastGoodEnd, ledger)) ?? this.#attendedSince);
        if (isOver) this.#recovered(watched, {});
        this.#line.place(watched, -Infinity);
      }
    } catch (error) {
      log.error('what was overdue before this start is not known', {
        error: error instanceof Error ? error.message : String(error),
      });
      for (const watched of this.#watched.values()) this.#line.place(watched, -Infinity);
    }
    this.#woke();
  }

  /** Runs that were blocked under an earlier daemon, and ended when nobody told of it. */
  async #closeBlocked(): Promise<void> {
    for (const runId of [...this.notes.open.blocked.keys()]) {
      const run = (await this.#parts.ledger.findRuns(runId)).find(({ id }) => id === runId);
      if (run === undefined || run.endedAt !== undefined)
        this.#unblocked(runId, run?.endedAt === undefined ? undefined : outcomeOf(run));
    }
  }

  #woke(): void {
    if (this.#isClosed) return;
    const { clock } = this.#parts;
    this.#timer?.cancel();
    const now = clock.now();
    const offset = now - clock.monotonic();
    if (offset - this.#clockOffset > STEP_MS) this.#attendedSince = now;
    this.#clockOffset = offset;
    this.#refresh(false);
    for (let looks = 0; this.#line.earliest <= now; looks++) {
      if (looks === MOST_A_TURN) return clock.defer(() => this.#woke());
      const watched = this.#line.take(now);
      if (watched !== undefined) this.#look(watched, now);
    }
    const sleepMs = Math.min(LONGEST_SLEEP_MS, this.#line.earliest - now);
    this.#timer = clock.setTimer(clock.monotonic() + sleepMs, () => this.#woke());
  }

  #look(watched: Watched, now: Instant): void {
    const { calendar, isPaused, log } = this.#parts;
    const { job } = watched;
    // It has its place back with its next good end.
    if (this.#watched.get(job.name) !== watched || this.notes.open.overdue.has(job.name)) return;
    if (isPaused(job.name)) watched.since = now;
    const dueBy = overdueAt(job, watched.since ?? now, this.#attendedSince, calendar);
    if (dueBy === undefined) return;
    if (dueBy > now) return this.#line.place(watched, dueBy);
    this.notes.open.overdue.set(job.name, now);
    const { lastGoodEnd } = watched;
    log.warn('job is overdue', { job: job.name, dueBy: new Date(dueBy).toISOString() });
    this.#tell(job, { event: 'overdue', lastGoodEnd, dueBy });
  }

  #ended(event: EventMap['runEnded']): void {
    const { job, runId, outcome, endedAt } = event;
    this.#unblocked(runId, outcome);
    const watched = isGoodEnd(outcome) ? this.#watched.get(job) : undefined;
    if (watched === undefined) return;
    watched.lastGoodEnd = later(watched.lastGoodEnd, endedAt);
    watched.since = later(watched.since, endedAt);
    this.#recovered(watched, { runId, outcome });
  }

  #recovered(watched: Watched, run: Pick<EventMap['runEnded'], 'runId' | 'outcome'> | Record<string, never>): void {
    const { clock } = this.#parts;
    if (!this.notes.open.overdue.delete(watched.job.name)) return;
    this.#tell(watched.job, { event: 'recovered', recoveredFrom: 'overdue', ...run });
    this.#line.place(watched, -Infinity);
    this.#timer?.cancel();
    this.#timer = clock.setTimer(clock.monotonic(), () => this.#woke());
  }

  #unblocked(runId: string, outcome?: RunOutcome): void {
    const { blocked } = this.notes.open;
    if (blocked.size === 0) return;
    const job = blocked.get(runId);
    if (job === undefined) return;
    blocked.delete(runId);
    this.#tell(this.#find(job), { event: 'recovered', recoveredFrom: 'blocked', runId, outcome });
  }

  /** A tick that was not meant to run is no tick that failed to. */
  #decided(
    { job, outcome, reason }: { job: JobName; outcome: TickOutcome; reason?: SkipReason | MissReason | undefined },
    to: Instant,
  ): void {
    if (outcome !== 'skipped' || (reason !== 'paused' && reason !== 'unmatched')) return;
    const watched = this.#watched.get(job);
    if (watched !== undefined) watched.since = later(watched.since, to);
  }

  #tell(job: Job | undefined, alarm: Alarm): void {
    this.notes.note(job === undefined ? [] : planAlarm(alarm, job, this.#parts.clock.now(), this.#parts.clean));
  }

  #find(name: JobName): Job | undefined {
    this.#refresh(false);
    return this.#byName.get(name);
  }

  /** Follows the definitions. Of a job that is new, or has other schedules, ticks count from now on. */
  #refresh(isStart: boolean): void {
    const jobs = this.#parts.jobs();
    if (jobs === this.#jobs) return;
    this.#jobs = jobs;
    this.#byName = new Map(jobs.map((job) => [job.name, job]));
    const now = this.#parts.clock.now();
    for (const name of this.#watched.keys()) if (!isWatched(this.#byName.get(name))) this.#watched.delete(name);
    for (const name of this.notes.open.overdue.keys()) if (!this.#byName.has(name)) this.notes.open.overdue.delete(name);
    for (const job of jobs.filter(isWatched)) {
      const known = this.#watched.get(job.name);
      if (known !== undefined && JSON.stringify(known.job.schedules) === JSON.stringify(job.schedules)) known.job = job;
      else {
        const watched = { job, since: isStart ? undefined : now, lastGoodEnd: known?.lastGoodEnd, lookAt: Infinity };
        this.#watched.set(job.name, watched);
        if (!isStart) this.#line.place(watched, -Infinity);
      }
    }
  }
}

function outcomeOf({ state }: RunRecord): RunOutcome | undefined {
  return RUN_OUTCOMES.find((outcome) => outcome === state);
}
