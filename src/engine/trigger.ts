/** Asking for a run: what it may bring, and what became of it. */
import type { RefusalReason, TriggerDecision } from '../core/gate.ts';
import type { Idempotency } from '../core/store.ts';
import type { DurationMs } from '../core/time.ts';

/** What became of a trigger. */
export type TriggerResult =
  | { readonly kind: 'started' | 'queued' | 'folded' | 'repeated'; readonly runId: string }
  /** The trigger's key stands for another request, which led to this run. */
  | { readonly kind: 'keyReused'; readonly runId: string }
  | { readonly kind: 'refused'; readonly reason: RefusalReason; readonly liveRunId: string | undefined };

/** What a trigger is told by a scheduler that has stopped. */
export const STOPPED: TriggerResult = { kind: 'refused', reason: 'draining', liveRunId: undefined };

/** What a trigger may bring. */
export interface TriggerOptions {
  /** JSON text. */
  readonly input?: string | undefined;
  /** Never above the job's own. */
  readonly budgetMs?: DurationMs | undefined;
  /** Who asks; kept in the ledger. */
  readonly by?: string | undefined;
  /** The same key again leads to the same run. */
  readonly idempotency?: Idempotency | undefined;
}

/** Reads the gate's decision. @returns what the asker is told */
export function triggerResult(decisions: readonly TriggerDecision[]): TriggerResult {
  const decision = decisions.findLast((made) => made.kind !== 'stop');
  switch (decision?.kind) {
    case 'start':
      return { kind: 'started', runId: decision.runId };
    case 'queue':
      return { kind: 'queued', runId: decision.runId };
    case 'fold':
      return { kind: 'folded', runId: decision.into };
    case 'refuse':
      return { kind: 'refused', reason: decision.reason, liveRunId: decision.liveRunId };
    case 'repeat':
      return { kind: decision.sameRequest ? 'repeated' : 'keyReused', runId: decision.runId };
    case undefined:
      throw new Error('the gate made no decision about a trigger');
    default:
      return decision satisfies never;
  }
}
