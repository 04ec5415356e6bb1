/**
 * A granted run: its state, and its attempts one after the other. It reports what happens and returns with the proven end;
 * what the ledger and the slot make of that is the scheduler's business.
 */
import { type Bounds, boundsOf } from '../core/budget.ts';
import { errorRecord } from '../core/errors.ts';
import type { Job } from '../core/job.ts';
import type { SpawnedProcess } from '../core/ledger.ts';
import type { AttemptEnd, LiveAttempt, RunObserver } from '../core/ports.ts';
import type { EndWrite, Grant } from '../core/store.ts';
import { retryDelay } from '../core/retry.ts';
import { describeStop, judge, type RunState, type StopReason, transition, TRANSITIONS } from '../core/run.ts';
import type { Progress } from '../core/task.ts';
import type { DurationMs, Instant, MonotonicMs } from '../core/time.ts';
import { endWriteOf, withdrawalOf } from './end-write.ts';
import { Pause } from './pause.ts';
import type { RunParts } from './run-parts.ts';
import { RunTelling } from './run-telling.ts';

/** One run, from its grant to its proven end. */
export class LiveRun implements RunObserver {
  readonly job: Job;
  readonly grant: Grant;
  state: RunState = 'queued';
  startedAt: Instant | undefined;
  deadline: Instant | undefined;
  attempts = 0;
  /** Steps of finished attempts, and of the one that goes on. */
  steps = 0;
  progress: Progress | undefined;
  isStalled = false;
  /** What the ledger has as the job's checkpoint. */
  savedCheckpoint: string | undefined;
  /** Another one is on its way there. */
  isCheckpointInDoubt = false;
  /** The newest checkpoint, saved or not. */
  checkpoint: string | undefined;
  blockedOn: string | undefined;
  bounds: Bounds | undefined;
  /** Between two attempts: when the next one begins. */
  nextAttemptAt: Instant | undefined;
  /** It ended before it began; its turn in the dispatcher will find nothing to do. */
  isWithdrawn = false;
  readonly #parts: RunParts;
  readonly #gapMs: DurationMs | undefined;
  readonly #telling: RunTelling;
  #attempt: LiveAttempt | undefined;
  #stop: StopReason | undefined;
  /** The first reason from outside; an attempt may be over, or not yet there, when it comes. */
  #asked: StopReason | undefined;
  #windingDown = false;
  #earlierSteps = 0;
  /** The wait between two attempts; made when there is one. */
  #pause: Pause | undefined;

  constructor(job: Job, grant: Grant, gapMs: DurationMs | undefined, parts: RunParts) {
    this.job = job;
    this.grant = grant;
    this.savedCheckpoint = grant.checkpoint;
    this.checkpoint = grant.checkpoint;
    this.#gapMs = gapMs;
    this.#parts = parts;
    this.#telling = new RunTelling(parts.events, grant);
  }

  /** Why it was asked to stop; the attempt that is under way may not have heard of it yet. */
  get stopReason(): StopReason | undefined {
    return this.#stop ?? this.#asked;
  }

  /** The run has begun: it does not merely wait for a place. */
  get begun(): boolean {
    return this.startedAt !== undefined;
  }

  /** Its end is proved. */
  get isOver(): boolean {
    return this.isWithdrawn || TRANSITIONS[this.state].length === 0;
  }

  /** Its steps do not run in this thread, so force can end them. */
  get runsElsewhere(): boolean {
    const { isolation, task } = this.job;
    return task.kind === 'command' || task.kind === 'shell' || (task.kind === 'module' && isolation !== 'inline');
  }

  /**
   * Carries the run out: attempt after attempt, until one does not fail, or no retry is left, or a stop is asked for.
   *
   * @returns what to write under the run's fence; never rejects
   */
  async carryOut(): Promise<EndWrite> {
    const { clock } = this.#parts;
    const bounds = (this.bounds = this.#bounds());
    const { budgetMs, graceMs } = bounds;
    this.startedAt = clock.now();
    const budgetEnd = clock.monotonic() + budgetMs;
    this.deadline = this.startedAt + budgetMs;
    this.state = transition(this.state, 'running');
    this.#telling.started(this.startedAt, this.deadline);
    let end = await this.#begin(budgetEnd, graceMs);
    for (;;) {
      this.#take(end);
      const delayMs = this.#delayBeforeNext(end, budgetEnd);
      if (delayMs === undefined) break;
      this.#telling.retrying(this.attempts, delayMs, end.error);
      this.nextAttemptAt = clock.now() + delayMs;
      this.#pause ??= new Pause();
      await this.#pause.until(clock, clock.monotonic() + delayMs);
      this.nextAttemptAt = undefined;
      if (this.#windingDown || clock.monotonic() >= budgetEnd) break; // The failure stands.
      if (this.#asked !== undefined) {
        end = { ...end, outcome: judge(this.#asked, 'more'), stop: this.#asked };
        break;
      }
      end = await this.#begin(budgetEnd, graceMs);
    }
    return this.#endWrite(end, bounds);
  }

  /** Asks the run to stop; the first reason wins. */
  stop(reason: StopReason): void {
    if (this.#stop !== undefined || this.#asked !== undefined) return;
    this.#asked = reason;
    this.#attempt?.stop(reason);
    this.#pause?.end();
  }

  /** Lets the step that is under way finish, and starts no other. */
  windDown(): void {
    this.#windingDown = true;
    this.#attempt?.windDown();
    this.#pause?.end();
  }

  /** The ledger has this checkpoint; if it is the newest, the attempt need not wait for another. */
  saved(checkpoint: string): void {
    this.savedCheckpoint = checkpoint;
    if (checkpoint === this.checkpoint) this.#attempt?.saved?.(this.steps - this.#earlierSteps);
  }

  /** Cuts the grace short. */
  force(): void {
    if (this.#attempt !== undefined && this.runsElsewhere) this.#telling.forced('hurry');
    this.#attempt?.force();
  }

  /** @returns what to write when the run ends before it began */
  withdraw(by: string): EndWrite {
    this.isWithdrawn = true;
    return withdrawalOf(this.grant, by, this.#parts.clock.now());
  }

  // ------------------------------------------------------------------------------------ RunObserver

  stepped(update: Parameters<RunObserver['stepped']>[0]): void {
    const { steps, checkpoint, progress, durations } = update;
    this.steps = this.#earlierSteps + steps;
    if (durations !== undefined) this.#telling.stepsFinished(durations);
    if (checkpoint === undefined && progress === undefined) return;
    if (checkpoint !== undefined) this.checkpoint = checkpoint;
    if (progress !== undefined) {
      this.progress = progress;
      this.#telling.progressed(this.steps, progress);
    }
    this.#parts.onStepped(this, update.waits === true);
  }

  spawned(process: SpawnedProcess): Promise<void> {
    return this.#parts.onSpawned(this, process);
  }

  stopping(reason: StopReason): void {
    if (this.#stop !== undefined) return;
    this.#stop = reason;
    this.state = transition(this.state, 'stopping');
    this.#telling.stopping(describeStop(reason));
  }

  blocked(what: string): void {
    this.blockedOn = what;
    if (this.state !== 'blocked') this.state = transition(this.state, 'blocked');
    this.#telling.blocked(what);
    // Where there is force, it was used before that is said.
    if (this.#stop !== undefined && this.runsElsewhere) this.#telling.forced('grace');
    this.#parts.onBlocked(this);
  }

  stalled(): void {
    this.isStalled = true;
    this.#telling.stalled();
  }

  line(...line: Parameters<RunObserver['line']>): void {
    this.#telling.line(this.attempts, ...line);
  }

  // -----------------------------------------------------------------------------------------------

  #bounds(): Bounds {
    const { budgetMs, graceMs } = boundsOf(this.job, this.#gapMs);
    return { budgetMs: Math.min(budgetMs, this.grant.budgetMs ?? budgetMs), graceMs };
  }

  #begin(budgetEnd: MonotonicMs, graceMs: DurationMs): Promise<AttemptEnd> | AttemptEnd {
    this.attempts++;
    this.#earlierSteps = this.steps;
    try {
      this.#attempt = this.#parts.runnerFor(this.job).start(
        {
          job: this.job,
          runId: this.grant.runId,
          tick: this.grant.tick,
          fence: this.grant.fence,
          attempt: this.attempts,
          input: this.grant.input === undefined ? this.job.task.input : JSON.parse(this.grant.input),
          checkpoint: this.checkpoint,
          deadline: this.deadline as Instant,
          budgetEnd,
          graceMs,
          stepTimeoutMs: this.job.stepTimeoutMs,
          awaitsSaves: true,
        },
        this,
      );
    } catch (thrown) {
      // Nothing was started, so this is the proven end.
      return { outcome: 'failed', steps: 0, checkpoint: this.checkpoint, error: errorRecord(thrown) };
    }
    if (this.#windingDown) this.#attempt.windDown();
    if (this.#asked !== undefined) this.#attempt.stop(this.#asked);
    return this.#attempt.ended;
  }

  #take(end: AttemptEnd): void {
    this.#attempt = undefined;
    this.steps = this.#earlierSteps + end.steps;
    this.checkpoint = end.checkpoint;
    if (end.progress !== undefined) this.progress = end.progress;
    if (end.durations !== undefined) this.#telling.stepsFinished(end.durations);
    if (end.outcome === 'killed') this.#telling.forced('grace');
  }

  #delayBeforeNext(end: AttemptEnd, budgetEnd: MonotonicMs): DurationMs | undefined {
    const isStopped = this.#stop !== undefined || this.#asked !== undefined || this.#windingDown;
    if (end.outcome !== 'failed' || isStopped) return undefined;
    const remainingMs = budgetEnd - this.#parts.clock.monotonic();
    return retryDelay(this.job.retry, this.attempts, remainingMs, this.#parts.random());
  }

  #endWrite(end: AttemptEnd, bounds: Bounds): EndWrite {
    this.state = transition(this.#judgedFrom(end), end.outcome);
    return endWriteOf(this, end, this.#stop, bounds, this.#windingDown, this.#parts.clock.now());
  }

  /** An adopted AsyncTask may have stopped itself without a word through the observer. */
  #judgedFrom(end: AttemptEnd): RunState {
    return this.state === 'running' && end.stop !== undefined ? transition(this.state, 'stopping') : this.state;
  }
}
