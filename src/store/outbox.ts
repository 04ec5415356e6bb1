/** The messages that wait, in SQLite. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Delivery, Message, MessageDraft } from '../core/message.ts';
import type { Instant } from '../core/time.ts';

/** Messages that may wait; with one more the oldest is dropped. */
export const MOST_MESSAGES = 100_000;
const COLUMNS = 'id, job, event, target, body, created_at as createdAt, attempts, next_attempt_at as nextAttemptAt';

/** Keeps `messages`. What writes must be called inside a transaction. */
export class SqliteOutbox {
  readonly #insert: StatementSync;
  readonly #dropOldest: StatementSync;
  readonly #due: StatementSync;
  readonly #next: StatementSync;
  readonly #delete: StatementSync;
  readonly #postpone: StatementSync;
  readonly #counting: StatementSync;
  /** How many wait; not known after a transaction that was rolled back. */
  #count: number | undefined;

  /** @param db of the current version */
  constructor(db: DatabaseSync) {
    this.#insert = db.prepare(
      'insert into messages (job, event, target, body, created_at, next_attempt_at) values (?, ?, ?, ?, ?, ?)',
    );
    this.#dropOldest = db.prepare('delete from messages where id in (select id from messages order by id limit ?)');
    // By the index alone, which holds ids: whoever waits for a later attempt is not read.
    this.#due = db.prepare(
      `select ${COLUMNS} from messages where id in
         (select id from messages indexed by messages_due where next_attempt_at <= ? order by id limit ?) order by id`,
    );
    this.#next = db.prepare('select min(next_attempt_at) as at from messages');
    this.#delete = db.prepare('delete from messages where id = ?');
    this.#postpone = db.prepare('update messages set attempts = attempts + 1, next_attempt_at = ? where id = ?');
    this.#counting = db.prepare('select count(*) as count from messages');
  }

  /** Keeps messages; the oldest give way when there are too many. */
  add(drafts: readonly MessageDraft[], at: Instant): void {
    if (drafts.length === 0) return;
    this.#count ??= this.#counting.get()?.['count'] as number;
    for (const { job, event, target, body } of drafts) this.#insert.run(job, event, target, body, at, at);
    this.#count += drafts.length;
    if (this.#count <= MOST_MESSAGES) return;
    this.#dropOldest.run(this.#count - MOST_MESSAGES);
    this.#count = MOST_MESSAGES;
  }

  /** @see Outbox.settleMessage */
  settle(id: number, delivery: Delivery): void {
    if (delivery.kind === 'retry') this.#postpone.run(delivery.at, id);
    else if (this.#delete.run(id).changes > 0 && this.#count !== undefined) this.#count--;
  }

  /** @see Outbox.dueMessages */
  due(now: Instant, limit: number): readonly Message[] {
    return this.#due.all(now, limit).map((row) => ({ ...row }) as unknown as Message);
  }

  /** @see Outbox.nextMessageAt */
  nextAt(): Instant | undefined {
    return (this.#next.get()?.['at'] as Instant | null) ?? undefined;
  }

  /** A transaction was rolled back, or nobody knows. */
  recount(): void {
    this.#count = undefined;
  }
}
