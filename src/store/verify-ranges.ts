/** Ranges: each has an outcome that its run agrees with, was decided by the schedules of its time, and shares no tick with another. */
import type { DatabaseSync } from 'node:sqlite';
import { MISS_REASONS, SKIP_REASONS } from '../core/tick.ts';
import type { TickRange } from '../core/tick-range.ts';
import type { Instant } from '../core/time.ts';
import { type Findings, instantText } from './finding.ts';
import { instantOfRun, type SlotFacts } from './verify-slots.ts';

interface Row {
  readonly job: number;
  readonly life: number;
  readonly from_tick: Instant;
  readonly to_tick: Instant;
  readonly outcome: string;
  readonly reason: string | null;
  readonly run: string | null;
  /** Whether its run is in the ledger, and whether a definition of its time has its schedules. */
  readonly known: number;
  readonly scheduled: number;
}

const SELECT = `
  select r.job, r.life, r.from_tick, r.to_tick, r.outcome, r.reason, r.run,
    exists (select 1 from runs where id = r.run and job = r.job) as known,
    exists (select 1 from definitions d where d.job = r.job and d.life = r.life and d.schedules = r.schedules
      and d.since <= r.from_tick and ifnull(d.until, r.to_tick) >= r.to_tick) as scheduled
  from ranges r order by r.job, r.life, r.to_tick`;

/**
 * @param db inside the read transaction
 * @param slots all of them
 * @param findings told of each range that is wrong
 * @returns the ranges by {@link lifeOf}, oldest first; they are few, for each stands for more than a thousand ticks
 */
export function verifyRanges(
  db: DatabaseSync,
  slots: ReadonlyMap<number, SlotFacts>,
  findings: Findings,
): ReadonlyMap<string, readonly TickRange[]> {
  const byLife = new Map<string, TickRange[]>();
  for (const row of db.prepare(SELECT).iterate() as Iterable<unknown> as Iterable<Row>) {
    const slot = slots.get(row.job);
    const key = lifeOf(row.job, row.life);
    const known = byLife.get(key) ?? [];
    const wrong = whyWrong(row, slot, known.at(-1));
    if (wrong !== undefined) {
      const what = `the ticks after ${instantText(row.from_tick)}, up to ${instantText(row.to_tick)}, ${wrong}`;
      findings.add('tick', slot?.name ?? `#${row.job}`, what, {
        tick: row.to_tick,
        ...(row.run === null ? {} : { run: row.run }),
      });
    }
    known.push({ from: row.from_tick, to: row.to_tick });
    byLife.set(key, known);
  }
  return byLife;
}

/** What ranges and definitions of one life of a job are found by. */
export function lifeOf(job: number, life: number): string {
  return `${job}/${life}`;
}

function whyWrong(row: Row, slot: SlotFacts | undefined, before: TickRange | undefined): string | undefined {
  const { from_tick: from, to_tick: to, outcome, reason, run, known, scheduled } = row;
  if (slot === undefined) return 'are of a job that has no slot';
  const end = slot.lives[row.life]?.until ?? -Infinity;
  if (to > end) return `have an outcome, and the slot is decided until ${instantText(end)} only`;
  if (from >= to) return 'are none';
  if (before !== undefined && from < before.to) return 'have two outcomes';
  if (to > slot.keptSinceOfAny && scheduled === 0) return 'were not decided by the schedules of their time';
  const said = `are "${outcome}${reason === null ? '' : ` (${reason})`}"`;
  if (outcome === 'folded') {
    if (run === null || reason !== null) return `${said} and name no run`;
    return known === 1 || instantOfRun(run) <= slot.keptSinceOfAny ? undefined : `${said}, and run ${run} is not in the ledger`;
  }
  const reasons: readonly string[] = outcome === 'skipped' ? SKIP_REASONS : outcome === 'missed' ? MISS_REASONS : [];
  return run === null && reason !== null && reasons.includes(reason) ? undefined : said;
}
