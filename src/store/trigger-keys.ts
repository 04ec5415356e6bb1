/** What the keys of triggers stand for: written in the transaction of the trigger, and kept until they expire. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { TriggerDecision } from '../core/gate.ts';
import type { Idempotency } from '../core/store.ts';
import type { Instant } from '../core/time.ts';
import { get } from './turn-statements.ts';

/** Keeps `keys`. All calls are made inside a transaction. */
export class TriggerKeys {
  readonly #recall: StatementSync;
  readonly #keep: StatementSync;

  /** @param db of the current version */
  constructor(db: DatabaseSync) {
    this.#recall = db.prepare('select run, fingerprint from keys where job = ? and key = ? and until > ?');
    this.#recall.setReturnArrays(true);
    this.#keep = db.prepare('insert or replace into keys (job, key, fingerprint, run, until) values (?, ?, ?, ?, ?)');
  }

  /**
   * @param job the job's row
   * @param at the instant of the turn
   * @returns the decision about a trigger whose key is known; `undefined`: it is not, or no more
   */
  recall(job: number, { key, fingerprint }: Idempotency, at: Instant): TriggerDecision | undefined {
    const row = get(this.#recall, job, key, at);
    return row === undefined ? undefined : { kind: 'repeat', runId: row[0] as string, sameRequest: row[1] === fingerprint };
  }

  /** @returns whether the key is kept, for the trigger led to a run */
  keep(job: number, { key, fingerprint, until }: Idempotency, decisions: readonly TriggerDecision[]): boolean {
    const runId = ledTo(decisions);
    if (runId === undefined) return false;
    this.#keep.run(job, key, fingerprint, runId, until);
    return true;
  }
}

/** @returns the run to which a trigger led, or into which it folded; `undefined` when it was refused */
export function ledTo(decisions: readonly TriggerDecision[]): string | undefined {
  for (const made of decisions) {
    if (made.kind === 'start' || made.kind === 'queue') return made.runId;
    if (made.kind === 'fold') return made.into;
  }
  return undefined;
}
