/**
 * A runner whose attempts follow a script in virtual time. It keeps the contract of the port as the real ones do: no step
 * after the budget or a stop, first reason wins, grace, force, and an end that resolves on "proof" alone.
 */
import { errorRecord } from '../core/errors.ts';
import type { AttemptEnd, Clock, LiveAttempt, Runner, RunObserver, RunOrder, Timer } from '../core/ports.ts';
import { judge, type LastStep, type StopReason } from '../core/run.ts';
import type { Progress } from '../core/task.ts';
import type { MonotonicMs } from '../core/time.ts';
import { type AttemptScript, type AttemptWatch, checkpointAfter, type ScriptedStep } from './script.ts';

/** A runner, and what is live in it. */
export interface ScriptedRunner extends Runner {
  /** Orders of the attempts that have begun and not ended. */
  live(): readonly RunOrder[];
  /** The process dies: all attempts are gone at once, and nobody is told. */
  abandon(): void;
}

/**
 * Makes a scripted runner.
 *
 * @param clock drives every attempt
 * @param script what an attempt does; called as it begins
 * @param watch sees every attempt and step
 * @returns a runner that never throws
 */
export function createScriptedRunner(
  clock: Clock,
  script: (order: RunOrder) => AttemptScript,
  watch?: AttemptWatch,
): ScriptedRunner {
  const live = new Set<ScriptedAttempt>();
  return {
    start(order, observer) {
      const attempt = new ScriptedAttempt(clock, script(order), order, observer, watch, () => live.delete(attempt));
      live.add(attempt);
      attempt.begin();
      return attempt;
    },
    live: () => [...live].map((attempt) => attempt.order),
    abandon() {
      for (const attempt of live) attempt.abandon();
      live.clear();
    },
    async [Symbol.asyncDispose]() {},
  };
}

class ScriptedAttempt implements LiveAttempt {
  readonly ended: Promise<AttemptEnd>;
  readonly order: RunOrder;
  readonly #clock: Clock;
  readonly #script: AttemptScript;
  readonly #observer: RunObserver;
  readonly #watch: AttemptWatch | undefined;
  readonly #onOver: () => void;
  #prove: (end: AttemptEnd) => void = () => {};
  #isOver = false;
  #stop: StopReason | undefined;
  #isWindingDown = false;
  #isForced = false;
  #steps = 0;
  #inStep = false;
  #checkpoint: string | undefined;
  #progress: Progress | undefined;
  /** The step under way, or the wait for the next one. */
  #stepTimer: Timer | undefined;
  readonly #others: Timer[] = [];

  constructor(
    clock: Clock,
    script: AttemptScript,
    order: RunOrder,
    observer: RunObserver,
    watch: AttemptWatch | undefined,
    onOver: () => void,
  ) {
    this.#clock = clock;
    this.#script = script;
    this.order = order;
    this.#observer = observer;
    this.#watch = watch;
    this.#onOver = onOver;
    this.#checkpoint = order.checkpoint;
    this.ended = new Promise((resolve) => (this.#prove = resolve));
  }

  begin(): void {
    this.#watch?.began(this.order);
    this.#at(this.order.budgetEnd, () => {
      if (this.#inStep) this.stop({ kind: 'budget' });
      else this.#end('more');
    });
    this.#nextStep();
  }

  stop(reason: StopReason): void {
    if (this.#isOver || this.#stop !== undefined) return;
    this.#stop = reason;
    this.#observer.stopping(reason);
    if (!this.#inStep) {
      this.#end('more');
      return;
    }
    const { stopDelayMs } = this.#script;
    if (stopDelayMs !== undefined) this.#after(stopDelayMs, () => this.#end('threw'));
    this.#after(this.order.graceMs, () => this.force());
  }

  windDown(): void {
    this.#isWindingDown = true;
    if (!this.#isOver && !this.#inStep) this.#end('more');
  }

  force(): void {
    if (this.#isOver || this.#isForced || this.#stop === undefined) return;
    this.#isForced = true;
    const { forceDelayMs } = this.#script;
    if (forceDelayMs !== undefined) this.#after(forceDelayMs, () => this.#end('forced'));
    if (forceDelayMs !== 0) this.#observer.blocked(forceDelayMs === undefined ? 'there is no force' : 'the proof is late');
  }

  /** Gone without a word. */
  abandon(): void {
    this.#isOver = true;
    this.#cancelTimers();
  }

  #nextStep(): void {
    const step = this.#script.steps[this.#steps];
    if (step === undefined) throw new Error('a script has at least one step');
    if (this.#isWindingDown || this.#stop !== undefined || this.#clock.monotonic() >= this.order.budgetEnd) {
      this.#end('more');
      return;
    }
    this.#steps++;
    this.#inStep = true;
    this.#watch?.stepBegan(this.order, this.#steps);
    this.#armStepTimeout(this.#steps);
    if (step.takesMs === Infinity) return;
    this.#stepTimer = this.#clock.setTimer(this.#clock.monotonic() + step.takesMs, () => this.#stepCameBack(step));
  }

  #stepCameBack(step: ScriptedStep): void {
    this.#inStep = false;
    if (step.throws !== undefined) {
      this.#end('threw', step.throws);
      return;
    }
    const done = this.#steps === this.#script.steps.length;
    this.#checkpoint = checkpointAfter(this.#checkpoint, step, done);
    if (step.progress !== undefined) this.#progress = step.progress;
    this.#watch?.stepEnded(this.order, this.#checkpoint);
    if (done) {
      this.#end('done');
      return;
    }
    if (step.checkpoint !== undefined || step.progress !== undefined) {
      this.#observer.stepped({
        steps: this.#steps,
        checkpoint: step.checkpoint === undefined ? undefined : this.#checkpoint,
        progress: step.progress,
      });
    }
    const isStopped = this.#stop !== undefined || this.#isWindingDown;
    if (step.waitMs === undefined || isStopped) this.#nextStep();
    else this.#stepTimer = this.#clock.setTimer(this.#clock.monotonic() + step.waitMs, () => this.#nextStep());
  }

  #armStepTimeout(step: number): void {
    const limitMs = this.order.stepTimeoutMs;
    if (limitMs === undefined) return;
    this.#after(limitMs, () => {
      if (this.#inStep && this.#steps === step) this.stop({ kind: 'stepTimeout', limitMs });
    });
  }

  #end(last: LastStep, message?: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#inStep = false;
    this.#cancelTimers();
    const end: AttemptEnd = {
      outcome: judge(this.#stop, last),
      stop: this.#stop,
      steps: this.#steps,
      checkpoint: this.#checkpoint,
      progress: this.#progress,
      error: message === undefined ? undefined : errorRecord(new Error(message)),
    };
    this.#onOver();
    this.#watch?.ended(this.order, end);
    this.#prove(end);
  }

  #after(ms: number, callback: () => void): void {
    this.#at(this.#clock.monotonic() + ms, callback);
  }

  #at(instant: MonotonicMs, callback: () => void): void {
    this.#others.push(
      this.#clock.setTimer(instant, () => {
        if (!this.#isOver) callback();
      }),
    );
  }

  #cancelTimers(): void {
    this.#stepTimer?.cancel();
    for (const timer of this.#others) timer.cancel();
  }
}
