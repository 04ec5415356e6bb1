/**
 * Whether a turn left its traces in the ledger. A commit may fail so that nobody knows whether it took effect; then the ledger is read.
 * A turn needs no mark of its own for that, which would cost each commit a page: whatever it does that must not be done twice can
 * be seen. The rest of it (checkpoints, processes, what was refused) may be done again and gives the same.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { TriggerClaim, Turn, TurnResult } from '../core/store.ts';

/**
 * Looks for what a turn would have done. Only while no other turn was carried out since, and outside of its transaction.
 *
 * @param db open, with no transaction under way
 * @param turn what was asked for
 * @param result what became of it, if it was committed
 * @returns `true`: all of it was applied. `false`: nothing was, or nothing of it tells
 * @throws SQLite's error when the ledger cannot be read: then nobody knows
 */
export function hasTraces(db: DatabaseSync, turn: Turn, result: TurnResult): boolean {
  const isOpen = (runId: string): boolean =>
    db.prepare('select 1 from runs where id = ? and ended_at is null').get(runId) !== undefined;
  // One trace is enough, for a turn is applied whole or not at all.
  const ended = turn.ends.find((_, index) => result.ended[index] === true);
  if (ended !== undefined) return !isOpen(ended.runId);
  const [grant] = result.grants;
  if (grant !== undefined) {
    const row = db.prepare('select fence from slots where name = ?').get(grant.job);
    return row !== undefined && (row['fence'] as number) >= grant.fence;
  }
  for (const [index, claim] of turn.claims.entries()) {
    for (const made of result.decisions[index] ?? []) {
      if (made.kind === 'stop' || made.kind === 'refuse') continue;
      if (claim.kind === 'trigger') {
        if (made.kind === 'queue') return isOpen(made.runId);
        if (made.kind === 'fold' && claim.idempotency !== undefined) return hasKey(db, claim, made.into);
        continue;
      }
      const row = db.prepare('select decided_until from slots where name = ?').get(claim.job.name);
      // Not "at least": where a clock was set back, the slot may have been decided until later before.
      return row?.['decided_until'] === claim.dueTicks.at(-1);
    }
  }
  return false;
}

/** A key is kept until an instant of its own, so an older one of the same name is told apart. */
function hasKey(db: DatabaseSync, { job, idempotency }: TriggerClaim, runId: string): boolean {
  const kept = db.prepare(
    'select 1 from keys where job = (select job from slots where name = ?) and key = ? and run = ? and until = ?',
  );
  return kept.get(job.name, idempotency?.key ?? '', runId, idempotency?.until ?? 0) !== undefined;
}
