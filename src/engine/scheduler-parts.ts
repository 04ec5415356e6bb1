/** What a scheduler needs from outside. */
import type { Job } from '../core/job.ts';
import type { Calendar, Clock, Runner } from '../core/ports.ts';
import type { Store } from '../core/store.ts';
import type { Events } from './events.ts';

/** What a scheduler is made of. */
export interface SchedulerParts {
  readonly clock: Clock;
  readonly calendar: Calendar;
  readonly store: Store;
  readonly runnerFor: (job: Job) => Runner;
  /** Runs live at once. */
  readonly concurrency: number;
  /** Who listens already; absent: nobody. */
  readonly events?: Events | undefined;
  /** Whether a job may run on this node; absent: all may. */
  readonly matches?: ((job: Job) => boolean) | undefined;
  /** Due ticks of a job that are listed one by one; more become a range. 1,000 unless given. */
  readonly mostListed?: number | undefined;
  /** In [0, 1); for retry jitter and the ids of triggered runs. */
  readonly random: () => number;
}
