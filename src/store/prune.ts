/**
 * What keeps the ledger from growing for ever. Each run and each tick that enters owes a look at two old rows, oldest first, round
 * and round; a row that its job's history no longer holds is dropped. So the ledger settles at about the size that the
 * histories ask for, at most twice that, and no turn ever pays for a great clearing up.
 *
 * How old a run is in runs, its fence tells: that many grants have followed. With a run go the job's ticks up to its own.
 *
 * What is dropped is counted in the same transaction (`counters`), and `slots.kept_since` moves up: of a job's ticks after it none is missing.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { type HistoryLimits, JOB_DEFAULTS } from '../core/job.ts';
import type { Instant } from '../core/time.ts';

/** Looks owed are saved up to this number, so that small turns do not each pay for a statement. */
const LEAST_LOOKS = 64;
/** The most rows that a turn looks at: few when it grants runs, which are waited for; many when it does not, or the debt has grown. 128 cost about 1 ms. */
const MOST_LOOKS = { granting: 128, else: 2_048 } as const;
const HIGH_DEBT = 4_096;
const HIGHEST_DEBT = 4 * HIGH_DEBT;
const LOOKS_EACH = 2;
/** A turn drops no further run when it has dropped so many lines; more, if more have come since. 20,000 cost about 6 ms. */
const MOST_LINES = { few: 2_000, many: 20_000 } as const;

type RunRow = [
  id: string,
  job: number,
  fence: number | null,
  tick: Instant,
  newestFence: number,
  keptSince: Instant,
  endedAt: Instant | null,
  decidedUntil: Instant,
];
type TickRow = [tick: Instant, job: number, keptSince: Instant, decidedUntil: Instant];
type DroppedRun = [outcome: string, isGranted: number];
type DroppedTick = [outcome: string, reason: string | null];

/** Drops what the jobs' histories no longer hold. */
export class Pruner {
  readonly #selectRuns: StatementSync;
  readonly #selectTicks: StatementSync;
  readonly #dropRun: StatementSync;
  readonly #dropLines: StatementSync;
  readonly #dropKeys: StatementSync;
  readonly #dropTick: StatementSync;
  readonly #dropRanges: StatementSync;
  readonly #keepSince: StatementSync;
  readonly #keepSinceAhead: StatementSync;
  readonly #count: StatementSync;
  /** By the job's row; only those that differ from the default, which also serves jobs that are no longer configured. */
  readonly #limits = new Map<number, HistoryLimits>();
  #afterRun = '';
  #afterTick: readonly [tick: Instant, job: number] = [Number.MIN_SAFE_INTEGER, 0];
  #owedRuns = 0;
  #owedTicks = 0;
  #owedKeys = 0;
  #owedLines = 0;
  /** As long as no run has lines, none is looked for. */
  #mayHaveLines: boolean;

  /** @param db of the current version */
  constructor(db: DatabaseSync) {
    this.#selectRuns = db.prepare(
      `select r.id, r.job, r.fence, r.tick, s.fence, s.kept_since, r.ended_at, s.decided_until
       from runs r cross join slots s on s.job = r.job where r.id > ? order by r.id limit ?`,
    );
    this.#selectTicks = db.prepare(
      `select t.tick, t.job, s.kept_since, s.decided_until
       from ticks t cross join slots s on s.job = t.job where (t.tick, t.job) > (?, ?) order by t.tick, t.job limit ?`,
    );
    this.#dropRun = db.prepare('delete from runs where id = ? and ended_at is not null returning outcome, fence is not null');
    this.#mayHaveLines = db.prepare('select 1 from lines limit 1').get() !== undefined;
    this.#dropLines = db.prepare('delete from lines where run = ?');
    this.#dropKeys = db.prepare(
      'delete from keys where (job, key) in (select job, key from keys where until <= ? order by until limit ?)',
    );
    this.#dropTick = db.prepare('delete from ticks where tick = ? and job = ? returning outcome, reason');
    this.#dropRanges = db.prepare(
      `delete from ranges where job = ? and (to_tick < ? or to_tick <= (select kept_since from slots where slots.job = ranges.job))
       returning to_tick, (select decided_until from slots where slots.job = ranges.job) as decided_until`,
    );
    for (const statement of [this.#selectRuns, this.#selectTicks, this.#dropRun, this.#dropTick]) statement.setReturnArrays(true);
    this.#keepSince = db.prepare('update slots set kept_since = ? where job = ? and kept_since < ?');
    this.#keepSinceAhead = db.prepare('update rewinds set kept_since = max(kept_since, ?) where job = ? and until >= ?');
    this.#count = db.prepare(
      `insert into counters (job, kind, outcome, reason, count) values (?, ?, ?, ?, ?)
       on conflict (job, kind, outcome, reason) do update set count = count + excluded.count`,
    );
  }

  /** Learns how much of a job's past shall be kept. */
  limit(job: number, history: HistoryLimits): void {
    const { maxRunsPerJob, maxAgeMs } = JOB_DEFAULTS.history;
    if (history.maxRunsPerJob === maxRunsPerJob && history.maxAgeMs === maxAgeMs) this.#limits.delete(job);
    else this.#limits.set(job, history);
  }

  /**
   * Pays for the rows that a turn has written. Must be called inside its transaction.
   *
   * @param at the instant of the turn
   * @param runs how many runs have entered
   * @param ticks how many ticks were decided
   * @param keys how many keys of triggers were kept
   */
  sweep(at: Instant, runs: number, ticks: number, keys: number): void {
    this.#owedRuns = Math.min(this.#owedRuns + LOOKS_EACH * runs, HIGHEST_DEBT);
    this.#owedTicks = Math.min(this.#owedTicks + LOOKS_EACH * ticks, HIGHEST_DEBT);
    this.#owedKeys = Math.min(this.#owedKeys + LOOKS_EACH * Math.max(runs, keys), HIGHEST_DEBT);
    if (this.#owedRuns >= LEAST_LOOKS) this.#sweepRuns(at, looksFor(this.#owedRuns, runs));
    if (this.#owedTicks >= LEAST_LOOKS) this.#sweepTicks(at, looksFor(this.#owedTicks, runs));
    if (this.#owedKeys >= LEAST_LOOKS) this.#sweepKeys(at, looksFor(this.#owedKeys, runs));
  }

  /** A range enters, and pays for those of its job that the history no longer holds. What they held is not counted: see `Tally`. */
  sweepRanges(at: Instant, job: number): void {
    const dropped = this.#dropRanges.all(job, at - this.#limitsOf(job).maxAgeMs) as unknown as {
      to_tick: Instant;
      decided_until: Instant;
    }[];
    for (const { to_tick: tick, decided_until: decidedUntil } of dropped)
      (tick > decidedUntil ? this.#keepSinceAhead : this.#keepSince).run(tick, job, tick);
  }

  /** Lines enter, to leave with their runs. Told before they are written. */
  owe(lines: number): void {
    this.#mayHaveLines = true;
    this.#owedLines = Math.min(this.#owedLines + LOOKS_EACH * lines, MOST_LINES.many);
  }

  #sweepRuns(at: Instant, looks: number): void {
    const rows = this.#selectRuns.all(this.#afterRun, looks) as unknown as RunRow[];
    const mostLines = Math.max(this.#owedLines, MOST_LINES.few);
    let [looked, lines] = [0, 0];
    const losses = new Losses('run');
    for (const [id, job, fence, tick, newestFence, keptSince, endedAt, decidedUntil] of rows) {
      if (lines >= mostLines) break;
      looked++;
      const { maxRunsPerJob, maxAgeMs } = this.#limitsOf(job);
      const isBeyond = fence === null ? tick <= keptSince : newestFence - fence >= maxRunsPerJob;
      if (endedAt === null || !(isBeyond || tick < at - maxAgeMs)) continue;
      const dropped = this.#dropRun.get(id) as unknown as DroppedRun | undefined;
      if (dropped === undefined) continue;
      if (this.#mayHaveLines) lines += Number(this.#dropLines.run(id).changes);
      losses.add(job, tick, decidedUntil, dropped[0], dropped[1] === 1 ? 'granted' : 'withdrawn');
    }
    this.#owedLines = Math.max(0, this.#owedLines - lines);
    this.#owedRuns -= looked === rows.length ? looks : looked;
    this.#afterRun = looked < looks && looked === rows.length ? '' : (rows[looked - 1]?.[0] ?? '');
    this.#record(losses);
  }

  #sweepTicks(at: Instant, looks: number): void {
    this.#owedTicks -= looks;
    const rows = this.#selectTicks.all(this.#afterTick[0], this.#afterTick[1], looks) as unknown as TickRow[];
    const last = rows.at(-1);
    this.#afterTick = rows.length < looks || last === undefined ? [Number.MIN_SAFE_INTEGER, 0] : [last[0], last[1]];
    const losses = new Losses('tick');
    for (const [tick, job, keptSince, decidedUntil] of rows) {
      if (tick > keptSince && tick >= at - this.#limitsOf(job).maxAgeMs) continue;
      const dropped = this.#dropTick.get(tick, job) as unknown as DroppedTick | undefined;
      if (dropped !== undefined) losses.add(job, tick, decidedUntil, dropped[0], dropped[1] ?? '');
    }
    this.#record(losses);
  }

  #sweepKeys(at: Instant, looks: number): void {
    this.#owedKeys -= looks;
    this.#dropKeys.run(at, looks);
  }

  #record({ kind, newest, newestAhead, counts }: Losses): void {
    for (const [job, tick] of newestAhead) this.#keepSinceAhead.run(tick, job, tick);
    for (const [job, tick] of newest) this.#keepSince.run(tick, job, tick);
    for (const { job, outcome, reason, count } of counts.values()) this.#count.run(job, kind, outcome, reason, count);
  }

  #limitsOf(job: number): HistoryLimits {
    return this.#limits.get(job) ?? JOB_DEFAULTS.history;
  }
}

/** What one sweep drops, by job: so that each counter is written once. */
class Losses {
  readonly kind: 'run' | 'tick';
  readonly newest = new Map<number, Instant>();
  /** Ticks of a life that was taken back, behind where the slot is decided now. */
  readonly newestAhead = new Map<number, Instant>();
  readonly counts = new Map<string, { readonly job: number; readonly outcome: string; readonly reason: string; count: number }>();

  constructor(kind: 'run' | 'tick') {
    this.kind = kind;
  }

  add(job: number, tick: Instant, decidedUntil: Instant, outcome: string, reason: string): void {
    const newestOf = tick > decidedUntil ? this.newestAhead : this.newest;
    const newest = newestOf.get(job);
    if (newest === undefined || newest < tick) newestOf.set(job, tick);
    const key = `${job} ${outcome} ${reason}`;
    const known = this.counts.get(key);
    if (known === undefined) this.counts.set(key, { job, outcome, reason, count: 1 });
    else known.count++;
  }
}

function looksFor(owed: number, granted: number): number {
  return Math.min(owed, granted === 0 || owed > HIGH_DEBT ? MOST_LOOKS.else : MOST_LOOKS.granting);
}
