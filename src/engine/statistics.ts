/** The figures that a scheduler keeps of itself. */
import type { RunOutcome } from '../core/run.ts';
import type { TickOutcome } from '../core/tick.ts';
import type { DurationMs } from '../core/time.ts';

/** Figures of this scheduler since its start. */
export interface Statistics {
  readonly jobs: number;
  /** Granted and not ended, those waiting for a place included. */
  readonly live: number;
  readonly waitingForPlace: number;
  readonly blocked: number;
  readonly ticks: Readonly<Record<TickOutcome, number>>;
  /** Stretches of missed ticks that were decided as one, for they were too many to be listed; not counted in `ticks`. */
  readonly tickRanges: number;
  /** Steps of the wall clock that were noticed, and by how much it was moved in all, each step counted as positive. */
  readonly clockSteps: number;
  readonly clockSteppedMs: DurationMs;
  readonly runs: Readonly<Record<RunOutcome, number>>;
}
