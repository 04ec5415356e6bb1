/** The jobs of a scheduler, mirrored from their slots, and the heap of their next ticks. */
import { TickwiseError } from '../core/errors.ts';
import type { Job, JobName } from '../core/job.ts';
import type { Calendar, Clock } from '../core/ports.ts';
import type { Store, TickClaim } from '../core/store.ts';
import { nextTick } from '../core/reliving.ts';
import type { QueuedRun, SlotState } from '../core/slot.ts';
import type { DurationMs, Instant } from '../core/time.ts';
import { DueHeap } from './due-heap.ts';
import { JobEntry } from './job-entry.ts';

/** See the head of this file. */
export class JobTable {
  readonly #calendar: Calendar;
  readonly #store: Pick<Store, 'arm' | 'setPaused'>;
  readonly #entries = new Map<JobName, JobEntry>();
  readonly #due = new DueHeap<JobEntry>();
  readonly #queued = new Set<JobEntry>();
  readonly #held = new Set<JobEntry>();
  /** Entries that a reload took away and that are not forgotten yet. */
  readonly #removed = new Set<JobEntry>();

  constructor(calendar: Calendar, store: Pick<Store, 'arm' | 'setPaused'>) {
    this.#calendar = calendar;
    this.#store = store;
  }

  get size(): number {
    return this.#entries.size - this.#removed.size;
  }

  /** Entries with runs behind their slot. */
  get queued(): readonly JobEntry[] {
    return [...this.#queued];
  }

  /** When the first job is due. */
  get earliest(): Instant | undefined {
    return this.#due.peek()?.nextTickAt;
  }

  /** Entries of jobs that are configured. */
  *configured(): Iterable<JobEntry> {
    for (const entry of this.#entries.values()) if (!entry.removed) yield entry;
  }

  /** @returns the entry, one that a reload took away included */
  get(job: JobName): JobEntry | undefined {
    return this.#entries.get(job);
  }

  /** @returns the entry of a job that is configured */
  find(job: JobName): JobEntry | undefined {
    const entry = this.#entries.get(job);
    return entry?.removed === true ? undefined : entry;
  }

  isQueued(runId: string): boolean {
    for (const entry of this.#queued) if (entry.queued.some((run) => run.runId === runId)) return true;
    return false;
  }

  /** Gives each job a slot, and each slot the first tick that it has not decided. @throws TickwiseError `STORE_UNUSABLE` */
  async arm(jobs: readonly Job[], now: Instant): Promise<void> {
    for (const [job, slot] of await this.#slotsOf(jobs, now)) this.#add(job, slot, now, -Infinity);
  }

  /** A slot that was held by an earlier daemon's run is free, or has been waited for long enough. */
  unhold(entry: JobEntry): void {
    if (this.#held.delete(entry) && !entry.removed) this.#due.place(entry);
  }

  /** No slot is waited for any longer: a reload is about to replace the definitions under which the held jobs' ticks fell due. */
  unholdAll(): void {
    for (const entry of this.#held) this.unhold(entry);
  }

  /**
   * Replaces the definitions; see `Scheduler.reload`.
   *
   * @param decideDue has ticks that are due decided, under the definitions that are still in force; `undefined` when there are none
   * @throws TickwiseError `STORE_UNUSABLE`, or what `decideDue` rejects with; nothing is replaced then
   */
  async reload(jobs: readonly Job[], clock: Pick<Clock, 'now'>, decideDue: () => Promise<void> | undefined): Promise<void> {
    const slots = new Map<Job, SlotState>();
    for (;;) {
      // While the store answers, an entry that lingered for its last run may go: look again.
      const missing = jobs.filter((job) => !this.#entries.has(job.name) && !slots.has(job));
      const deciding = missing.length > 0 ? undefined : decideDue();
      if (deciding !== undefined) await deciding;
      else if (missing.length > 0) for (const [job, slot] of await this.#slotsOf(missing, clock.now())) slots.set(job, slot);
      else break;
    }
    this.#replace(jobs, slots, clock.now());
  }

  #replace(jobs: readonly Job[], slots: ReadonlyMap<Job, SlotState>, now: Instant): void {
    const names = new Set(jobs.map((job) => job.name));
    for (const entry of this.#entries.values()) {
      if (names.has(entry.job.name)) continue;
      entry.removed = true;
      this.#removed.add(entry);
      this.#due.remove(entry);
    }
    for (const job of jobs) {
      const entry = this.#entries.get(job.name);
      const slot = slots.get(job);
      // The slot of a job that an earlier reload took away says nothing about the time in between.
      if (entry === undefined && slot !== undefined) this.#add(job, slot, now, now);
      if (entry === undefined || (entry.job === job && !entry.removed)) continue;
      entry.job = job;
      entry.removed = false;
      this.#removed.delete(entry);
      entry.since = now;
      // The clock may have been set back while the job was away.
      entry.rewindTo(now);
      entry.nextTickAt = this.#nextAfter(entry);
      if (!this.#held.has(entry)) this.#due.place(entry);
    }
  }

  async #slotsOf(jobs: readonly Job[], now: Instant): Promise<(readonly [Job, SlotState])[]> {
    const slots = await this.#store.arm(jobs, now);
    return jobs.map((job, index) => {
      const slot = slots[index];
      if (slot === undefined) throw new Error(`the store gave no slot for ${job.name}`);
      return [job, slot] as const;
    });
  }

  /** @param since ticks up to here are none of this definition's */
  #add(job: Job, slot: SlotState, now: Instant, since: Instant): void {
    const entry = new JobEntry(job, slot);
    entry.since = since;
    entry.rewindTo(now);
    this.#entries.set(job.name, entry);
    if (entry.queued.length > 0) this.#queued.add(entry);
    entry.nextTickAt = this.#nextAfter(entry);
    // Held by a run of an earlier daemon: see recovery.ts.
    if (slot.live !== undefined) this.#held.add(entry);
    else this.#due.place(entry);
  }

  #nextAfter({ job, horizons, decidedUntil, since }: JobEntry): Instant | undefined {
    return nextTick(this.#calendar, job.schedules, job.name, horizons, Math.max(since, decidedUntil));
  }

  /** The clock was set back: jobs whose ticks are decided until long after now go on from now. */
  rewind(now: Instant): void {
    for (const entry of this.#entries.values()) {
      // Those whose ticks wait for the store are looked at when it has answered.
      const isAsking = entry.dueIndex === -1 && entry.nextTickAt !== undefined && !this.#held.has(entry);
      if (entry.removed || isAsking || !entry.rewindTo(now)) continue;
      entry.nextTickAt = this.#nextAfter(entry);
      if (!this.#held.has(entry)) this.#due.place(entry);
    }
  }

  /**
   * Lets the entries of removed jobs go of which nothing is live, queued or waiting for its turn. Only while no commit is
   * under way: what it grants needs its entry.
   */
  sweep(isAwaited: (entry: JobEntry) => boolean): void {
    for (const entry of this.#removed) {
      if (entry.live !== undefined || entry.queued.length > 0 || isAwaited(entry)) continue;
      this.#removed.delete(entry);
      this.#held.delete(entry);
      this.#entries.delete(entry.job.name);
    }
  }

  /** Takes the entries that are due out of the heap. */
  takeDue(now: Instant): readonly JobEntry[] {
    const due: JobEntry[] = [];
    for (let first = this.#due.peek(); first?.nextTickAt !== undefined && first.nextTickAt <= now; first = this.#due.peek()) {
      this.#due.remove(first);
      due.push(first);
    }
    return due;
  }

  /** The store has decided a claim of ticks; the next one goes into the heap. */
  decided(entry: JobEntry, claim: TickClaim, nextTickAt: Instant | undefined, now: Instant): void {
    const until = claim.dueTicks.at(-1);
    if (until !== undefined) entry.decided(until, claim.rewind);
    const isRewound = !entry.removed && entry.rewindTo(now);
    // A reload while the store decided has put a tick of the new schedule there.
    if (entry.removed || (!isRewound && (entry.dueIndex !== -1 || entry.job !== claim.job))) return;
    entry.nextTickAt = isRewound ? this.#nextAfter(entry) : nextTickAt;
    this.#due.place(entry);
  }

  enqueue(entry: JobEntry, run: QueuedRun): void {
    entry.enqueue(run);
    this.#queued.add(entry);
  }

  dequeue(entry: JobEntry, runId: string): void {
    if (entry.queued.length > 0) entry.dequeue(runId);
    if (entry.queued.length === 0) this.#queued.delete(entry);
  }

  /** @throws TickwiseError `JOB_NOT_FOUND`, `STORE_UNUSABLE` */
  async setPaused(job: JobName, paused: boolean): Promise<JobEntry> {
    const entry = this.find(job);
    if (entry === undefined) throw new TickwiseError('JOB_NOT_FOUND', `no job is named ${job}`);
    await this.#store.setPaused(job, paused);
    entry.paused = paused;
    return entry;
  }

  /** The shortest time between two ticks; the calendar remembers it by pattern. */
  gapOf(job: Job, now: Instant): DurationMs | undefined {
    return this.#calendar.shortestGap(job.schedules, now);
  }
}
