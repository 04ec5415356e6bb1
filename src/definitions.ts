/** The definitions in force, for those who look a job up by its name. */
import type { Job, JobName } from './core/job.ts';

/** See the head of this file. A reload replaces them all at once. */
export class Definitions {
  #jobs: readonly Job[] = [];
  #byName: ReadonlyMap<JobName, Job> = new Map();

  constructor(jobs: readonly Job[]) {
    this.set(jobs);
  }

  /** The same array until the next `set`. */
  get jobs(): readonly Job[] {
    return this.#jobs;
  }

  of(name: JobName): Job | undefined {
    return this.#byName.get(name);
  }

  set(jobs: readonly Job[]): void {
    this.#jobs = jobs;
    this.#byName = new Map(jobs.map((job) => [job.name, job]));
  }
}
