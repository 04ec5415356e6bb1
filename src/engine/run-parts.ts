import type { Job } from '../core/job.ts';
import type { SpawnedProcess } from '../core/ledger.ts';
import type { Clock, Runner } from '../core/ports.ts';
import type { Events } from './events.ts';
import type { LiveRun } from './live-run.ts';

/** What all runs of a scheduler share. */
export interface RunParts {
  readonly clock: Clock;
  readonly events: Events;
  readonly runnerFor: (job: Job) => Runner;
  /** In [0, 1). */
  readonly random: () => number;
  /** A checkpoint or progress waits to be written; `waits`: and the run waits for it. */
  readonly onStepped: (run: LiveRun, waits: boolean) => void;
  /** A process of the run waits for the word. @returns when the ledger knows it */
  readonly onSpawned: (run: LiveRun, process: SpawnedProcess) => Promise<void>;
  /** The run has spent grace and force, and its end is not proved. */
  readonly onBlocked: (run: LiveRun) => void;
}
