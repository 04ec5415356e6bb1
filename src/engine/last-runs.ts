/**
 * The newest ended run of each job, kept in memory, so that a list of 10,000 jobs does not ask the store 10,000 times: a job is asked
 * for once, and again after a run of it has ended.
 */
import type { JobName } from '../core/job.ts';
import type { RunRecord } from '../core/ledger.ts';
import type { Clock } from '../core/ports.ts';
import type { Store } from '../core/store.ts';
import type { Events } from './events.ts';
import type { JobState } from './live-state.ts';
import { withoutTexts } from './run-view.ts';

/** Jobs that are asked for before others have a turn of the event loop. */
const ASKED_A_TURN = 64;

/** See the head of this file. */
export class LastRuns implements Disposable {
  readonly #store: Pick<Store, 'runs'>;
  readonly #clock: Clock;
  readonly #listening: Disposable;
  /** `undefined`: none has ended yet. Absent: not known. */
  readonly #known = new Map<JobName, RunRecord | undefined>();
  /** Runs that ended so far. */
  #ends = 0;

  constructor(store: Pick<Store, 'runs'>, clock: Clock, events: Events) {
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
    let asked = 0;
    for (const entry of jobs) {
      const { name } = entry.job;
      let last = this.#known.get(name);
      if (last === undefined && !this.#known.has(name)) {
        if (++asked % ASKED_A_TURN === 0) await new Promise<void>((resolve) => this.#clock.defer(resolve));
        last = await this.#ask(entry);
      }
      found.set(name, last);
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

  async #ask(entry: JobState): Promise<RunRecord | undefined> {
    const ends = this.#ends;
    const found = await this.read(entry);
    const last = found === undefined ? undefined : withoutTexts(found);
    // A run that ended while the store was asked may be this job's.
    if (ends === this.#ends) this.#known.set(entry.job.name, last);
    return last;
  }
}
