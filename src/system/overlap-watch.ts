/**
 * Watches the promise while it is kept: no two live runs of one job, none that share an exclusive resource, fences that grow. It knows
 * only what it is told of starts and ends, so it would notice a fault of the gate, the store or the engine alike.
 */
import type { Job, JobName } from '../core/job.ts';

/** A run, as events name it. */
export interface WatchedRun {
  readonly job: JobName;
  readonly runId: string;
  readonly fence: number;
}

/** A promise that was seen broken. `runId` has just started; `other` was there before. */
export interface Violation extends WatchedRun {
  readonly other: string;
  readonly otherFence: number;
  readonly what: 'two live runs of one job' | 'a fence that did not grow' | 'two live runs that share a resource';
  readonly resource?: string | undefined;
}

interface Watched {
  /** Of a run that starts. */
  exclusive: readonly string[];
  /** Of the next run to start: it may have been granted before a reload, so only what it needs under both definitions is sure. */
  ofNext: readonly string[];
  last?: WatchedRun | undefined;
  live?: WatchedRun | undefined;
  /** By `live`. */
  held?: readonly string[] | undefined;
}

/** See the head of this file. */
export class OverlapWatch {
  readonly #jobs = new Map<JobName, Watched>();
  readonly #holders = new Map<string, WatchedRun>();
  readonly #tell: (violation: Violation) => void;

  /** @param tell called for each violation, within `started` */
  constructor(tell: (violation: Violation) => void) {
    this.#tell = tell;
  }

  /** Takes over definitions, at the start and after each reload. What is live is watched on. */
  setJobs(jobs: readonly Job[]): void {
    const names = new Set(jobs.map(({ name }) => name));
    for (const [name, watched] of this.#jobs) if (!names.has(name) && watched.live === undefined) this.#jobs.delete(name);
    for (const { name, exclusive } of jobs) {
      const known = this.#jobs.get(name);
      const ofNext = known === undefined ? exclusive : exclusive.filter((resource) => known.ofNext.includes(resource));
      this.#jobs.set(name, { ...known, exclusive, ofNext });
    }
  }

  /** A run has started. */
  started(run: WatchedRun): void {
    const watched = this.#watchedOf(run.job);
    const { last, live } = watched;
    if (live !== undefined) this.#report(run, live, 'two live runs of one job');
    if (last !== undefined && run.fence <= last.fence) this.#report(run, last, 'a fence that did not grow');
    for (const resource of watched.ofNext) {
      const holder = this.#holders.get(resource);
      if (holder !== undefined && holder.job !== run.job)
        this.#report(run, holder, 'two live runs that share a resource', resource);
      this.#holders.set(resource, run);
    }
    watched.held = watched.ofNext;
    watched.ofNext = watched.exclusive;
    watched.last = watched.live = run;
  }

  /** A run has ended; one that never started changes nothing. */
  ended({ job, runId }: Pick<WatchedRun, 'job' | 'runId'>): void {
    const watched = this.#jobs.get(job);
    if (watched?.live?.runId !== runId) return;
    watched.live = undefined;
    for (const resource of watched.held ?? []) if (this.#holders.get(resource)?.runId === runId) this.#holders.delete(resource);
  }

  #watchedOf(job: JobName): Watched {
    let watched = this.#jobs.get(job);
    if (watched === undefined) this.#jobs.set(job, (watched = { exclusive: [], ofNext: [] }));
    return watched;
  }

  #report(run: WatchedRun, other: WatchedRun, what: Violation['what'], resource?: string): void {
    const { job, runId, fence } = run;
    this.#tell({ job, runId, fence, other: other.runId, otherFence: other.fence, what, resource });
  }
}
