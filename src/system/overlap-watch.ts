/**
 * Watches the promise while it is kept: no two live runs of one job, none that share an exclusive resource, fences that grow. It knows
 * only what it is told of starts and ends, so it would notice a fault of the gate, the store or the engine alike.
 *
 * It must never cry wolf, and a reload changes what a run needs. The definition under which a run was granted is not told, so only the
 * resources that it needs under each of those that it may be are sure: a grant from before the reload may start after it, and one from after
 * it may start before the watch has heard of it. That is within the same turn of the event loop, so resources are looked at when the turn is over.
 */
import type { Job, JobName } from '../core/job.ts';
import type { Clock } from '../core/ports.ts';

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
  /** Under the definition in force. */
  exclusive: readonly string[];
  /** What the next run to start needs for sure. */
  ofNext: readonly string[];
  last?: WatchedRun | undefined;
  live?: WatchedRun | undefined;
  /** What `live` needs for sure. */
  held: readonly string[];
}

/** See the head of this file. */
export class OverlapWatch {
  readonly #clock: Pick<Clock, 'defer'>;
  readonly #tell: (violation: Violation) => void;
  readonly #jobs = new Map<JobName, Watched>();
  readonly #holders = new Map<string, WatchedRun>();
  /** Runs that have started in this turn of the event loop, those without resources left out. */
  #fresh: { readonly run: WatchedRun; readonly watched: Watched }[] = [];

  /** @param tell called for each violation */
  constructor(clock: Pick<Clock, 'defer'>, tell: (violation: Violation) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  /** Takes over definitions, at the start, and after each reload in the same turn of the event loop. What is live is watched on. */
  setJobs(jobs: readonly Job[]): void {
    const names = new Set(jobs.map(({ name }) => name));
    for (const [name, watched] of this.#jobs) if (!names.has(name) && watched.live === undefined) this.#jobs.delete(name);
    for (const { name, exclusive } of jobs) {
      const known = this.#jobs.get(name);
      if (known === undefined) this.#jobs.set(name, { exclusive, ofNext: exclusive, held: [] });
      else if (known.exclusive !== exclusive) {
        known.exclusive = exclusive;
        known.ofNext = known.ofNext.filter((resource) => exclusive.includes(resource));
      }
    }
    for (const { watched } of this.#fresh) watched.held = watched.held.filter((resource) => watched.exclusive.includes(resource));
  }

  /** A run has started. */
  started(run: WatchedRun): void {
    const watched = this.#watchedOf(run.job);
    const { last, live, held } = watched;
    if (live !== undefined) this.#report(run, live, 'two live runs of one job');
    if (last !== undefined && run.fence <= last.fence) this.#report(run, last, 'a fence that did not grow');
    if (live !== undefined) this.#release(live, held);
    watched.held = watched.ofNext;
    watched.ofNext = watched.exclusive;
    watched.last = watched.live = run;
    if (watched.held.length === 0) return;
    if (this.#fresh.length === 0) this.#clock.defer(() => this.#lookAtResources());
    this.#fresh.push({ run, watched });
  }

  /** A run has ended; one that never started changes nothing. */
  ended({ job, runId }: Pick<WatchedRun, 'job' | 'runId'>): void {
    const watched = this.#jobs.get(job);
    if (watched?.live?.runId !== runId) return;
    this.#release(watched.live, watched.held);
    watched.live = undefined;
  }

  #lookAtResources(): void {
    const fresh = this.#fresh;
    this.#fresh = [];
    for (const { run, watched } of fresh) {
      if (watched.live !== run) continue;
      for (const resource of watched.held) {
        const holder = this.#holders.get(resource);
        if (holder !== undefined) this.#report(run, holder, 'two live runs that share a resource', resource);
        this.#holders.set(resource, run);
      }
    }
  }

  #release(run: WatchedRun, held: readonly string[]): void {
    for (const resource of held) if (this.#holders.get(resource) === run) this.#holders.delete(resource);
  }

  #watchedOf(job: JobName): Watched {
    let watched = this.#jobs.get(job);
    if (watched === undefined) this.#jobs.set(job, (watched = { exclusive: [], ofNext: [], held: [] }));
    return watched;
  }

  #report(run: WatchedRun, other: WatchedRun, what: Violation['what'], resource?: string): void {
    const { job, runId, fence } = run;
    this.#tell({ job, runId, fence, other: other.runId, otherFence: other.fence, what, resource });
  }
}
