/**
 * The shape of the ledger in SQLite, and how an older file comes to it. What keeps the promise if every other line is wrong
 * stands here, in the database: a tick is decided once (`ticks`, primary key), a job has one live run (`runs_live`), a fence only
 * grows (`slots_fence_grows`, `slots_once`, `slots_stay`), a resource has one holder (`resources`, primary key).
 *
 * Keys begin with time, not with the job: 1,000 jobs that are decided in one commit then write to neighbouring pages. With the job
 * first each of them would dirty a page of its own, 8 MB of log a second. The runs of one job are found along a chain instead:
 * `slots.newest` names the last that entered, `runs.previous` the one before it.
 */
import type { DatabaseSync } from 'node:sqlite';
import { TickwiseError } from '../core/errors.ts';

/** "TkWs": marks the file as a ledger, so that no other program's database is taken for one. */
export const APPLICATION_ID = 0x54_6b_57_73;

/** One step each; the number of steps taken is the file's `user_version`. A step that has shipped is never edited. */
const STEPS: readonly string[] = [
  `
  create table nodes (
    node integer primary key,
    id text not null unique,
    host text not null,
    boot_id text not null,
    pid integer not null,
    pid_start integer not null,
    started_at integer not null
  ) strict;

  create table slots (
    job integer primary key,
    name text not null unique,
    decided_until integer not null,
    paused integer not null default 0 check (paused in (0, 1)),
    fence integer not null default 0 check (fence >= 0),
    newest text,
    kept_since integer not null default -9007199254740991
  ) strict;
  create trigger slots_fence_grows before update of fence on slots when new.fence < old.fence or new.fence > old.fence + 1
  begin select raise(abort, 'a fence only grows, by one at a time'); end;
  create trigger slots_once before insert on slots when exists (select 1 from slots where name = new.name or job = new.job)
  begin select raise(abort, 'a slot is never replaced, for its fence must go on growing'); end;
  create trigger slots_stay before delete on slots
  begin select raise(abort, 'a slot stays for ever, for its fence must go on growing'); end;

  create table runs (
    id text primary key,
    job integer not null references slots (job),
    tick integer not null,
    cause text not null check (cause = 'tick' or cause = 'trigger' or cause = 'catchup'),
    fence integer check (fence > 0),
    node integer references nodes (node),
    queued_at integer not null,
    granted_at integer,
    started_at integer,
    ended_at integer,
    outcome text,
    reason text,
    by text,
    budget_ms real,
    grace_ms real,
    steps integer not null default 0,
    attempts integer not null default 0,
    resources integer not null default 0,
    stalled integer,
    previous text,
    progress text,
    input text,
    error text,
    result text,
    check ((ended_at is null) = (outcome is null)),
    check ((fence is null) = (node is null))
  ) strict, without rowid;
  create unique index runs_live on runs (job) where fence is not null and ended_at is null;
  create index runs_queued on runs (job, queued_at) where fence is null and ended_at is null;

  create table ticks (
    tick integer not null,
    job integer not null references slots (job),
    outcome text not null,
    reason text,
    run text,
    decided_at integer not null,
    primary key (tick, job),
    check (case outcome when 'ran' then run is not null when 'skipped' then reason is not null
      when 'missed' then reason is not null when 'folded' then run is not null else false end)
  ) strict, without rowid;

  create table resources (
    name text primary key,
    job integer not null references slots (job),
    run text not null
  ) strict, without rowid;

  create table checkpoints (
    job integer primary key references slots (job),
    run text not null,
    checkpoint text not null
  ) strict;
  `,
  // What pruning takes out of sight is counted; the schedules by which ticks fell due are kept, so that a hole can be told from none;
  // and a clock that was set back is on record, so that it explains what it did to the instants.
  `
  alter table nodes add column clean integer not null default 0 check (clean = 0 or clean = 1);

  create table counters (
    job integer not null references slots (job),
    kind text not null check (kind = 'tick' or kind = 'run'),
    outcome text not null,
    reason text not null,
    count integer not null check (count > 0),
    primary key (job, kind, outcome, reason)
  ) strict, without rowid;
  insert into counters
    select s.job, 'run', 'unknown', 'granted', s.fence - ifnull(g.granted, 0)
    from slots s left join (select job, count(*) as granted from runs where fence is not null group by job) g on g.job = s.job
    where s.fence > ifnull(g.granted, 0);

  create table definitions (
    job integer not null references slots (job),
    since integer not null,
    until integer,
    schedules text not null,
    primary key (job, since)
  ) strict, without rowid;

  create table clock_steps (
    step integer primary key,
    before integer not null,
    at integer not null
  ) strict;
  `,
  // The process as which a run's last step was started, by pid and start time; written before the process begins.
  `
  alter table runs add column process_pid integer;
  alter table runs add column process_start integer;
  `,
  // Ticks too many to be listed: all that the schedules give after from_tick, up to to_tick, with one outcome.
  `
  create table ranges (
    job integer not null references slots (job),
    from_tick integer not null,
    to_tick integer not null,
    outcome text not null,
    reason text,
    run text,
    schedules text not null,
    decided_at integer not null,
    primary key (job, to_tick),
    check (from_tick < to_tick),
    check (case outcome when 'skipped' then reason is not null when 'missed' then reason is not null when 'folded' then run is not null else false end)
  ) strict, without rowid;
  create trigger ranges_once before insert on ranges
    when exists (select 1 from ranges where job = new.job and to_tick > new.from_tick and from_tick < new.to_tick)
  begin select raise(abort, 'a tick is decided once, in a range as well'); end;
  `,
];

/** The version that this program writes. */
export const LEDGER_VERSION: number = STEPS.length;

/**
 * Brings a file to {@link LEDGER_VERSION}, each step in a transaction of its own. An empty file becomes an empty ledger.
 *
 * @param db open for writing
 * @param path named in errors
 * @param target the version to stop at; an older one makes a ledger as an older program left it
 * @throws TickwiseError `STORE_UNUSABLE` when the file is another program's, or was written by a newer version
 */
export function migrate(db: DatabaseSync, path: string, target: number = LEDGER_VERSION): void {
  if (isBlank(db)) db.exec(`pragma application_id = ${APPLICATION_ID}`);
  for (let version = versionOf(db, path); version < target; version++) {
    db.exec('begin immediate');
    try {
      db.exec(STEPS[version] as string);
      db.exec(`pragma user_version = ${version + 1}`);
      db.exec('commit');
    } catch (thrown) {
      if (db.isTransaction) db.exec('rollback');
      throw thrown;
    }
  }
}

/**
 * Reads a ledger's version.
 *
 * @param db open for reading
 * @param path named in errors
 * @returns 0 (blank) to {@link LEDGER_VERSION}
 * @throws TickwiseError `STORE_UNUSABLE` when the file is another program's, or was written by a newer version
 */
export function versionOf(db: DatabaseSync, path: string): number {
  if (pragma(db, 'application_id') !== APPLICATION_ID) {
    throw new TickwiseError(
      'STORE_UNUSABLE',
      `${path}: this is a SQLite database, but not a Tickwise ledger; name another file as "store"`,
    );
  }
  const version = pragma(db, 'user_version');
  if (version <= STEPS.length) return version;
  throw new TickwiseError(
    'STORE_UNUSABLE',
    `${path}: the ledger has version ${version} and this Tickwise knows versions up to ${STEPS.length}; install the newer Tickwise that wrote it`,
    { facts: { path, version, known: STEPS.length } },
  );
}

/** Nothing has ever been written: no table, no mark. @param db open for reading */
export function isBlank(db: DatabaseSync): boolean {
  const row = db.prepare('select count(*) as count from sqlite_schema').get() as { count: number };
  return row.count === 0 && pragma(db, 'application_id') === 0 && pragma(db, 'user_version') === 0;
}

function pragma(db: DatabaseSync, name: 'application_id' | 'user_version'): number {
  return (db.prepare(`pragma ${name}`).get() as Record<string, number>)[name] as number;
}
