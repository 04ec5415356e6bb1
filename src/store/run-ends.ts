/** The ends of runs in SQLite, each written under its fence. */
import type { PlanMessages } from '../core/message.ts';
import type { RunOutcome } from '../core/run.ts';
import type { EndWrite } from '../core/store.ts';
import type { Instant } from '../core/time.ts';
import type { SqliteOutbox } from './outbox.ts';
import { get, type TurnStatements } from './turn-statements.ts';

/** Writes them, and makes messages of them. All calls are made inside a transaction. */
export class RunEnds {
  readonly #statements: TurnStatements;
  readonly #outbox: SqliteOutbox;
  readonly #plan: PlanMessages | undefined;

  /** @param plan makes messages; absent: none are made */
  constructor(statements: TurnStatements, outbox: SqliteOutbox, plan: PlanMessages | undefined) {
    this.#statements = statements;
    this.#outbox = outbox;
    this.#plan = plan;
  }

  /** @returns `false`: refused, for the slot is not held under that fence, or the queued run is gone */
  write(end: EndWrite, at: Instant): boolean {
    const row = get(
      this.#statements.end,
      end.outcome,
      end.endedAt,
      end.startedAt ?? null,
      end.steps,
      end.attempts,
      end.reason ?? null,
      end.by ?? null,
      end.budgetMs ?? null,
      end.graceMs ?? null,
      json(end.progress),
      end.result ?? null,
      json(end.error),
      end.stalled === undefined ? null : Number(end.stalled),
      end.runId,
      end.fence ?? null,
      end.job,
    );
    if (row === undefined) return false;
    const [job, resources, last] = row as [number, number, RunOutcome | null];
    if (resources !== 0) this.#statements.free.run(end.runId);
    if (end.checkpoint === null) this.#statements.clearCheckpoint.run(job);
    else if (end.checkpoint !== undefined) this.#statements.setCheckpoint.run(job, end.runId, end.checkpoint);
    // A queued run that is withdrawn never ran.
    if (end.fence === undefined) return true;
    if (last !== end.outcome && end.outcome !== 'cancelled') this.#statements.lastOutcome.run(end.outcome, job);
    if (this.#plan !== undefined) this.#outbox.add(this.#plan({ kind: 'ended', end, previous: last ?? undefined }), at);
    return true;
  }
}

/** @returns JSON text; `null` for what is absent */
export function json(value: unknown): string | null {
  return value === undefined ? null : JSON.stringify(value);
}
