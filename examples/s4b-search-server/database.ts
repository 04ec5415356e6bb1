/** The database: SQLite in a thread, one query at a time, each cancelled with its context. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Worker } from 'node:worker_threads';
import { type Context, Future, Mutex } from '../../src/structured/kit.ts';
import type { Answered, Query } from './database-thread.ts';

/** A library of 30 books, `Title 1` to `Title 30`. */
export class Database implements AsyncDisposable {
  /** What happened to each access, in order: `begun`, then `done` or `cancelled`, then `released`. */
  readonly journal: string[] = [];
  readonly #folder = mkdtempSync(join(tmpdir(), 'tickwise-example-'));
  readonly #thread: Worker;
  readonly #lock = new Mutex();
  readonly #slowMs: number;
  readonly #waiting = new Map<number, Future<Answered>>();
  #queries = 0;

  constructor(slowMs: number) {
    this.#slowMs = slowMs;
    const file = join(this.#folder, 'books.db');
    fill(file);
    this.#thread = new Worker(new URL('database-thread.ts', import.meta.url), { workerData: { file } });
    this.#thread.on('message', (answered: Answered) => this.#waiting.get(answered.id)?.resolve(answered));
    this.#thread.on('error', (error) => this.#waiting.forEach((future) => future.reject(error)));
  }

  /**
   * Searches titles. Returns or throws only when the thread has let go of the database.
   *
   * @throws the context's reason when it was cancelled
   */
  async search(context: Context, word: string): Promise<readonly string[]> {
    // Whoever runs out of time in the line leaves it at once, without having touched the database.
    using _turn = await this.#lock.lock(context);
    const id = ++this.#queries;
    const cancelled = new Int32Array(new SharedArrayBuffer(4));
    const cancel = (): void => {
      Atomics.store(cancelled, 0, 1);
      Atomics.notify(cancelled, 0);
    };
    const future = new Future<Answered>();
    this.#waiting.set(id, future);
    context.signal.addEventListener('abort', cancel, { once: true });
    try {
      this.journal.push('begun');
      this.#thread.postMessage({ id, word, slowMs: this.#slowMs, cancelled } satisfies Query);
      // Not with the context: we ask the thread to stop, and wait until it has.
      const { titles, error } = await future.wait();
      this.journal.push(titles === undefined ? (error ?? 'failed') : 'done');
      context.signal.throwIfAborted();
      if (titles === undefined) throw new Error(error);
      return titles;
    } finally {
      context.signal.removeEventListener('abort', cancel);
      this.#waiting.delete(id);
      this.journal.push('released');
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#thread.terminate();
    rmSync(this.#folder, { recursive: true });
  }
}

function fill(file: string): void {
  using db = new DatabaseSync(file);
  db.exec('create table books (id integer primary key, title text not null) strict; begin');
  const insert = db.prepare('insert into books (title) values (?)');
  for (let number = 1; number <= 30; number++) insert.run(`Title ${number}`);
  db.exec('commit');
}
