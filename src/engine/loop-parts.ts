import type { Clock } from '../core/ports.ts';
import type { SharedTurn } from './turn.ts';

/** What all loops of a thread share. */
export interface LoopParts {
  readonly clock: Clock;
  readonly turn: SharedTurn;
  /** What to tell the observer's `blocked` when grace is over and the last step has not settled. Absent: somebody else watches. */
  readonly lateNote?: string | undefined;
  /** What `context.value` sees. */
  readonly values?: Pick<ReadonlyMap<string | symbol, unknown>, 'get'> | undefined;
}
