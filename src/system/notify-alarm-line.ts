/** Jobs that are watched, in a line by the instant at which each is to be looked at. */
import type { Job } from '../core/job.ts';
import type { Instant } from '../core/time.ts';

/** A job that may be overdue. */
export interface Watched {
  job: Job;
  /** From when ticks count: the last good end, or what is as good; absent until it is known. */
  since: Instant | undefined;
  lastGoodEnd: Instant | undefined;
  /** When to look at it; `Infinity`: it has no place in the line. */
  lookAt: Instant;
}

/** See the head of this file. A place costs a search and a move within one array: 10,000 jobs need no more. */
export class AlarmLine {
  /** Last first. */
  readonly #line: Watched[] = [];

  /** When the first job is to be looked at; `Infinity` when there is none. */
  get earliest(): Instant {
    return this.#line.at(-1)?.lookAt ?? Infinity;
  }

  /** Gives a job a place; one that has a place keeps it. */
  place(watched: Watched, lookAt: Instant): void {
    if (watched.lookAt !== Infinity) return;
    watched.lookAt = lookAt;
    let from = 0;
    let to = this.#line.length;
    while (from < to) {
      const middle = (from + to) >> 1;
      if ((this.#line[middle]?.lookAt ?? 0) > lookAt) from = middle + 1;
      else to = middle;
    }
    this.#line.splice(from, 0, watched);
  }

  /** @returns the first job, out of the line, if its instant has come */
  take(now: Instant): Watched | undefined {
    if (this.earliest > now) return undefined;
    const watched = this.#line.pop();
    if (watched !== undefined) watched.lookAt = Infinity;
    return watched;
  }
}

/** The later of two instants, as far as they are known. */
export function later(a: Instant | undefined, b: Instant | undefined): Instant | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.max(a, b);
}

/** Whether any rule of the job asks for the alarm. */
export function asksFor(job: Job, event: 'blocked' | 'overdue'): boolean {
  return job.notify.some((rule) => rule.on.includes(event));
}

/** Whether the job may be overdue, and somebody wants to know. */
export function isWatched(job: Job | undefined): boolean {
  return job !== undefined && job.schedules.length > 0 && asksFor(job, 'overdue');
}
