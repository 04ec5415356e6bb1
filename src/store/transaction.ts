/** Transactions of the one connection that writes: all of one or nothing, and the truth about it when its commit fails. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { TickwiseError } from '../core/errors.ts';
import { storeFault } from './fault.ts';

/** What became of a transaction. */
export type Fate<Answer> =
  | { readonly kind: 'committed'; readonly answer: Answer }
  | { readonly kind: 'undone'; readonly error: unknown }
  /** The commit failed: SQLite says that nothing was kept, and only the ledger can prove it. */
  | { readonly kind: 'doubtful'; readonly answer: Answer; readonly error: unknown };

/** See the head of this file. */
export class Transactions {
  readonly #db: DatabaseSync;
  readonly #path: string;
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;

  /**
   * @param db of the current version
   * @param path named in errors
   */
  constructor(db: DatabaseSync, path: string) {
    this.#db = db;
    this.#path = path;
    this.#begin = db.prepare('begin immediate');
    this.#commit = db.prepare('commit');
  }

  /**
   * Carries one out. Whatever happens, it is over afterwards and the next may begin, if the medium lets it.
   *
   * @param write reads and writes; what it throws undoes it
   * @returns what became of it; never throws
   */
  carryOut<Answer>(write: () => Answer): Fate<Answer> {
    let answer: Answer;
    try {
      this.#begin.run();
      answer = write();
    } catch (thrown) {
      this.#undo();
      return { kind: 'undone', error: this.#fault(thrown) };
    }
    try {
      this.#commit.run();
      return { kind: 'committed', answer };
    } catch (thrown) {
      // BUSY and a full disk leave the transaction open: what is rolled back by hand was not applied.
      if (this.#undo()) return { kind: 'undone', error: this.#fault(thrown) };
      // An I/O error has ended it. SQLite means to have rolled it back, but what a disk kept of it after an error nobody promises.
      return { kind: 'doubtful', answer, error: this.#fault(thrown) };
    }
  }

  /** Whether a transaction that was given up is still open, for it could not be rolled back. */
  get isOpen(): boolean {
    return this.#db.isTransaction && !this.#undo();
  }

  /** @returns whether there was a transaction to undo, and it is undone */
  #undo(): boolean {
    try {
      if (!this.#db.isTransaction) return false;
      this.#db.exec('rollback');
      return true;
    } catch {
      // SQLite rolls back by itself on the errors after which this fails; what matters is the first error.
      return false;
    }
  }

  #fault(thrown: unknown): unknown {
    return storeFault(thrown, 'cannot be written; nothing of this turn was kept', this.#path);
  }
}

/**
 * The error of a turn in doubt.
 *
 * @param path the ledger
 * @param cause what its commit, or the look at what became of it, failed with
 */
export function inDoubt(path: string, cause: unknown): TickwiseError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new TickwiseError(
    'STORE_UNUSABLE',
    `${path}: it is not known whether the last turn was kept; nothing starts until it is: ${why}`,
    {
      cause,
      facts: { path, inDoubt: true },
    },
  );
}
