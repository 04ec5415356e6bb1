/** The ledger by plain SQL, read after the daemon has gone. This file alone knows the names of tables and columns. */
import { DatabaseSync } from 'node:sqlite';

/** A run's row. */
export interface RunRow {
  readonly id: string;
  readonly job: string;
  readonly tick: number;
  readonly fence: number | null;
  readonly outcome: string | null;
  readonly queued_at: number;
  readonly granted_at: number | null;
  readonly started_at: number | null;
  readonly ended_at: number | null;
  /** Of the daemon that held it. */
  readonly pid: number | null;
  readonly node: string | null;
}

/** A tick's row. */
export interface TickRow {
  readonly job: string;
  readonly tick: number;
  readonly outcome: string;
  readonly reason: string | null;
  readonly run: string | null;
}

/** Ticks that share a row: all after `after` and up to `to`. */
export interface RangeRow extends Omit<TickRow, 'tick'> {
  readonly after: number;
  readonly to: number;
}

/** All that the checker reads. */
export interface Ledger {
  readonly runs: readonly RunRow[];
  readonly ticks: readonly TickRow[];
  readonly ranges: readonly RangeRow[];
  /** What SQLite itself says of the file; `ok`. */
  readonly integrity: string;
}

/** @param path of a ledger that nobody writes to */
export function readLedger(path: string): Ledger {
  const db = new DatabaseSync(path, { readOnly: true });
  try {
    const runs = db.prepare(
      `select runs.id, slots.name as job, runs.tick, runs.fence, runs.outcome, runs.queued_at, runs.granted_at, runs.started_at, runs.ended_at,
        nodes.pid, nodes.id as node
      from runs join slots using (job) left join nodes using (node)`,
    );
    const ticks = db.prepare(
      'select slots.name as job, ticks.tick, ticks.outcome, ticks.reason, ticks.run from ticks join slots using (job) order by tick',
    );
    // Older ledgers list each tick.
    const ranges = hasTable(db, 'ranges')
      ? db.prepare(
          `select slots.name as job, from_tick as "after", to_tick as "to", outcome, reason, run from ranges join slots using (job)`,
        )
      : undefined;
    const integrity = db.prepare('pragma integrity_check').get() as { integrity_check: string };
    return {
      runs: runs.all() as unknown as RunRow[],
      ticks: ticks.all() as unknown as TickRow[],
      ranges: (ranges?.all() ?? []) as unknown as RangeRow[],
      integrity: integrity.integrity_check,
    };
  } finally {
    db.close();
  }
}

function hasTable(db: DatabaseSync, name: string): boolean {
  return db.prepare(`select 1 from sqlite_schema where type = 'table' and name = ?`).get(name) !== undefined;
}
