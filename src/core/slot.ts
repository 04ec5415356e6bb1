/**
 * The slot: the right to run a job. Each job has exactly one, and it is a row in the store, never a boolean on an object.
 *
 * Authority. The store's transaction grants a slot and frees it; nobody else. A grant carries a fence, a number that grows
 * by one with each grant of that slot, for ever. Whatever is written later about the run names that fence and is refused
 * if the slot has moved on.
 *
 * States. free (`live` absent) → granted (`live`, fence + 1) → free again, by a write of the run's end that names the fence.
 * There is no other way from granted to free: no timer, no expiry, no restart. A restart finds the row, proves that what it
 * names is dead, and then writes the end like everybody else.
 *
 * Queued runs stand behind the slot without holding it. They have no fence until they are granted. At most one was put there
 * by the policies `queue` and `cancel`; the rest are missed ticks of `onMissed: all`, bounded by `missedLimit`.
 */
import type { JobName } from './job.ts';
import type { Horizon } from './reliving.ts';
import type { Cause } from './run.ts';
import type { Instant } from './time.ts';

/** A run that waits behind the slot. */
export interface QueuedRun {
  readonly runId: string;
  readonly cause: Cause;
}

/** What the gate sees of a slot. */
export interface SlotView {
  /** Every tick at or before this instant has been decided. It goes back with the clock: see core/reliving. */
  readonly decidedUntil: Instant;
  /** Set by `pause`, beside the job's own `paused`. */
  readonly paused: boolean;
  /** The run that holds the slot. */
  readonly live?: { readonly runId: string } | undefined;
  /** Oldest first. */
  readonly queued: readonly QueuedRun[];
}

/** A slot as the store reports it. */
export interface SlotState extends SlotView {
  readonly job: JobName;
  /** The fence of the last grant; 0 before the first. It never goes back, whatever the clock does. */
  readonly fence: number;
  /** Where ticks were decided until before the clock was set back, oldest first; absent: it never was. See core/reliving. */
  readonly horizons?: readonly Horizon[] | undefined;
}
