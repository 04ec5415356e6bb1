/**
 * The step loop: `handleTimeoutTask` again and again until it says done, the budget is spent, or a stop is asked for.
 *
 * - No step starts after the budget, or after a stop. A step that is under way when the budget ends is asked to stop by
 *   its signal; the loop then waits for it, for as long as it takes: the end of a run is the settling of its last step,
 *   never a timer. What force there is belongs to the runner.
 * - The first reason to stop wins and is never overwritten.
 * - A checkpoint is made JSON text the moment its step comes back, so that a later step cannot spoil it by changing the object.
 * - Steps that return at once hold the event loop for 5 ms at the most, together with all other loops of the thread.
 */
import { errorRecord, type ErrorRecord } from '../core/errors.ts';
import type { AttemptEnd, LiveAttempt, RunObserver, RunOrder, Timer } from '../core/ports.ts';
import { judge, type LastStep, type StopReason } from '../core/run.ts';
import { parseStepResult, type Progress, type StepResult } from '../core/task.ts';
import type { DurationMs, MonotonicMs } from '../core/time.ts';
import { StepContext } from './context.ts';
import { type EnteredTask, enterTask } from './handler.ts';
import type { LoopParts } from './loop-parts.ts';
import { adopted, TaskOutcome } from './outcome.ts';
import { Pause } from './pause.ts';
import { SaveWait } from './save-wait.ts';
import { StallWatch } from './stall.ts';
import { stepJson } from './step-json.ts';
import { SHORT_MS, StepTally } from './step-tally.ts';
import { StepTimers } from './step-timers.ts';

/**
 * One attempt, driven in this thread.
 * `ended` resolves when the last step has settled; `force()` has no force, since nothing can stop a promise: it says so.
 */
export class RunLoop implements LiveAttempt {
  readonly ended: Promise<AttemptEnd>;
  readonly #order: RunOrder;
  readonly #parts: LoopParts;
  readonly #observer: RunObserver;
  readonly #context: StepContext;
  readonly #stalls = new StallWatch();
  readonly #tally: StepTally;
  #stop: StopReason | undefined;
  #windingDown = false;
  #over = false;
  #stepStartedAt: MonotonicMs = 0;
  #isBetween = false;
  /** Absent: nobody tells when a checkpoint is durable. */
  readonly #saves: SaveWait | undefined;
  /** What the last step handed back. */
  #returned: unknown;
  #checkpoint: string | undefined;
  #progress: Progress | undefined;
  #result: string | undefined;
  #timers: StepTimers | undefined;
  #graceTimer: Timer | undefined;
  #saidStalled = false;
  /** The wait between two steps; made when there is one. */
  #pause: Pause | undefined;

  /**
   * Starts at once: the first step is called before the constructor returns, unless `find` gives a promise.
   *
   * @param find gives the task (see `enterTask`), or a promise of it; a throw or rejection fails the attempt
   * @param order the attempt
   * @param observer told of steps, stalls and the stop
   * @param parts clock, fairness
   */
  constructor(find: () => unknown, order: RunOrder, observer: RunObserver, parts: LoopParts) {
    this.#order = order;
    this.#parts = parts;
    this.#observer = observer;
    this.#checkpoint = order.checkpoint;
    this.#saves = order.awaitsSaves === true ? new SaveWait(parts.clock) : undefined;
    this.#tally = new StepTally(observer);
    this.#context = new StepContext(order, parts.clock, observer, parts.values);
    parts.turn.lastLoop = this;
    this.ended = this.#run(find);
  }

  stop(reason: StopReason): void {
    if (this.#over || this.#stop !== undefined) return;
    this.#stop = reason;
    this.#context.abort(reason);
    this.#observer.stopping(reason);
    this.#saves?.end();
    this.#pause?.end();
    if (this.#parts.lateNote === undefined) return;
    const { clock } = this.#parts;
    this.#graceTimer = clock.setTimer(clock.monotonic() + this.#order.graceMs, () => this.force());
  }

  windDown(): void {
    this.#windingDown = true;
    this.#saves?.end();
    this.#context.inner?.windDown();
    this.#pause?.end();
  }

  saved(step: number): void {
    this.#context.inner?.saved?.(step);
    this.#saves?.saved(step);
  }

  force(): void {
    this.#graceTimer?.cancel();
    if (!this.#over && this.#parts.lateNote !== undefined) this.#observer.blocked(this.#parts.lateNote);
  }

  async #run(find: () => unknown): Promise<AttemptEnd> {
    const { clock, turn } = this.#parts;
    const context = this.#context;
    let last: LastStep = 'more';
    let error: ErrorRecord | undefined;
    try {
      // Steps that settle within this turn need no timer at all; the others get theirs before the next one.
      turn.afterThisTurn(this);
      let target = find();
      // A module that never comes spends the budget like a step that never does.
      this.#stepStartedAt = clock.monotonic();
      if (target instanceof Promise) target = await target;
      const handler = enterTask(target, context.job, context);
      for (let came = await this.#spin(handler); came !== 'end'; came = await this.#spin(handler)) {
        // A loop within the step has counted steps of its own.
        if (came === 'came' && this.#returned instanceof TaskOutcome) return this.#adopt(this.#returned);
        this.#tally.end(clock.monotonic(), this.#stepStartedAt, context.step);
        if (came !== 'came') {
          await this.#between(came === 'spent' ? turn.giveWay() : this.#waitSaved());
          continue;
        }
        const returned = this.#returned;
        const waitMs = returned === true ? DONE : this.#accept(returned);
        if (waitMs === DONE) {
          if (returned === true) this.#checkpoint = undefined;
          last = 'done';
          break;
        }
        if (waitMs > 0) await this.#between(this.#waitForNext(waitMs));
      }
    } catch (thrown) {
      last = 'threw';
      error = context.isEcho(thrown) ? undefined : errorRecord(thrown);
    }
    this.#close();
    if (this.#tally.isOpen) this.#tally.close(clock.monotonic(), this.#stepStartedAt, context.step);
    return {
      outcome: judge(this.#stop, last),
      stop: this.#stop,
      steps: context.step,
      checkpoint: this.#checkpoint,
      progress: this.#progress,
      result: this.#result,
      error,
      stalled: this.#stalls.isStalled,
      durations: this.#tally.take(),
    };
  }

  /**
   * The hot part of the loop, with as few variables as can be: each of them is saved and restored around every `await`.
   * Empty steps stay in here, but for one in 256, at which the clock is looked at for a stall.
   *
   * @returns `end`: no further step; `spent`: give way first; `unsaved`: wait for a durable checkpoint; `came`: see `#returned`
   */
  async #spin(handler: EnteredTask): Promise<'end' | 'spent' | 'unsaved' | 'came'> {
    const { clock, turn } = this.#parts;
    const context = this.#context;
    let startedAt = NaN;
    while (this.#stop === undefined && !this.#windingDown) {
      const now = clock.monotonic();
      if (now >= this.#order.budgetEnd) return 'end';
      if (turn.isSpent(now)) return 'spent';
      if (this.#saves?.isDue(now) === true) return 'unsaved';
      // Not a number: this is the first step of a batch. See step-tally.ts.
      if (!(now - startedAt < SHORT_MS)) this.#tally.mark(now, now - startedAt, context.step);
      this.#stepStartedAt = startedAt = now;
      context.step++;
      let returned = handler.handleTimeoutTask(context);
      // A step result that is no promise waits a microtask for nothing; to look for its `then` would cost every step more.
      if (typeof returned === 'object') returned = await returned;
      if (returned === false && this.#stalls.passes(startedAt)) continue;
      this.#returned = returned;
      return 'came';
    }
    return 'end';
  }

  /** Takes over what a step returned. @returns how long to wait before the next step, or DONE */
  #accept(returned: unknown): number {
    if (returned === false) return this.#stalls.delay(this.#stepStartedAt);
    const result = parseStepResult(returned, this.#order.job.name) as StepResult;
    let checkpoint: string | undefined;
    let waits: boolean | undefined;
    if (result.checkpoint !== undefined) {
      checkpoint = this.#json(result.checkpoint, 'checkpoint');
      this.#checkpoint = checkpoint;
      this.#context.checkpoint = result.checkpoint;
      waits = this.#saves?.wrote(this.#context.step, this.#parts.clock.monotonic() - this.#stepStartedAt);
    }
    if (result.progress !== undefined) this.#progress = result.progress;
    if (result.result !== undefined) this.#result = this.#json(result.result, 'result');
    if (result.done) {
      if (checkpoint === undefined) this.#checkpoint = undefined;
      if (result.progress !== undefined) this.#observer.stepped({ steps: this.#context.step, progress: result.progress });
      return DONE;
    }
    if (checkpoint === undefined && result.progress === undefined) {
      if ((result.waitMs ?? 0) > 0) return result.waitMs ?? 0;
      return this.#stalls.passes(this.#stepStartedAt) ? 0 : this.#stalls.delay(this.#stepStartedAt);
    }
    this.#stalls.movedOn();
    this.#observer.stepped({ steps: this.#context.step, checkpoint, progress: result.progress, waits });
    return result.waitMs ?? 0;
  }

  #json(value: unknown, what: 'checkpoint' | 'result'): string {
    return stepJson(value, what, this.#order.job.name, this.#context.step);
  }

  /** Waits with no step under way: neither the budget nor the step timeout stops a wait, which ends with the budget by itself. */
  async #between(wait: Promise<void> | undefined): Promise<void> {
    this.#isBetween = true;
    await wait;
    this.#isBetween = false;
  }

  #waitSaved(): Promise<void> | undefined {
    return this.#stop !== undefined || this.#windingDown ? undefined : this.#saves?.until(this.#order.budgetEnd);
  }

  async #waitForNext(waitMs: DurationMs): Promise<void> {
    if (this.#stalls.isStalled && !this.#saidStalled) {
      this.#saidStalled = true;
      this.#observer.stalled();
    }
    if (this.#stop !== undefined || this.#windingDown) return;
    const { clock } = this.#parts;
    await (this.#pause ??= new Pause()).until(clock, Math.min(clock.monotonic() + waitMs, this.#order.budgetEnd));
  }

  /** Called by the shared turn once the turn of the first step is over. */
  turnEnded(): void {
    if (this.#over) return;
    const { budgetEnd, stepTimeoutMs } = this.#order;
    const underWay = (): MonotonicMs | undefined => (this.#isBetween ? undefined : this.#stepStartedAt);
    this.#timers = new StepTimers(this.#parts.clock, underWay, (reason) => this.stop(reason));
    this.#timers.arm(budgetEnd, stepTimeoutMs);
  }

  #close(): void {
    this.#over = true;
    this.#context.close();
    this.#timers?.cancel();
    this.#graceTimer?.cancel();
  }

  /** The function was an AsyncTask with a loop of its own: its end is ours. */
  #adopt(end: TaskOutcome): AttemptEnd {
    this.#close();
    return adopted(end, this.#stop, (value, what) => this.#json(value, what));
  }
}

const DONE = -1;
