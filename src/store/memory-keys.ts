/** What the keys of triggers stand for, in memory. */
import type { TriggerDecision } from '../core/gate.ts';
import type { Idempotency } from '../core/store.ts';
import type { Instant } from '../core/time.ts';
import type { Entry } from './memory-entry.ts';
import { ledTo } from './trigger-keys.ts';

/** What a key stands for. */
export interface KeptKey {
  readonly fingerprint: string;
  readonly runId: string;
  readonly until: Instant;
}

/** Each key that enters owes a look at two old ones, round and round. */
const LOOKS_EACH = 2;

/** @returns the decision about a trigger whose key is known; `undefined`: it is not, or no more */
export function recallKey(entry: Entry, { key, fingerprint }: Idempotency, at: Instant): TriggerDecision | undefined {
  const kept = entry.keys?.get(key);
  if (kept === undefined || kept.until <= at) return undefined;
  return { kind: 'repeat', runId: kept.runId, sameRequest: kept.fingerprint === fingerprint };
}

/** Keeps a key that led to a run, and lets go of old ones. */
export function keepKey(entry: Entry, idempotency: Idempotency, decisions: readonly TriggerDecision[], at: Instant): void {
  const runId = ledTo(decisions);
  if (runId === undefined) return;
  const { key, fingerprint, until } = idempotency;
  const keys = (entry.keys ??= new Map());
  keys.delete(key);
  let looks = LOOKS_EACH;
  for (const [old, kept] of keys) {
    if (looks-- === 0) break;
    keys.delete(old);
    if (kept.until > at) keys.set(old, kept);
  }
  keys.set(key, { fingerprint, runId, until });
}
