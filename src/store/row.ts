/** Rows of the ledger in SQLite as the records that readers are given. */
import type { ErrorRecord } from '../core/errors.ts';
import type { RangeRecord, RunRecord, TickRecord } from '../core/ledger.ts';
import type { RunOutcome } from '../core/run.ts';
import type { Progress } from '../core/task.ts';
import type { Horizon } from '../core/reliving.ts';
import type { Schedule } from '../core/schedule.ts';
import { present } from './present.ts';

/** Reads runs with the names of their job and node. Follow it with `where` and `order by`. */
export const SELECT_RUNS = `
  select r.id, s.name as job, r.tick, r.cause, r.outcome, r.fence, r.queued_at, r.granted_at, r.started_at, r.ended_at, r.reason, r.by,
    r.budget_ms, r.grace_ms, r.steps, r.attempts, r.progress, r.result, r.input, c.checkpoint, r.error, r.stalled,
    r.process_pid, r.process_start,
    n.id as node, n.host, n.boot_id, n.pid, n.pid_start, n.started_at as node_started_at
  from runs r join slots s on s.job = r.job left join nodes n on n.node = r.node
    left join checkpoints c on c.job = r.job and c.run = r.id`;

/** A row of {@link SELECT_RUNS}. */
export interface RunRow {
  readonly id: string;
  readonly job: string;
  readonly tick: number;
  readonly cause: RunRecord['cause'];
  readonly outcome: RunOutcome | null;
  readonly fence: number | null;
  readonly queued_at: number;
  readonly granted_at: number | null;
  readonly started_at: number | null;
  readonly ended_at: number | null;
  readonly reason: string | null;
  readonly by: string | null;
  readonly budget_ms: number | null;
  readonly grace_ms: number | null;
  readonly steps: number;
  readonly attempts: number;
  readonly progress: string | null;
  readonly result: string | null;
  readonly input: string | null;
  readonly checkpoint: string | null;
  readonly error: string | null;
  readonly stalled: number | null;
  readonly process_pid: number | null;
  readonly process_start: number | null;
  readonly node: string | null;
  readonly host: string;
  readonly boot_id: string;
  readonly pid: number;
  readonly pid_start: number;
  readonly node_started_at: number;
}

/** A row of `ticks`. */
export interface TickRow {
  readonly tick: number;
  readonly outcome: TickRecord['outcome'];
  readonly reason: TickRecord['reason'] | null;
  readonly run: string | null;
  readonly decided_at: number;
}

/** A row of `ranges`. */
export interface RangeRow {
  readonly from_tick: number;
  readonly to_tick: number;
  readonly outcome: RangeRecord['outcome'];
  readonly reason: RangeRecord['reason'] | null;
  readonly run: string | null;
  readonly schedules: string;
  /** A JSON array: horizons in order. */
  readonly horizons: string;
  readonly decided_at: number;
}

/**
 * @param row of {@link SELECT_RUNS}
 * @returns the record, absent fields left out
 */
export function runRecord(row: RunRow): RunRecord {
  return present<RunRecord>({
    id: row.id,
    job: row.job,
    tick: row.tick,
    cause: row.cause,
    state: row.outcome ?? (row.fence === null ? 'queued' : 'running'),
    fence: row.fence,
    node:
      row.node === null
        ? undefined
        : {
            id: row.node,
            host: row.host,
            bootId: row.boot_id,
            pid: row.pid,
            pidStart: row.pid_start,
            startedAt: row.node_started_at,
          },
    queuedAt: row.queued_at,
    grantedAt: row.granted_at,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    reason: row.reason,
    by: row.by,
    budgetMs: row.budget_ms,
    graceMs: row.grace_ms,
    steps: row.steps,
    attempts: row.attempts,
    progress: row.progress === null ? undefined : (JSON.parse(row.progress) as Progress),
    result: row.result,
    input: row.input,
    checkpoint: row.checkpoint,
    error: row.error === null ? undefined : (JSON.parse(row.error) as ErrorRecord),
    stalled: row.stalled === null ? undefined : row.stalled === 1,
    process: row.process_pid === null ? undefined : { pid: row.process_pid, start: row.process_start ?? 0 },
  });
}

/**
 * @param job the name
 * @param row of `ticks`
 * @returns the record, absent fields left out
 */
export function tickRecord(job: string, row: TickRow): TickRecord {
  return present<TickRecord>({
    job,
    tick: row.tick,
    outcome: row.outcome,
    reason: row.reason,
    runId: row.run,
    decidedAt: row.decided_at,
  });
}

/**
 * @param job the name
 * @param row of `ranges`
 * @returns the record, absent fields left out
 */
export function rangeRecord(job: string, row: RangeRow): RangeRecord {
  return present<RangeRecord>({
    job,
    from: row.from_tick,
    to: row.to_tick,
    outcome: row.outcome,
    reason: row.reason,
    runId: row.run,
    schedules: JSON.parse(row.schedules) as Schedule[],
    horizons: row.horizons === '[]' ? undefined : horizonsOf(row.horizons),
    decidedAt: row.decided_at,
  });
}

/** The horizons of a slot, or of a range of it up to its life, as a column. @param within further terms on `w` */
export const SELECT_HORIZONS = (within: string): string =>
  `(select json_group_array(json_array(w.until, w.correction) order by w.life) from rewinds w where ${within})`;

/** @param column of {@link SELECT_HORIZONS}. @returns horizons, oldest first */
export function horizonsOf(column: string): Horizon[] {
  return (JSON.parse(column) as [number, number][]).map(([until, correction]) => ({ until, correction: correction === 1 }));
}
