/**
 * The task: one step deletes one batch and says where it stands. Small batches keep the write lock short, so the application that
 * owns the database goes on writing in between; the checkpoint lets the next run go on where this one's budget ended.
 */
import { DatabaseSync } from 'node:sqlite';
import type { StepResult, TaskContext, TimeoutTaskHandler } from '../../src/index.ts';

/** The job's `input`. */
export interface CleanUpInput {
  readonly database: string;
  /** Rows made before this instant go. */
  readonly before: number;
  readonly batch: number;
  /** The rest after each batch. */
  readonly restMs: number;
}

/** Where the walk over the table stands. */
export interface CleanUpCheckpoint {
  /** All rows up to this id have been looked at. */
  readonly lastId: number;
  /** Below this id every row was there when the walk began; a walk without end would chase new rows for ever. */
  readonly endId: number;
  readonly deleted: number;
}

/** Built once for each run, so that a run has a connection of its own. */
export class CleanUp implements TimeoutTaskHandler<CleanUpCheckpoint, CleanUpInput>, Disposable {
  readonly #db: DatabaseSync;

  constructor({ input }: TaskContext<CleanUpCheckpoint, CleanUpInput>) {
    this.#db = new DatabaseSync(input.database, { timeout: 5_000 });
  }

  handleTimeoutTask(context: TaskContext<CleanUpCheckpoint, CleanUpInput>): StepResult<CleanUpCheckpoint> {
    const { before, batch, restMs } = context.input;
    const { lastId, endId, deleted } = context.checkpoint ?? { lastId: 0, endId: this.#newestId(), deleted: 0 };
    // By primary key and not by OFFSET: each batch costs the same, however far the walk is.
    const [upTo] = this.#db
      .prepare('select max(id) as id from (select id from events where id > ? and id <= ? order by id limit ?)')
      .all(lastId, endId, batch)
      .map(({ id }) => id as number | null);
    if (upTo === null || upTo === undefined) {
      this[Symbol.dispose]();
      return { done: true, result: { deleted }, progress: { completed: endId, total: endId } };
    }
    // If the process dies between this statement and the durable checkpoint, the batch is repeated: deleting twice is harmless.
    const { changes } = this.#db.prepare('delete from events where id > ? and id <= ? and made_at < ?').run(lastId, upTo, before);
    return {
      done: false,
      checkpoint: { lastId: upTo, endId, deleted: deleted + Number(changes) },
      progress: { completed: upTo, total: endId, message: `${deleted + Number(changes)} deleted` },
      waitMs: restMs,
    };
  }

  [Symbol.dispose](): void {
    if (this.#db.isOpen) this.#db.close();
  }

  #newestId(): number {
    return (this.#db.prepare('select coalesce(max(id), 0) as id from events').get() as { id: number }).id;
  }
}

export default CleanUp;
