/** Counts that survive pruning: what the ledger still holds, and what it has dropped. */
import type { DatabaseSync } from 'node:sqlite';
import type { JobName } from '../core/job.ts';
import type { Tally } from '../core/ledger.ts';
import type { RunOutcome } from '../core/run.ts';
import type { TickOutcome } from '../core/tick.ts';
import { present } from './present.ts';

/** One statement, so that a row that is pruned meanwhile is counted once. What was pruned before counting began is `unknown`. */
const COUNT = (where: string): string => `
  with counted (job, kind, outcome, reason, count) as (
    select job, 'tick', outcome, ifnull(reason, ''), count(*) from ticks ${where} group by job, outcome, reason
    union all select job, 'run', outcome, '', count(*) from runs ${where === '' ? 'where' : `${where} and`} outcome is not null group by job, outcome
    union all select job, kind, outcome, case kind when 'run' then '' else reason end, count from counters ${where})
  select s.name, c.kind, c.outcome, c.reason, sum(c.count) as count
  from slots s left join counted c on c.job = s.job and c.outcome <> 'unknown'
  ${where === '' ? '' : 'where s.name = $name'} group by s.name, c.kind, c.outcome, c.reason order by s.name`;
const OF_ONE = 'where job = (select job from slots where name = $name)';

interface CountRow {
  readonly name: string;
  readonly kind: 'tick' | 'run' | null;
  readonly outcome: string;
  readonly reason: string;
  readonly count: number;
}

/**
 * @param db open, of the current version
 * @param job absent: all of them
 * @returns tallies by name
 * @throws SQLite's error when the file cannot be read
 */
export function selectTallies(db: DatabaseSync, job: JobName | undefined): Tally[] {
  const rows = job === undefined ? db.prepare(COUNT('')).all() : db.prepare(COUNT(OF_ONE)).all({ name: job });
  const tallies: { job: JobName; ticks: Tally['ticks'][number][]; runs: Tally['runs'][number][] }[] = [];
  for (const { name, kind, outcome, reason, count } of rows as unknown as CountRow[]) {
    if (tallies.at(-1)?.job !== name) tallies.push({ job: name, ticks: [], runs: [] });
    const tally = tallies.at(-1);
    if (kind === 'run') tally?.runs.push({ outcome: outcome as RunOutcome, count });
    if (kind === 'tick') tally?.ticks.push(tickCount(outcome as TickOutcome, reason, count));
  }
  return tallies;
}

/**
 * @param reason the empty text stands for none
 * @returns the count, an absent reason left out
 */
export function tickCount(outcome: TickOutcome, reason: string, count: number): Tally['ticks'][number] {
  return present<Tally['ticks'][number]>({ outcome, reason: reason === '' ? undefined : (reason as never), count });
}
