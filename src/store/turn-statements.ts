/** The statements of a turn, prepared once. Each is one search by key; there is no list after an `in`, which would cost a table at each execution. */
import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from 'node:sqlite';

const SQL = {
  slot: `select job, decided_until, paused, fence, newest,
      (select id from runs where job = slots.job and fence is not null and ended_at is null),
      exists (select 1 from runs where job = slots.job and fence is null and ended_at is null)
    from slots where name = ?`,
  moveSlot: 'update slots set decided_until = ?, fence = ?, newest = ? where job = ? and fence = ?',
  queued: `select id, cause, tick, input, budget_ms from runs where job = ? and fence is null and ended_at is null order by queued_at, id`,
  insertTick: 'insert into ticks (tick, job, outcome, reason, run, decided_at) values (?, ?, ?, ?, ?, ?)',
  insertRange: `insert into ranges (job, life, from_tick, to_tick, outcome, reason, run, schedules, decided_at)
    values (?, (select count(*) from rewinds where job = ?), ?, ?, ?, ?, ?, ?, ?)`,
  rewind: `insert into rewinds (job, life, since, until, correction, kept_since)
    select job, 1 + (select count(*) from rewinds r where r.job = slots.job), ?, ?, ?, kept_since from slots where job = ?`,
  keepAgain: 'update slots set kept_since = min(kept_since, ?) where job = ?',
  insertRun: `insert into runs (id, job, tick, cause, fence, node, queued_at, granted_at, by, budget_ms, input, resources, previous)
    values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  grantQueued:
    'update runs set fence = ?, node = ?, granted_at = ?, resources = ? where id = ? and fence is null and ended_at is null',
  end: `update runs set outcome = ?, ended_at = ?, started_at = ?, steps = ?, attempts = ?, reason = ?, by = coalesce(?, by),
      budget_ms = coalesce(?, budget_ms), grace_ms = ?, progress = coalesce(?, progress), result = ?, error = ?, stalled = ?
    where id = ? and fence is ? and ended_at is null and job = (select job from slots where name = ?) returning job, resources,
      (select last_outcome from slots where slots.job = runs.job)`,
  lastOutcome: 'update slots set last_outcome = ? where job = ?',
  save: `update runs set steps = ?, progress = coalesce(?, progress)
    where id = ? and fence = ? and ended_at is null and job = (select job from slots where name = ?) returning job`,
  spawned: 'update runs set process_pid = ?, process_start = ? where id = ? and fence = ? and ended_at is null',
  checkpoint: 'select checkpoint from checkpoints where job = ?',
  setCheckpoint: `insert into checkpoints (job, run, checkpoint) values (?, ?, ?)
    on conflict (job) do update set run = excluded.run, checkpoint = excluded.checkpoint`,
  clearCheckpoint: 'delete from checkpoints where job = ?',
  holder: 'select 1 from resources where name = ? and job <> ?',
  take: 'insert into resources (name, job, run) values (?, ?, ?)',
  free: 'delete from resources where run = ?',
} as const;

/** The statements by name. */
export type TurnStatements = { readonly [Name in keyof typeof SQL]: StatementSync };

/**
 * Prepares them. Rows come as arrays, which cost half of what objects do.
 *
 * @param db of the current version
 * @returns the statements by name
 * @throws SQLite's error when the tables are not there
 */
export function prepareTurn(db: DatabaseSync): TurnStatements {
  const statements: Partial<Record<keyof TurnStatements, StatementSync>> = {};
  for (const [name, sql] of Object.entries(SQL)) {
    const statement = db.prepare(sql);
    statement.setReturnArrays(true);
    statements[name as keyof TurnStatements] = statement;
  }
  return statements as TurnStatements;
}

/** @returns the first row as an array of its columns; `undefined` when there is none */
export function get(statement: StatementSync, ...values: SQLInputValue[]): SQLOutputValue[] | undefined {
  return statement.get(...values) as unknown as SQLOutputValue[] | undefined;
}
