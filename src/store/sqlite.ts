/**
 * The durable store of one machine: SQLite in a file, by `node:sqlite`. One commit a turn, synchronous, in WAL with `synchronous=FULL`:
 * when `commit` returns, the turn survives `kill -9` and a power cut.
 */
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { TickwiseError } from '../core/errors.ts';
import type { Job, JobName } from '../core/job.ts';
import type { LedgerReader, NodeIdentity } from '../core/ledger.ts';
import type { PlanMessages } from '../core/message.ts';
import type { Store } from '../core/store.ts';
import type { QueuedRun, SlotState } from '../core/slot.ts';
import type { Instant } from '../core/time.ts';
import { ClockSteps } from './clock-steps.ts';
import { BUSY_WAIT_MS, connectReader } from './connection.ts';
import { Definitions } from './definitions.ts';
import { storeFault } from './fault.ts';
import { createLedger, readLedger } from './ledger.ts';
import { TriggerKeys } from './trigger-keys.ts';
import { takeLock } from './lock.ts';
import { LogLines } from './log-lines.ts';
import { migrate } from './migrations.ts';
import { enterNode, markClean } from './nodes.ts';
import { SqliteOutbox } from './outbox.ts';
import { findPlace, makePrivateFile, preparePlace } from './place.ts';
import { Pruner } from './prune.ts';
import { setCheckpoint } from './set-checkpoint.ts';
import { checkSoundness } from './soundness.ts';
import { Transactions } from './transaction.ts';
import { TurnTransactions } from './turn-transactions.ts';
import { TurnWriter } from './turn.ts';

/** How a store in SQLite is opened. */
export interface SqliteOptions {
  /** The file; its folder is made if need be. */
  readonly path: string;
  /** Named by the live runs, and to a second daemon that is refused. */
  readonly node: NodeIdentity;
  /** `full`: each commit survives a power cut. `normal`: each survives the process, the last ones perhaps not a power cut. */
  readonly synchronous?: 'full' | 'normal';
  /** Makes messages of what happens in a turn, kept with it; absent: none are made. */
  readonly messages?: PlanMessages | undefined;
}

const WAL_PAGES = 1_000;
const WAL_LIMIT_BYTES = 16 * 1024 * 1024;

/**
 * Opens the ledger for the one daemon that may write it, and makes it if there is none.
 *
 * @param options path, node, and how durable a commit is
 * @returns the store; dispose of it to let the next daemon in
 * @throws TickwiseError `STORE_LOCKED`, `STORE_UNSUPPORTED` or `STORE_UNUSABLE`, each with one line that says what to do
 */
export async function openSqliteStore(options: SqliteOptions): Promise<Store> {
  const path = preparePlace(options.path);
  const lock = takeLock(path, options.node);
  let db: DatabaseSync | undefined;
  try {
    checkSoundness(path);
    makePrivateFile(path);
    db = new DatabaseSync(path, { timeout: BUSY_WAIT_MS, enableForeignKeyConstraints: true });
    migrate(db, path);
    configure(db, options.synchronous ?? 'full');
    return createStore({ db, path, node: enterNode(db, options.node), plan: options.messages, release: () => lock.release() });
  } catch (thrown) {
    db?.close();
    lock.release();
    throw storeFault(thrown, 'cannot be opened', path);
  }
}

/**
 * Opens a ledger for reading, while no daemon runs or beside one. Never writes to it.
 *
 * @param path the file
 * @returns the reader; dispose of it to close the file
 * @throws TickwiseError `STORE_UNUSABLE` when there is no ledger at the path, or it cannot be read
 */
export async function openLedgerReader(path: string): Promise<LedgerReader> {
  const real = findPlace(path);
  try {
    const db = connectReader(real);
    return { ...createLedger(db, real), [Symbol.asyncDispose]: async () => db.close() };
  } catch (thrown) {
    throw storeFault(thrown, 'cannot be opened', real);
  }
}

function configure(db: DatabaseSync, synchronous: 'full' | 'normal'): void {
  db.exec('pragma journal_mode = wal');
  db.exec(`pragma synchronous = ${synchronous}`);
  db.exec(`pragma wal_autocheckpoint = ${WAL_PAGES}`);
  db.exec(`pragma journal_size_limit = ${WAL_LIMIT_BYTES}`);
}

interface StoreParts {
  readonly db: DatabaseSync;
  readonly path: string;
  readonly node: number;
  readonly plan: PlanMessages | undefined;
  readonly release: () => void;
}

function createStore({ db, path, node, plan, release }: StoreParts): Store {
  const pruner = new Pruner(db);
  const definitions = new Definitions(db);
  const clockSteps = new ClockSteps(db);
  const outbox = new SqliteOutbox(db);
  const lines = new LogLines(db);
  const writer = new TurnWriter({ db, node, pruner, definitions, keys: new TriggerKeys(db), outbox, plan });
  const transactions = new Transactions(db, path);
  /** For what may be done twice: in doubt, it is to be done again. */
  const transact = <Answer>(write: () => Answer): Answer => {
    const fate = transactions.carryOut(write);
    definitions.settle(fate.kind === 'committed');
    if (fate.kind !== 'committed') outbox.recount();
    if (fate.kind === 'committed') return fate.answer;
    throw fate.error;
  };
  const turns = new TurnTransactions({ db, path, transactions, writer, definitions, clockSteps, outbox });
  let closed = false;
  return {
    ...createLedger(db, path),
    durable: true,
    arm: async (jobs, now) => transact(() => arm(db, jobs, now, pruner, definitions)),
    commit: (turn) => turns.commit(turn),
    settle: (turn) => turns.settle(turn),
    setPaused: async (job, paused) => transact(() => setPaused(db, job, paused)),
    setCheckpoint: async (job, checkpoint) => transact(() => setCheckpoint(db, job, checkpoint)),
    appendLog: (writes) => {
      if (writes.length === 0) return;
      pruner.owe(writes.reduce((sum, write) => sum + write.lines.length, 0));
      transact(() => lines.append(writes));
    },
    enqueue: async (drafts, at) => {
      if (drafts.length > 0) transact(() => outbox.add(drafts, at));
    },
    dueMessages: (now, limit) => readLedger(() => outbox.due(now, limit), path),
    nextMessageAt: () => readLedger(() => outbox.nextAt(), path),
    settleMessage: async (id, delivery) => transact(() => outbox.settle(id, delivery)),
    [Symbol.asyncDispose]: async () => {
      if (closed) return;
      closed = true;
      markClean(db, node);
      db.close();
      release();
    },
  };
}

function arm(db: DatabaseSync, jobs: readonly Job[], now: Instant, pruner: Pruner, definitions: Definitions): SlotState[] {
  const insert = db.prepare('insert into slots (name, decided_until) values (?, ?)');
  const read = db.prepare('select job, fence, decided_until, paused, newest from slots where name = ?');
  read.setReturnArrays(true);
  const rewinds = db.prepare('select until, correction from rewinds where job = ? order by life');
  const live = db.prepare('select id from runs where job = ? and fence is not null and ended_at is null');
  const queue = db.prepare(
    'select id as runId, cause from runs where job = ? and fence is null and ended_at is null order by queued_at, id',
  );
  return jobs.map((job) => {
    const { name, history } = job;
    if (read.get(name) === undefined) insert.run(name, now);
    const [id, fence, decidedUntil, paused, newest] = read.get(name) as unknown as [
      number,
      number,
      Instant,
      number,
      string | null,
    ];
    pruner.limit(id, history);
    definitions.armed(id, job, decidedUntil);
    const lived = rewinds.all(id) as unknown as { until: Instant; correction: number }[];
    const horizons = lived.map(({ until, correction }) => ({ until, correction: correction === 1 }));
    const slot = { job: name, fence, decidedUntil, horizons: lived.length === 0 ? undefined : horizons, paused: paused === 1 };
    if (newest === null) return { ...slot, live: undefined, queued: [] };
    return { ...slot, live: liveOf(live, id), queued: queue.all(id).map((queued) => ({ ...queued }) as unknown as QueuedRun) };
  });
}

function liveOf(statement: StatementSync, id: number): { runId: string } | undefined {
  const row = statement.get(id);
  return row === undefined ? undefined : { runId: row['id'] as string };
}

function setPaused(db: DatabaseSync, job: JobName, paused: boolean): void {
  const row = db.prepare('update slots set paused = ? where name = ? returning job').get(Number(paused), job);
  if (row === undefined)
    throw new TickwiseError('JOB_NOT_FOUND', `no job is called ${job}; see "tickwise list" for those that are`);
}
