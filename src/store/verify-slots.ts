/** The slots as `verify` needs them beside each row, and what they say of themselves. */
import type { DatabaseSync } from 'node:sqlite';
import type { JobName } from '../core/job.ts';
import type { Horizon } from '../core/reliving.ts';
import type { Instant } from '../core/time.ts';
import { type Findings, instantText } from './finding.ts';

/** A slot; the only thing that is held for each job. */
export interface SlotFacts {
  readonly id: number;
  readonly name: JobName;
  readonly fence: number;
  readonly decidedUntil: Instant;
  /** Ticks up to here, and runs of such ticks, may have been pruned. */
  readonly keptSince: Instant;
  /** As `decidedUntil` and `keptSince`, the lives included that were taken back when the clock was set back. */
  readonly furthest: Instant;
  readonly keptSinceOfAny: Instant;
  /** Oldest first; one, unless the clock was set back. */
  readonly lives: readonly Life[];
  readonly newest: string | null;
  /** Granted runs that were pruned. */
  readonly prunedGrants: number;
}

/** Ticks that were decided one after the other, with the clock going forward; see core/reliving. */
export interface Life {
  readonly number: number;
  /** Exclusive; where the clock was set back to. */
  readonly since: Instant;
  /** Inclusive. */
  readonly until: Instant;
  readonly horizons: readonly Horizon[];
}

/**
 * @param db inside the read transaction
 * @returns all slots by the job's row
 */
export function readSlots(db: DatabaseSync): Map<number, SlotFacts> {
  const rows = db
    .prepare(
      `select s.job as id, s.name, s.fence, s.decided_until as decidedUntil, s.kept_since as keptSince, s.newest,
         ifnull((select sum(count) from counters c where c.job = s.job and c.kind = 'run' and c.reason = 'granted'), 0) as prunedGrants
       from slots s order by s.job`,
    )
    .iterate() as Iterable<unknown> as Iterable<Omit<SlotFacts, 'furthest' | 'keptSinceOfAny' | 'lives'>>;
  const rewinds = readRewinds(db);
  const slots = new Map<number, SlotFacts>();
  for (const row of rows) slots.set(row.id, { ...row, ...livesOf(row, rewinds.get(row.id) ?? []) });
  return slots;
}

interface RewindRow {
  readonly job: number;
  readonly since: Instant;
  readonly until: Instant;
  readonly correction: number;
  readonly kept_since: Instant;
}

function readRewinds(db: DatabaseSync): Map<number, RewindRow[]> {
  const byJob = new Map<number, RewindRow[]>();
  const rows = db.prepare('select job, since, until, correction, kept_since from rewinds order by job, life').iterate();
  for (const row of rows as Iterable<unknown> as Iterable<RewindRow>) byJob.set(row.job, [...(byJob.get(row.job) ?? []), row]);
  return byJob;
}

function livesOf(
  { decidedUntil, keptSince }: Pick<SlotFacts, 'decidedUntil' | 'keptSince'>,
  rewinds: readonly RewindRow[],
): Pick<SlotFacts, 'furthest' | 'keptSinceOfAny' | 'lives'> {
  const horizons = rewinds.map(({ until, correction }) => ({ until, correction: correction === 1 }));
  const lives = [...rewinds, undefined].map((next, number) => ({
    number,
    since: rewinds[number - 1]?.since ?? -Infinity,
    until: next?.until ?? decidedUntil,
    horizons: horizons.slice(0, number),
  }));
  return {
    lives,
    furthest: rewinds.reduce((most, { until }) => Math.max(most, until), decidedUntil),
    keptSinceOfAny: rewinds.reduce((most, row) => Math.max(most, row.kept_since), keptSince),
  };
}

/** Runs that are open: each is the one that its slot has granted last, or waits without a fence; and resources are theirs alone. */
export function verifyOpenRuns(
  db: DatabaseSync,
  slots: ReadonlyMap<number, SlotFacts>,
  findings: Findings,
): { live: number; queued: number } {
  const open = db
    .prepare(
      `select r.id, r.job, r.fence, r.resources, (select count(*) from resources where run = r.id and job = r.job) as held
       from runs r where r.ended_at is null order by r.job, r.fence`,
    )
    .iterate() as Iterable<unknown> as Iterable<{
    id: string;
    job: number;
    fence: number | null;
    resources: number;
    held: number;
  }>;
  let [live, queued] = [0, 0];
  let before: { readonly id: string; readonly job: number } | undefined;
  for (const { id, job, fence, resources, held } of open) {
    const slot = slots.get(job);
    const name = slot?.name ?? `#${job}`;
    if (fence === null) {
      queued++;
      if (held > 0) findings.add('resource', name, `run ${id} is queued and holds ${held} resources`, { run: id });
      continue;
    }
    live++;
    if (before?.job === job) findings.add('overlap', name, `runs ${before.id} and ${id} are both live`, { run: id });
    else if (fence !== slot?.fence)
      findings.add(
        'run',
        name,
        `run ${id} is live under fence ${fence}, and its slot has granted fence ${slot?.fence ?? 'none'}`,
        { run: id },
      );
    if (held !== resources)
      findings.add('resource', name, `run ${id} is live with ${held} of its ${resources} resources`, { run: id });
    before = { id, job };
  }
  return { live, queued };
}

/** Resources are held by live runs of their job, and a slot's newest run is there. */
export function verifyHoldings(db: DatabaseSync, slots: ReadonlyMap<number, SlotFacts>, findings: Findings): void {
  const idle = db
    .prepare(
      `select x.name, x.job, x.run from resources x left join runs r on r.id = x.run and r.job = x.job and r.fence is not null and r.ended_at is null
       where r.id is null`,
    )
    .iterate() as Iterable<unknown> as Iterable<{ name: string; job: number; run: string }>;
  for (const { name, job, run } of idle)
    findings.add('resource', slots.get(job)?.name ?? `#${job}`, `resource ${name} is held by run ${run}, which is not live`, {
      run,
    });
  const has = db.prepare('select 1 from runs where id = ? and job = ?');
  for (const { id, name, newest, keptSinceOfAny } of slots.values()) {
    if (newest === null || has.get(newest, id) !== undefined || instantOfRun(newest) <= keptSinceOfAny) continue;
    findings.add('slot', name, `its newest run ${newest} is not in the ledger`, { run: newest });
  }
}

/** Ids begin with the instant of their tick; see `runIdOf`. @returns NaN for an id of another form */
export function instantOfRun(runId: string): Instant {
  return Number.parseInt(runId.slice(0, runId.indexOf('-')), 36);
}

/** @returns where the slot's rows begin, in words */
export function keptText({ keptSince }: SlotFacts): string {
  return keptSince < 0 ? 'nothing was pruned' : `nothing after ${instantText(keptSince)} was pruned`;
}
