/**
 * What the doors ask of a running daemon: the API, and through it the command line and the page. Every way to start a run
 * ends in `submit`, and that in the one gate.
 */
import type { RefusalReason } from './gate.ts';
import type { Job, JobName } from './job.ts';
import type { RunRecord, TickRecord } from './ledger.ts';
import type { LogLine } from './log-line.ts';
import type { RunState } from './run.ts';
import type { DurationMs, Instant } from './time.ts';

/** A request for a run. */
export interface Submission {
  readonly job: JobName;
  /** JSON; checked against the job's `inputSchema`, if there is one. */
  readonly input?: unknown;
  /** Never above the job's own. */
  readonly budgetMs?: DurationMs | undefined;
  /** Who asks; kept in the ledger. */
  readonly by: string;
  /** The same key within 24 hours stands for the same run; 1 to 255 characters. */
  readonly idempotencyKey?: string | undefined;
}

/** What became of a submission, durable. */
export type SubmitResult =
  /** `repeated`: the key was used before, for the same request; this is its run. */
  | { readonly kind: 'started' | 'queued' | 'folded' | 'repeated'; readonly runId: string }
  | { readonly kind: 'refused'; readonly reason: RefusalReason; readonly liveRunId?: string | undefined }
  /** The key was used before, for another request. */
  | { readonly kind: 'keyReused'; readonly runId: string };

/** A run as the doors show it: the ledger's record, and what of it is live. */
export interface RunView extends RunRecord {
  /** `stopping` and `blocked` included. */
  readonly state: RunState;
  /** Of a live run: when its budget is spent. */
  readonly deadline?: Instant;
  /** Of a live run: why it was asked to stop, or what keeps its end from being proved. */
  readonly waitingFor?: string;
}

/** A job as the doors show it. */
export interface JobView {
  readonly job: Job;
  /** `paused` by hand or by the definition. */
  readonly state: 'idle' | 'queued' | 'running' | 'stopping' | 'blocked' | 'paused';
  readonly paused: boolean;
  readonly budgetMs: DurationMs;
  readonly graceMs: DurationMs;
  readonly nextTick?: Instant;
  readonly liveRun?: RunView;
  readonly queuedRuns: readonly string[];
  /** The newest run that ended. */
  readonly lastRun?: RunRecord;
}

/** Whether the daemon is well. */
export interface Health {
  /** How long ago the scheduler's own loop last moved; `alive` is false when that is longer than it may be. */
  readonly loopMovedMsAgo: DurationMs;
  readonly alive: boolean;
  /** It takes work: started, not draining, and its store works. */
  readonly ready: boolean;
  /** One short sentence for each thing that is not well. */
  readonly faults: readonly string[];
}

/** Which runs to list, newest first. */
export interface RunFilter {
  readonly job?: JobName;
  readonly state?: RunState;
  readonly from?: Instant;
  readonly to?: Instant;
  /** The id of the last run of the page before. */
  readonly after?: string;
  /** 1 to 1,000. */
  readonly limit: number;
}

/** An event as the doors pass it on: numbered, and as JSON. */
export interface NumberedEvent {
  /** `EPOCH-NUMBER`: the epoch tells one daemon's life from another, the number grows by one. */
  readonly id: string;
  readonly type: string;
  /** JSON text. */
  readonly data: string;
}

/** Events from some point on, for one listener. */
export interface EventFeed extends Disposable {
  /** What is still kept of the time after the id that was given. */
  readonly backlog: readonly NumberedEvent[];
  /** Events after that id are kept no more, or are of another daemon's life: the listener should read the ledger. */
  readonly hasGap: boolean;
  /** The id of the newest event so far: who has seen nothing yet goes on from here. */
  readonly position: string;
}

/** See the head of this file. Every method may also throw TickwiseError `STORE_UNUSABLE`, and `JOB_NOT_FOUND` where it takes a job. */
export interface Control {
  /** Instant and version for people. */
  readonly about: { readonly version: string; readonly node: string; readonly startedAt: Instant };
  now(): Instant;
  /** @throws TickwiseError `INPUT_INVALID` naming what is wrong with `input`; `DRAINING` */
  submit(submission: Submission): Promise<SubmitResult>;
  /** Asks a run to stop, or withdraws a queued one. @returns its state before; `undefined` for a run that nobody knows */
  cancelRun(runId: string, by: string): Promise<RunState | undefined>;
  /** Asks a job's live and queued runs to stop. @returns their ids */
  cancelJob(job: JobName, by: string): Promise<readonly string[]>;
  pause(job: JobName, by: string): Promise<void>;
  resume(job: JobName, by: string): Promise<void>;
  /** In the order of their names. */
  jobs(): Promise<readonly JobView[]>;
  job(job: JobName): Promise<JobView>;
  /** In words, a line each: what the job does or what holds it. Never empty. */
  why(job: JobName): Promise<readonly string[]>;
  ticks(query: { job: JobName; from?: Instant; to?: Instant; limit: number }): Promise<readonly TickRecord[]>;
  /** Ticks to come. */
  nextTicks(job: JobName, limit: number): Promise<readonly Instant[]>;
  runs(filter: RunFilter): Promise<readonly RunView[]>;
  /** @returns `undefined` for an unknown id */
  run(runId: string): Promise<RunView | undefined>;
  /** Resolves when the run has ended, or the signal is aborted, whichever comes first; at once for one that is not live. */
  waitForEnd(runId: string, signal: AbortSignal): Promise<void>;
  /** Lines of a run after `after`, oldest first. @returns `undefined` for an unknown run */
  log(runId: string, query: { after?: number; limit: number }): Promise<readonly LogLine[] | undefined>;
  /**
   * Listens to all events.
   *
   * @param after the id of the last event seen; absent: from now on
   * @param listener called at once and in order, after the backlog was taken
   */
  follow(after: string | undefined, listener: (event: NumberedEvent) => void): EventFeed;
  health(): Health;
  /** Prometheus' text format. */
  metrics(): Promise<{ readonly contentType: string; readonly text: string }>;
}
