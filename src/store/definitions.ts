/**
 * By which schedules the ticks of each job fell due, and since when: what makes a hole in the ledger provable. A row says that each tick
 * of `schedules` after `since`, up to `until` (or to the slot's `decided_until` while it is in force), is in the ledger or was pruned.
 *
 * When the clock is set back, a job begins a new life (core/reliving): its definitions are kept beside those of the lives before.
 *
 * A daemon that starts asks for every tick since its slot was decided, so the first arming of a job goes on where the last daemon
 * stopped. After a reload there are ticks from then on only, and nobody says when that was: the first tick that is claimed tells.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Job } from '../core/job.ts';
import type { Instant } from '../core/time.ts';

/** Keeps `definitions`. All calls are made inside a transaction. */
export class Definitions {
  readonly #current: StatementSync;
  readonly #close: StatementSync;
  readonly #open: StatementSync;
  readonly #forget: StatementSync;
  /** The definition in force, by the job's row; `undefined`: a reload brought one, and none of its ticks has been claimed. */
  readonly #known = new Map<number, Job | undefined>();
  #changed: number[] = [];

  /** @param db of the current version */
  constructor(db: DatabaseSync) {
    this.#current = db.prepare('select schedules from definitions where job = ? and until is null');
    this.#close = db.prepare('update definitions set until = ? where job = ? and until is null');
    this.#open = db.prepare(
      `insert into definitions (job, life, since, schedules) values (?, (select count(*) from rewinds where job = ?), ?, ?)
       on conflict (job, life, since) do update set schedules = excluded.schedules, until = null`,
    );
    this.#forget = db.prepare(
      'delete from definitions where job = ? and until <= (select kept_since from slots where slots.job = definitions.job)',
    );
  }

  /**
   * A job was armed.
   *
   * @param id the job's row
   * @param decidedUntil of its slot
   */
  armed(id: number, job: Job, decidedUntil: Instant): void {
    if (this.#known.has(id)) {
      this.#known.set(id, undefined);
      return;
    }
    this.#change(id, job);
    const schedules = JSON.stringify(job.schedules);
    if (this.#current.get(id)?.['schedules'] !== schedules) this.#replace(id, decidedUntil, decidedUntil, schedules);
  }

  /** Ticks are about to be decided, the first of them `first`. It costs one look at a map unless the definition has changed. */
  claimed(id: number, job: Job, decidedUntil: Instant, first: Instant): void {
    if (this.#known.get(id) === job) return;
    this.#change(id, job);
    this.#replace(id, decidedUntil, Math.max(decidedUntil, first - 1), JSON.stringify(job.schedules));
  }

  /** The clock was set back, and a life of the job begins with the definition in force. Its row in `rewinds` stands already. */
  rewound(id: number, until: Instant, since: Instant): void {
    const schedules = this.#current.get(id)?.['schedules'];
    if (schedules !== undefined) this.#replace(id, until, since, schedules as string);
  }

  /** The transaction is over. What was rolled back is found out anew with the next ticks. */
  settle(committed: boolean): void {
    if (this.#changed.length === 0) return;
    if (!committed) for (const id of this.#changed) this.#known.set(id, undefined);
    this.#changed = [];
  }

  #change(id: number, job: Job): void {
    this.#known.set(id, job);
    this.#changed.push(id);
  }

  #replace(id: number, until: Instant, since: Instant, schedules: string): void {
    this.#close.run(until, id);
    this.#open.run(id, id, since, schedules);
    this.#forget.run(id);
  }
}
