/**
 * The thread of the database. `node:sqlite` is synchronous, so a slow query belongs into a thread of its own; it looks at a shared
 * flag for each row, and a query that is cancelled is aborted inside SQLite, its connection closed.
 */
import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';

/** What the thread is told. */
export interface Query {
  readonly id: number;
  readonly word: string;
  /** How long the query shall take, in all. */
  readonly slowMs: number;
  /** Becomes 1 when the caller gives up. */
  readonly cancelled: Int32Array<SharedArrayBuffer>;
}

/** What it answers: what became of the query, once its connection is closed. */
export interface Answered {
  readonly id: number;
  readonly titles?: readonly string[];
  readonly error?: string;
}

const { file } = workerData as { readonly file: string };

parentPort?.on('message', (query: Query) => {
  const db = new DatabaseSync(file, { readOnly: true });
  let answer: Answered;
  try {
    answer = { id: query.id, titles: search(db, query) };
  } catch (error) {
    answer = { id: query.id, error: (error as Error).message };
  }
  db.close();
  parentPort?.postMessage(answer);
});

function search(db: DatabaseSync, { word, slowMs, cancelled }: Query): string[] {
  const { rows } = db.prepare('select count(*) as rows from books').get() as { rows: number };
  // Called by SQLite for each row that it visits: waits its share, unless it is woken because the caller gave up.
  db.function('slowly', () => {
    if (Atomics.wait(cancelled, 0, 0, slowMs / rows) !== 'timed-out') throw new Error('cancelled');
    return 1;
  });
  const found = db.prepare("select title from books where slowly() and title like '%' || ? || '%' order by id").all(word);
  return found.map(({ title }) => String(title));
}
