/**
 * The newest ended run of each job, kept in memory, so that a list of 10,000 jobs does not ask the store 10,000 times: a job is asked
 * for once, and again after a run of it has ended. Many are asked for by pages of the newest runs of all jobs, and what those do not
 * hold, one by one; a job that never had the slot has none.
 */
import type { JobName } from '../core/job.ts';
import type { RunRecord } from '../core/ledger.ts';
import type { Clock } from '../core/ports.ts';
import type { Store } from '../core/store.ts';
import type { Events } from './events.ts';
import type { JobState } from './live-state.ts';
import { withoutTexts } from './run-view.ts';

/** Fewer are asked for one by one. */
const MANY = 50;
/** A page of runs, or so many questions about one job, hold the event loop for some milliseconds. */
const PAGE = 250;
const ASKED_A_TURN = 16;
/** Pages for each that would do if every job had run once since the newest run. */
const PATIENCE = 3;

/** See the head of this file. */
export class LastRuns implements Disposable {
  readonly #store: Pick<Store, 'runs' | 'slots'>;
  readonly #clock: Clock;
  readonly #listening: Disposable;
  /** `undefined`: none has ended yet. Absent: not known. */
  readonly #known = new Map<JobName, RunRecord | undefined>();
  /** How often `runEnded` took something away. */
  #ends = 0;

  constructor(store: Pick<Store, 'runs' | 'slots'>, clock: Clock, events: Events) {
    this.#store = store;
    this.#clock = clock;
    this.#listening = events.on('runEnded', ({ job }) => {
      this.#ends++;
      this.#known.delete(job);
    });
  }

  /**
   * The newest ended runs, without input, checkpoint and result, which may be large.
   *
   * @param jobs that are asked for
   * @returns by name
   * @throws TickwiseError `STORE_UNUSABLE` (rejects)
   */
  async of(jobs: readonly JobState[]): Promise<ReadonlyMap<JobName, RunRecord | undefined>> {
    const found = new Map<JobName, RunRecord | undefined>();
    const asked = new Map<JobName, JobState>();
    for (const entry of jobs) {
      const { name } = entry.job;
      if (this.#known.has(name)) found.set(name, this.#known.get(name));
      else asked.set(name, entry);
    }
    if (asked.size > MANY) await this.#askByPages(asked, found);
    let count = 0;
    for (const [name, entry] of asked) {
      if (++count % ASKED_A_TURN === 0) await this.#nextTurn();
      const ends = this.#ends;
      this.#keep(name, await this.read(entry), ends, found);
    }
    return found;
  }

  /** The newest ended run of one job, whole. @throws TickwiseError `STORE_UNUSABLE` (rejects) */
  async read({ job, queued }: JobState): Promise<RunRecord | undefined> {
    // No more than the queued and one that is live, here or left by an earlier daemon, can stand before the newest that ended.
    const newest = await this.#store.runs({ job: job.name, limit: Math.min(queued.length + 2, 1_000) });
    return newest.find(({ endedAt }) => endedAt !== undefined);
  }

  [Symbol.dispose](): void {
    this.#listening[Symbol.dispose]();
  }

  /** Takes those that it finds out of `asked`. */
  async #askByPages(asked: Map<JobName, JobState>, found: Map<JobName, RunRecord | undefined>): Promise<void> {
    const ends = this.#ends;
    for (const { job, fence, queued } of await this.#store.slots())
      if (fence === 0 && queued.length === 0 && asked.delete(job)) this.#keep(job, undefined, ends, found);
    let after: string | undefined;
    for (let pages = Math.ceil(asked.size / PAGE) * PATIENCE; pages > 0 && asked.size > 0; pages--) {
      await this.#nextTurn();
      const page = await this.#store.runs({ limit: PAGE, ...(after === undefined ? {} : { after }) });
      for (const run of page) if (run.endedAt !== undefined && asked.delete(run.job)) this.#keep(run.job, run, ends, found);
      after = page.at(-1)?.id;
      if (page.length < PAGE) return;
    }
  }

  /** A run that ended while the store was asked may be this job's: then it is asked again the next time. */
  #keep(job: JobName, run: RunRecord | undefined, ends: number, found: Map<JobName, RunRecord | undefined>): void {
    const last = run === undefined ? undefined : withoutTexts(run);
    found.set(job, last);
    if (ends === this.#ends) this.#known.set(job, last);
  }

  #nextTurn(): Promise<void> {
    return new Promise((resolve) => this.#clock.defer(resolve));
  }
}
