/** From what the gate decided about a tick to what the ledger says of it. */
import type { TickDecision } from '../core/gate.ts';
import type { TickRecord } from '../core/ledger.ts';

/** @returns outcome, reason and run; the rest is absent */
export function tickOutcome(made: TickDecision): Pick<TickRecord, 'outcome' | 'reason' | 'runId'> {
  switch (made.kind) {
    case 'start':
    case 'queue':
      return { outcome: 'ran', runId: made.runId };
    case 'skip':
      return { outcome: 'skipped', reason: made.reason };
    case 'miss':
      return { outcome: 'missed', reason: made.reason };
    case 'fold':
      return { outcome: 'folded', runId: made.into };
    default:
      return made satisfies never;
  }
}
