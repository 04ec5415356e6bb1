/** What a scheduler knows that the ledger does not, for those who look on. Nothing here changes anything. */
import { type Bounds, boundsOf } from '../core/budget.ts';
import type { Job, JobName } from '../core/job.ts';
import type { Clock } from '../core/ports.ts';
import type { DurationMs } from '../core/time.ts';
import type { Committer, StoreOutage } from './committer.ts';
import type { JobEntry } from './job-entry.ts';
import type { JobTable } from './job-table.ts';
import type { LiveRun } from './live-run.ts';
import type { LiveRuns } from './live-runs.ts';
import type { Statistics } from './statistics.ts';
import type { Turns } from './turns.ts';
import type { WakeTimer } from './wake-timer.ts';

/** A job as the scheduler holds it. */
export type JobState = Readonly<
  Pick<JobEntry, 'job' | 'nextTickAt' | 'live' | 'queued' | 'isPaused' | 'paused' | 'horizons' | 'decidedUntil'>
>;

/** Where it is looked up. */
export interface LiveStateParts {
  readonly clock: Clock;
  readonly table: JobTable;
  readonly runs: LiveRuns;
  readonly turns: Turns;
  readonly committer: Committer;
  readonly timer: WakeTimer;
  readonly concurrency: number;
  readonly matches: (job: Job) => boolean;
  readonly isRunning: () => boolean;
}

/** See the head of this file. */
export class LiveState {
  readonly #parts: LiveStateParts;

  constructor(parts: LiveStateParts) {
    this.#parts = parts;
  }

  /** Runs live at once on this node. */
  get concurrency(): number {
    return this.#parts.concurrency;
  }

  /** It is started, and not stopped. */
  get isRunning(): boolean {
    return this.#parts.isRunning();
  }

  /** It starts nothing new. */
  get isDraining(): boolean {
    return this.#parts.turns.isDraining;
  }

  /** Since when the store fails, and how; `undefined`: it does not. */
  get outage(): StoreOutage | undefined {
    return this.#parts.committer.outage;
  }

  /** How long ago the loop moved: the wake timer fired, or was set to another instant. */
  get loopMovedMsAgo(): DurationMs {
    return Math.max(0, this.#parts.clock.monotonic() - this.#parts.timer.movedAt);
  }

  /** The configured jobs, in no order. */
  jobs(): Iterable<JobState> {
    return this.#parts.table.configured();
  }

  /** @returns `undefined` for a job that is not configured */
  find(job: JobName): JobState | undefined {
    return this.#parts.table.find(job);
  }

  /** @returns the run with this id, if it holds a slot here */
  run(runId: string): LiveRun | undefined {
    return this.#parts.runs.find(runId);
  }

  runs(): Iterable<LiveRun> {
    return this.#parts.runs.all();
  }

  /** @returns whether a run with this id waits behind its slot */
  isQueued(runId: string): boolean {
    return this.#parts.table.isQueued(runId);
  }

  /** Whether a job may run on this node. */
  matches(job: Job): boolean {
    return this.#parts.matches(job);
  }

  /** @returns the bounds of the job's next run */
  boundsOf(job: Job): Bounds {
    return boundsOf(job, this.#parts.table.gapOf(job, this.#parts.clock.now()));
  }

  statistics(): Statistics {
    const { runs, turns, table } = this.#parts;
    const live = [...runs.all()];
    return {
      jobs: table.size,
      live: live.length,
      waitingForPlace: live.filter((run) => !run.begun).length,
      blocked: live.filter((run) => run.state === 'blocked').length,
      ticks: { ...turns.ticks },
      tickRanges: turns.ranges,
      clockSteps: turns.clockSteps,
      clockSteppedMs: turns.clockSteppedMs,
      runs: { ...runs.outcomes },
    };
  }
}
