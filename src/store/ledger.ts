/** Reading the ledger in SQLite. The daemon's own store and a reader beside it or without it answer with the same code. */
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import type { JobName } from '../core/job.ts';
import type { LedgerReader, RangeRecord, RunQuery, RunRecord, TickQuery, TickRecord } from '../core/ledger.ts';
import type { Cause, RunState } from '../core/run.ts';
import type { QueuedRun, SlotState } from '../core/slot.ts';
import { storeFault } from './fault.ts';
import { selectLines } from './log-lines.ts';
import {
  horizonsOf,
  type RangeRow,
  rangeRecord,
  type RunRow,
  runRecord,
  SELECT_HORIZONS,
  SELECT_RUNS,
  type TickRow,
  tickRecord,
} from './row.ts';
import { selectTallies } from './tally.ts';
import { RUN_ID_LENGTH } from '../core/tick.ts';

/** The reads of a ledger; closing the database is its owner's business. */
export type Ledger = Omit<LedgerReader, typeof Symbol.asyncDispose> & { liveRuns(): Promise<readonly RunRecord[]> };

const LIVE = 'r.fence is not null and r.ended_at is null';
const QUEUED = 'r.fence is null and r.ended_at is null';
const SELECT_SLOTS = `
  with open (job, id, cause, fence, queued_at) as (
    select r.job, r.id, r.cause, r.fence, r.queued_at from runs r where ${LIVE}
    union all select r.job, r.id, r.cause, r.fence, r.queued_at from runs r where ${QUEUED})
  select s.name, s.decided_until, ${SELECT_HORIZONS('w.job = s.job')} as horizons, s.paused, s.fence, o.id, o.cause, o.fence as granted
  from slots s left join open o on o.job = s.job order by s.name, o.queued_at, o.id`;
/** The runs of one job, newest first, along their chain. */
const CHAIN = (start: string): string => `
  with recursive chain (id) as (
    ${start} union all select r.previous from chain join runs r on r.id = chain.id where r.previous is not null)`;
const FROM_NEWEST = CHAIN('select newest from slots where name = $job and newest is not null');
const FROM_AFTER = CHAIN(
  'select r.previous from runs r join slots s on s.job = r.job where r.id = $after and s.name = $job and r.previous is not null',
);
const MOST_FOUND = 10;

interface SlotRow {
  readonly name: string;
  readonly decided_until: number;
  readonly horizons: string;
  readonly paused: number;
  readonly fence: number;
  readonly id: string | null;
  readonly cause: Cause;
  readonly granted: number | null;
}

/**
 * The reads of a ledger. Runs of one job come in the order in which they entered, newest first; runs of all jobs by id, and ids sort by time.
 * A run shows the checkpoint that it saved for as long as that is still the job's.
 *
 * @param db open, of the current version
 * @param path named in errors
 * @returns reads that reject with `STORE_UNUSABLE` when the file cannot be read
 */
export function createLedger(db: DatabaseSync, path: string): Ledger {
  const read = <Answer>(answer: () => Answer): Promise<Answer> => readLedger(answer, path);
  return {
    slots: () => read(() => slotStates(db.prepare(SELECT_SLOTS).all() as unknown as SlotRow[])),
    runs: (query) => read(() => selectRuns(db, query)),
    findRuns: (idOrPart) => read(() => findRuns(db, idOrPart)),
    ticks: (query) => read(() => selectTicks(db, query)),
    ranges: (query) => read(() => selectRanges(db, query)),
    log: (query) => read(() => selectLines(db, query)),
    checkpoint: (job) => read(() => selectCheckpoint(db, job)),
    tallies: (job) => read(() => selectTallies(db, job)),
    liveRuns: () => read(() => records(db.prepare(`${SELECT_RUNS} where ${LIVE} order by r.id`).all())),
  };
}

/** @returns what was read. @throws (rejects with) TickwiseError `STORE_UNUSABLE` when the file cannot be read */
export async function readLedger<Answer>(answer: () => Answer, path: string): Promise<Answer> {
  try {
    return answer();
  } catch (thrown) {
    throw storeFault(thrown, 'cannot be read', path);
  }
}

function slotStates(rows: readonly SlotRow[]): SlotState[] {
  const states: SlotState[] = [];
  let queued: QueuedRun[] = [];
  let last: { -readonly [Key in keyof SlotState]: SlotState[Key] } | undefined;
  for (const row of rows) {
    if (last?.job !== row.name) {
      queued = [];
      last = {
        job: row.name,
        fence: row.fence,
        decidedUntil: row.decided_until,
        horizons: row.horizons === '[]' ? undefined : horizonsOf(row.horizons),
        paused: row.paused === 1,
        live: undefined,
        queued,
      };
      states.push(last);
    }
    if (row.id === null) continue;
    if (row.granted === null) queued.push({ runId: row.id, cause: row.cause });
    else last.live = { runId: row.id };
  }
  return states;
}

function selectRuns(db: DatabaseSync, query: RunQuery): RunRecord[] {
  const { job, state, from, to, after, limit } = query;
  const terms = ['true'];
  const values: Record<string, SQLInputValue> = { limit };
  if (from !== undefined) terms.push('r.tick >= $from');
  if (to !== undefined) terms.push('r.tick < $to');
  if (state !== undefined) terms.push(stateTerm(state));
  if (job === undefined && after !== undefined) terms.push('r.id < $after');
  for (const [name, value] of Object.entries({ job, from, to, after })) if (value !== undefined) values[name] = value;
  if (state !== undefined && state !== 'queued' && state !== 'running') values['state'] = state;
  const where = `where ${terms.join(' and ')}`;
  const sql =
    job === undefined
      ? `${SELECT_RUNS} ${where} order by r.id desc limit $limit`
      : `${after === undefined ? FROM_NEWEST : FROM_AFTER} ${SELECT_RUNS.replace('from runs r', 'from chain cross join runs r on r.id = chain.id')} ${where} limit $limit`;
  return records(db.prepare(sql).all(values));
}

function stateTerm(state: RunState): string {
  if (state === 'queued') return QUEUED;
  return state === 'running' ? LIVE : 'r.outcome = $state';
}

function findRuns(db: DatabaseSync, idOrPart: string): RunRecord[] {
  const exact = records(db.prepare(`${SELECT_RUNS} where r.id = ?`).all(idOrPart));
  // A part is shorter than the whole. Nobody shall have the whole ledger looked through for an id that was made up.
  if (exact.length > 0 || idOrPart.length >= RUN_ID_LENGTH) return exact;
  return records(db.prepare(`${SELECT_RUNS} where instr(r.id, ?) > 0 order by r.id desc limit ${MOST_FOUND}`).all(idOrPart));
}

function selectTicks(db: DatabaseSync, query: TickQuery): TickRecord[] {
  const { job, from = Number.MIN_SAFE_INTEGER, to = Number.MAX_SAFE_INTEGER, limit } = query;
  const rows = db
    .prepare(
      `select t.tick, t.outcome, t.reason, t.run, t.decided_at from ticks t
       where t.job = (select job from slots where name = ?) and t.tick >= ? and t.tick < ? order by t.tick desc limit ?`,
    )
    .all(job, from, to, limit) as unknown as TickRow[];
  return rows.map((row) => tickRecord(job, row));
}

function selectRanges(db: DatabaseSync, query: TickQuery): RangeRecord[] {
  const { job, from = Number.MIN_SAFE_INTEGER, to = Number.MAX_SAFE_INTEGER, limit } = query;
  const rows = db
    .prepare(
      `select r.from_tick, r.to_tick, r.outcome, r.reason, r.run, r.schedules, r.decided_at,
         ${SELECT_HORIZONS('w.job = r.job and w.life <= r.life')} as horizons from ranges r
       where r.job = (select job from slots where name = ?) and r.to_tick >= ? and r.from_tick < ? - 1 order by r.to_tick desc limit ?`,
    )
    .all(job, from, to, limit) as unknown as RangeRow[];
  return rows.map((row) => rangeRecord(job, row));
}

function selectCheckpoint(db: DatabaseSync, job: JobName): string | undefined {
  const row = db.prepare('select c.checkpoint from checkpoints c join slots s on s.job = c.job where s.name = ?').get(job);
  return row?.['checkpoint'] as string | undefined;
}

function records(rows: readonly Record<string, unknown>[]): RunRecord[] {
  return (rows as unknown as RunRow[]).map(runRecord);
}
