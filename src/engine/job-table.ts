/** The jobs of a scheduler, mirrored from their slots, and the heap of their next ticks. */
import { TickwiseError } from '../core/errors.ts';
import type { Job, JobName } from '../core/job.ts';
import type { Calendar, Store, TickClaim } from '../core/ports.ts';
import type { QueuedRun } from '../core/slot.ts';
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

  constructor(calendar: Calendar, store: Pick<Store, 'arm' | 'setPaused'>) {
    this.#calendar = calendar;
    this.#store = store;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Entries with runs behind their slot. */
  get queued(): readonly JobEntry[] {
    return [...this.#queued];
  }

  /** When the first job is due. */
  get earliest(): Instant | undefined {
    return this.#due.peek()?.nextTickAt;
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

  /** Gives each job a slot and its first tick. @throws TickwiseError `STORE_UNUSABLE` */
  async arm(jobs: readonly Job[], now: Instant): Promise<void> {
    const slots = await this.#store.arm(jobs, now);
    jobs.forEach((job, index) => {
      const slot = slots[index];
      if (slot === undefined) throw new Error(`the store gave no slot for ${job.name}`);
      const entry = new JobEntry(job, slot);
      this.#entries.set(job.name, entry);
      if (entry.queued.length > 0) this.#queued.add(entry);
      entry.nextTickAt = this.#calendar.next(job.schedules, job.name, entry.decidedUntil);
      // Held by a run of an earlier daemon: see recovery.ts.
      if (slot.live !== undefined) this.#held.add(entry);
      else this.#due.place(entry);
    });
  }

  /** A slot that was held by an earlier daemon's run is free, or has been waited for long enough. */
  unhold(entry: JobEntry): void {
    if (this.#held.delete(entry) && !entry.removed) this.#due.place(entry);
  }

  /** Replaces the definitions; see `Scheduler.reload`. @param forget called for each entry whose ticks change */
  async reload(jobs: readonly Job[], now: Instant, forget: (entry: JobEntry) => void): Promise<void> {
    await this.arm(
      jobs.filter((job) => !this.#entries.has(job.name)),
      now,
    );
    const names = new Set(jobs.map((job) => job.name));
    for (const entry of [...this.#entries.values()]) {
      if (names.has(entry.job.name)) continue;
      entry.removed = true;
      forget(entry);
      this.#due.remove(entry);
      this.forgetRemoved(entry);
    }
    for (const job of jobs) {
      const entry = this.#entries.get(job.name);
      if (entry === undefined || (entry.job === job && !entry.removed)) continue;
      entry.job = job;
      entry.removed = false;
      forget(entry);
      entry.nextTickAt = this.#calendar.next(job.schedules, job.name, Math.max(now, entry.decidedUntil));
      if (!this.#held.has(entry)) this.#due.place(entry);
    }
  }

  /** A removed job's entry goes when nothing of it is live or queued. */
  forgetRemoved(entry: JobEntry): void {
    if (entry.removed && entry.live === undefined && entry.queued.length === 0) this.#entries.delete(entry.job.name);
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
  decided(entry: JobEntry, claim: TickClaim, nextTickAt: Instant | undefined): void {
    const until = claim.dueTicks.at(-1);
    if (until !== undefined && until > entry.decidedUntil) entry.decidedUntil = until;
    // A reload while the store decided has put a tick of the new schedule there.
    if (entry.removed || entry.dueIndex !== -1 || entry.job !== claim.job) return;
    entry.nextTickAt = nextTickAt;
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
  gapOf(entry: JobEntry, now: Instant): DurationMs | undefined {
    return this.#calendar.shortestGap(entry.job.schedules, now);
  }
}
