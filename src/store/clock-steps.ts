/** Keeps on record when the wall clock was set back: runs that came after each other may then seem to intersect, and only then. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Turn } from '../core/store.ts';
import type { Instant } from '../core/time.ts';

const MOST_KEPT = 1_000;

/** Compares each turn with the one before it. */
export class ClockSteps {
  readonly #insert: StatementSync;
  readonly #forget: StatementSync;
  /** The newest instant in the last turn. */
  #before: Instant;
  #next: Instant;

  /** @param db of the current version; its newest rows tell what the clock said when the last daemon ended */
  constructor(db: DatabaseSync) {
    this.#insert = db.prepare('insert into clock_steps (before, at) values (?, ?) returning step');
    this.#forget = db.prepare('delete from clock_steps where step <= ?');
    const row = db
      .prepare(
        `select max(
          ifnull((select decided_at from ticks order by tick desc, job desc limit 1), 0),
          ifnull((select max(queued_at, ifnull(granted_at, 0), ifnull(ended_at, 0)) from runs order by id desc limit 1), 0)) as before`,
      )
      .get();
    this.#before = row?.['before'] as number;
    this.#next = this.#before;
  }

  /** Looks at a turn, inside its transaction. */
  watch(turn: Turn): void {
    let before = this.#before;
    for (const { endedAt } of turn.ends) if (endedAt > before) before = endedAt;
    this.#next = turn.at;
    if (turn.at >= before) return;
    const step = this.#insert.get(before, turn.at)?.['step'] as number;
    this.#forget.run(step - MOST_KEPT);
  }

  /** The transaction is over. */
  settle(committed: boolean): void {
    if (committed) this.#before = this.#next;
    else this.#next = this.#before;
  }
}
