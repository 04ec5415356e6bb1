/** The lines of runs in SQLite. They stand beside their run and are dropped with it. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { LedgerReader } from '../core/ledger.ts';
import type { LogLine, LogWrite } from '../core/log-line.ts';
import { present } from './present.ts';

/** Writes `lines`. All calls are made inside a transaction. */
export class LogLines {
  readonly #isKnown: StatementSync;
  readonly #insert: StatementSync;
  readonly #drop: StatementSync;

  /** @param db of the current version */
  constructor(db: DatabaseSync) {
    this.#isKnown = db.prepare('select 1 from runs where id = ?');
    // Whoever does not know whether lines were kept brings them again.
    this.#insert = db.prepare(
      `insert into lines (run, seq, at, attempt, level, source, text, fields) values (?, ?, ?, ?, ?, ?, ?, ?)
       on conflict (run, seq) do nothing`,
    );
    this.#drop = db.prepare('delete from lines where run = ? and seq between ? and ?');
  }

  /** @see Store.appendLog */
  append(writes: readonly LogWrite[]): void {
    for (const { runId, lines, drop } of writes) {
      if (this.#isKnown.get(runId) === undefined) continue;
      for (const { seq, at, attempt, level, source, text, fields } of lines)
        this.#insert.run(runId, seq, at, attempt, level, source, text, fields ?? null);
      if (drop !== undefined) this.#drop.run(runId, drop.from, drop.to);
    }
  }
}

/**
 * @param db open, of the current version
 * @param query of {@link LedgerReader.log}
 * @returns lines, oldest first
 * @throws SQLite's error when the file cannot be read
 */
export function selectLines(db: DatabaseSync, query: Parameters<LedgerReader['log']>[0]): LogLine[] {
  const { runId, after = 0, limit } = query;
  const rows = db
    .prepare('select seq, at, attempt, level, source, text, fields from lines where run = ? and seq > ? order by seq limit ?')
    .all(runId, after, limit);
  return rows.map((row) => present<LogLine>(row as unknown as LogLine & { readonly fields: string | undefined }));
}
