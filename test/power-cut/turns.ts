/** What the recorded daemon does, and what it reports of each turn. */
import type { Job } from '../../src/core/job.ts';
import { makeJob } from '../store/fixture.ts';

export const TICK_MS = 1_000;

const schedules = [{ kind: 'every', everyMs: TICK_MS / 2 }] as const;
const history = { maxRunsPerJob: 30, maxAgeMs: 1e12 };

/** They skip, queue, share a resource, and have a history short enough that rows are pruned on the way. */
export const JOBS: readonly Job[] = [
  makeJob('skips', { schedules, history }),
  makeJob('queues', { schedules, history, onOverlap: 'queue' }),
  makeJob('shares', { schedules, history, exclusive: ['disk'] }),
  makeJob('shares-too', { schedules, history, exclusive: ['disk'] }),
];

/** A turn that `commit` has reported as durable. */
export interface Fact {
  readonly turn: number;
  readonly ended: readonly string[];
  readonly granted: readonly (readonly [runId: string, fence: number])[];
  /** All slots after it, as JSON. */
  readonly slots: string;
}
