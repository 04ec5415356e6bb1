/** A slot in the middle of a turn. */
import type { Job } from '../core/job.ts';
import type { Cause } from '../core/run.ts';
import type { QueuedRun, SlotView } from '../core/slot.ts';
import type { Instant } from '../core/time.ts';
import { get, type TurnStatements } from './turn-statements.ts';

/** A slot as the transaction reads it, and as it will be written when the claim has been carried out. */
export interface OpenSlot extends Omit<SlotView, 'decidedUntil'> {
  readonly id: number;
  readonly fence: number;
  decidedUntil: Instant;
  /** Whether a resource of the job's `exclusive` is held by another job's run. */
  readonly held: boolean;
  nextFence: number;
  newest: string | null;
  nextDecidedUntil: Instant;
}

/** @throws Error for a job that was never armed */
export function openSlot(statements: TurnStatements, job: Job): OpenSlot {
  const row = get(statements.slot, job.name);
  if (row === undefined) throw new Error(`job ${job.name} was claimed before it was armed`);
  const [id, decidedUntil, paused, fence, newest, live, hasQueue] = row as [
    number,
    number,
    number,
    number,
    string | null,
    string | null,
    number,
  ];
  return {
    id,
    fence,
    decidedUntil,
    paused: paused === 1,
    live: live === null ? undefined : { runId: live },
    queued: hasQueue === 1 ? queueOf(statements, id) : [],
    held: job.exclusive.length > 0 && job.exclusive.some((name) => get(statements.holder, name, id) !== undefined),
    nextFence: fence,
    newest,
    nextDecidedUntil: decidedUntil,
  };
}

function queueOf(statements: TurnStatements, id: number): QueuedRun[] {
  const rows = statements.queued.all(id) as unknown as [string, Cause][];
  return rows.map(([runId, cause]) => ({ runId, cause }));
}
