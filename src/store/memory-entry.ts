/** A job in memory: its slot and its past. */
import type { Decision } from '../core/gate.ts';
import type { JobName } from '../core/job.ts';
import type { TickRecord } from '../core/ports.ts';
import type { QueuedRun, SlotState } from '../core/slot.ts';
import type { Instant } from '../core/time.ts';
import type { MemoryRun, Ring } from './memory-run.ts';

/** A job's slot and its past. It is handed to the gate as it is: the names are those of `SlotView`. */
export interface Entry {
  readonly job: JobName;
  decidedUntil: Instant;
  paused: boolean;
  fence: number;
  live: MemoryRun | undefined;
  /** Oldest first: by `queuedAt`, then id. */
  queued: readonly MemoryRun[];
  checkpoint: string | undefined;
  /** The run that saved the checkpoint. */
  checkpointOf: string | undefined;
  ended: Ring<MemoryRun> | undefined;
  ticks: Ring<TickRecord> | undefined;
}

const NO_RUNS: readonly MemoryRun[] = [];

/**
 * @param job the name
 * @param now from here on its ticks are to be decided
 * @returns a free slot without a past
 */
export function newEntry(job: JobName, now: Instant): Entry {
  return {
    job,
    decidedUntil: now,
    paused: false,
    fence: 0,
    live: undefined,
    queued: NO_RUNS,
    checkpoint: undefined,
    checkpointOf: undefined,
    ended: undefined,
    ticks: undefined,
  };
}

/** Puts a run behind the slot; the queue stays in order of entry. */
export function enqueue(entry: Entry, run: MemoryRun): void {
  entry.queued = [...entry.queued, run].sort((a, b) => a.queuedAt - b.queuedAt || (a.runId < b.runId ? -1 : 1));
}

/** Replaces the job's checkpoint; `null` clears it. */
export function setCheckpoint(entry: Entry, checkpoint: string | null, runId: string): void {
  entry.checkpoint = checkpoint ?? undefined;
  entry.checkpointOf = checkpoint === null ? undefined : runId;
}

/** @returns the slot as the store reports it */
export function slotState(entry: Entry): SlotState {
  const { job, decidedUntil, paused, fence, live, queued } = entry;
  const waiting: QueuedRun[] = queued.map(({ runId, cause }) => ({ runId, cause }));
  return { job, fence, decidedUntil, paused, live: live === undefined ? undefined : { runId: live.runId }, queued: waiting };
}

/** @returns the row that a decision about a tick leads to */
export function tickRecord(job: JobName, made: Exclude<Decision, { kind: 'stop' }>, decidedAt: Instant): TickRecord {
  const { tick } = made;
  switch (made.kind) {
    case 'start':
    case 'queue':
      return { job, tick, outcome: 'ran', runId: made.runId, decidedAt };
    case 'skip':
      return { job, tick, outcome: 'skipped', reason: made.reason, decidedAt };
    case 'miss':
      return { job, tick, outcome: 'missed', reason: made.reason, decidedAt };
    case 'fold':
      return { job, tick, outcome: 'folded', runId: made.into, decidedAt };
    default:
      return made satisfies never;
  }
}
