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

/** All that the checker reads. */
export interface Ledger {
  readonly runs: readonly RunRow[];
  readonly ticks: readonly TickRow[];
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
    const integrity = db.prepare('pragma integrity_check').get() as { integrity_check: string };
    return {
      runs: runs.all() as unknown as RunRow[],
      ticks: ticks.all() as unknown as TickRow[],
      integrity: integrity.integrity_check,
    };
  } finally {
    db.close();
  }
}
