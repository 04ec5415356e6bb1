/** No two runs of a job intersect: by the order of their fences, and by the clock wherever that was not set back. */
import type { DatabaseSync } from 'node:sqlite';
import { RUN_OUTCOMES } from '../core/run.ts';
import type { Instant } from '../core/time.ts';
import { type Findings, instantText } from './finding.ts';
import { keptText, type SlotFacts } from './verify-slots.ts';

type Row = [job: number, fence: number, grantedAt: Instant | null, endedAt: Instant | null, id: string, outcome: string | null];

/** What reading the runs has shown. */
export interface RunFigures {
  readonly granted: number;
  /** Pairs of runs, or runs, that seem out of order only because the clock was set back meanwhile. */
  readonly clockSteps: number;
}

/**
 * Reads all granted runs, job by job in the order of their fences.
 *
 * @param db inside the read transaction
 * @param slots all of them
 * @param findings told of each pair that intersects, each fence that is wrong, each run that is missing
 * @returns how many there are
 */
export function verifyRuns(db: DatabaseSync, slots: ReadonlyMap<number, SlotFacts>, findings: Findings): RunFigures {
  const setBack = db.prepare('select before, at from clock_steps').all() as unknown as { before: Instant; at: Instant }[];
  const outcomes = new Set<string | null>(RUN_OUTCOMES);
  const granted = new Map<number, number>();
  let clockSteps = 0;
  const isOutOfOrder = (earlier: Instant, later: Instant): boolean => {
    if (earlier <= later) return false;
    if (!setBack.some(({ before, at }) => before >= earlier && at <= later)) return true;
    clockSteps++;
    return false;
  };
  let count = 0;
  let before: Row | undefined;
  const statement = db.prepare(
    'select job, fence, granted_at, ended_at, id, outcome from runs where fence is not null order by job, fence',
  );
  statement.setReturnArrays(true);
  for (const row of statement.iterate() as Iterable<unknown> as Iterable<Row>) {
    const [job, fence, grantedAt, endedAt, id, outcome] = row;
    count++;
    granted.set(job, (granted.get(job) ?? 0) + 1);
    const name = slots.get(job)?.name ?? `#${job}`;
    if (before?.[0] === job) comparePair(name, before, row, isOutOfOrder, findings);
    before = row;
    if (fence > (slots.get(job)?.fence ?? 0))
      findings.add('fence', name, `run ${id} has fence ${fence}, which its slot has never granted`, { run: id });
    if (grantedAt === null) findings.add('run', name, `run ${id} has a fence and was never granted`, { run: id });
    else if (endedAt !== null && isOutOfOrder(grantedAt, endedAt))
      findings.add('run', name, `run ${id} was granted ${instantText(grantedAt)} and ended before, ${instantText(endedAt)}`, {
        run: id,
      });
    if (endedAt !== null && !outcomes.has(outcome))
      findings.add('run', name, `run ${id} ended with no outcome: ${outcome}`, { run: id });
  }
  for (const slot of slots.values()) compareCount(slot, granted.get(slot.id) ?? 0, findings);
  return { granted: count, clockSteps };
}

function comparePair(
  job: string,
  [, fenceBefore, , endedBefore, idBefore]: Row,
  [, fence, grantedAt, , id]: Row,
  isOutOfOrder: (earlier: Instant, later: Instant) => boolean,
  findings: Findings,
): void {
  if (fence === fenceBefore) findings.add('fence', job, `runs ${idBefore} and ${id} have the same fence ${fence}`, { run: id });
  if (endedBefore === null)
    findings.add(
      'overlap',
      job,
      `run ${id} (fence ${fence}) was granted while run ${idBefore} (fence ${fenceBefore}) had not ended`,
      { run: id },
    );
  else if (grantedAt !== null && isOutOfOrder(endedBefore, grantedAt))
    findings.add(
      'overlap',
      job,
      `run ${id} (fence ${fence}) was granted ${instantText(grantedAt)}, and run ${idBefore} (fence ${fenceBefore}) ended ${instantText(endedBefore)}`,
      { run: id },
    );
}

/** A fence is a count of grants: each of them is in the ledger or was counted when it was pruned. */
function compareCount(slot: SlotFacts, granted: number, findings: Findings): void {
  const known = granted + slot.prunedGrants;
  if (known === slot.fence) return;
  findings.add(
    'forgotten',
    slot.name,
    `its slot has granted ${slot.fence} runs; the ledger holds ${granted} and has pruned ${slot.prunedGrants} (${keptText(slot)})`,
  );
}
