/**
 * The shape of the ledger in SQLite, step by step from the oldest. What keeps the promise if every other line is wrong
 * stands here, in the database: a tick is decided once (`ticks`, primary key), a job has one live run (`runs_live`), a fence only
 * grows (`slots_fence_grows`, `slots_once`, `slots_stay`), a resource has one holder (`resources`, primary key).
 *
 * Keys begin with time, not with the job: 1,000 jobs that are decided in one commit then write to neighbouring pages. With the job
 * first each of them would dirty a page of its own, 8 MB of log a second. The runs of one job are found along a chain instead:
 * `slots.newest` names the last that entered, `runs.previous` the one before it.
 */
/** One step each; the number of steps taken is the file's `user_version`. A step that has shipped is never edited. */
export const STEPS: readonly string[] = [
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
  // Time that is lived again after the clock was set back: where each life of a job was taken back from (until) and to (since). A life's ticks
  // and ranges lie beside those of the lives before it, so definitions and ranges say to which life they belong; the first is 0.
  `
  create table rewinds (
    job integer not null references slots (job),
    life integer not null check (life > 0),
    since integer not null,
    until integer not null,
    correction integer not null check (correction = 0 or correction = 1),
    kept_since integer not null,
    primary key (job, life),
    check (since < until)
  ) strict, without rowid;
  create trigger rewinds_stay before delete on rewinds
  begin select raise(abort, 'a rewind stays for ever, for its ticks must not be given twice'); end;

  alter table definitions rename to definitions_before;
  create table definitions (
    job integer not null references slots (job),
    life integer not null default 0,
    since integer not null,
    until integer,
    schedules text not null,
    primary key (job, life, since)
  ) strict, without rowid;
  insert into definitions (job, since, until, schedules) select job, since, until, schedules from definitions_before;
  drop table definitions_before;

  drop trigger ranges_once;
  alter table ranges rename to ranges_before;
  create table ranges (
    job integer not null references slots (job),
    life integer not null default 0,
    from_tick integer not null,
    to_tick integer not null,
    outcome text not null,
    reason text,
    run text,
    schedules text not null,
    decided_at integer not null,
    primary key (job, life, to_tick),
    check (from_tick < to_tick),
    check (case outcome when 'skipped' then reason is not null when 'missed' then reason is not null when 'folded' then run is not null else false end)
  ) strict, without rowid;
  insert into ranges (job, from_tick, to_tick, outcome, reason, run, schedules, decided_at)
    select job, from_tick, to_tick, outcome, reason, run, schedules, decided_at from ranges_before;
  drop table ranges_before;
  create trigger ranges_once before insert on ranges
    when exists (select 1 from ranges where job = new.job and life = new.life and to_tick > new.from_tick and from_tick < new.to_tick)
  begin select raise(abort, 'a tick is decided once, in a range as well'); end;
  `,
  // What runs wrote; messages that wait for their receiver, whose ids are never given twice; what the keys of triggers stand for; and how
  // each job's last run ended, which is known after that run was pruned.
  `
  create table lines (
    run text not null,
    seq integer not null,
    at integer not null,
    attempt integer not null,
    level text not null,
    source text not null,
    text text not null,
    fields text,
    primary key (run, seq)
  ) strict, without rowid;

  create table messages (
    id integer primary key autoincrement,
    job text not null,
    event text not null,
    target text not null,
    body text not null,
    created_at integer not null,
    attempts integer not null default 0,
    next_attempt_at integer not null
  ) strict;
  create index messages_due on messages (next_attempt_at);

  create table keys (
    job integer not null references slots (job),
    key text not null,
    fingerprint text not null,
    run text not null,
    until integer not null,
    primary key (job, key)
  ) strict, without rowid;
  create index keys_until on keys (until);

  alter table slots add column last_outcome text;
  update slots set last_outcome = last.outcome
    from (select job, outcome, max(fence) from runs where fence is not null and outcome <> 'cancelled' group by job) as last
    where last.job = slots.job;
  `,
];
