/**
 * One attempt in a host, seen from outside: the supervisor. The loop inside the host keeps budget, grace and step timeout as long
 * as its thread turns; the supervisor keeps them again by force, for user code may block the thread at any line.
 *
 * Authority. The first reason to stop, wherever it arose, is the one that this object took note of first; the host's own view is
 * judged again by it. The end is proved by the host's `ended` followed by "nothing left behind", or by the host's own proven end.
 *
 * waiting (for a host) → sent → running → clearing (the loop has ended, leftovers have not) → over.
 *
 * Timing. With budget end B and grace G: the host stops its run at B; the supervisor says so too at B + 100 ms if nothing came;
 * force at B + G, and again each second; `blocked` is said 2 s after the first force without proof. Another reason to stop has
 * its force after its own grace, and never later than B + G.
 */
import { errorRecord, TickwiseError } from '../core/errors.ts';
import type { AttemptEnd, Clock, LiveAttempt, RunObserver, RunOrder, Timer } from '../core/ports.ts';
import { judge, type LastStep, type StopReason } from '../core/run.ts';
import type { Progress } from '../core/task.ts';
import type { MonotonicMs } from '../core/time.ts';
import { hrNow } from './host-clock.ts';
import { LineSplitter, OutputCap } from './module-output.ts';
import type { Host, HostExit, HostPool } from './pool.ts';
import { hostOrderOf, type FromHost, type HostOrder } from './protocol.ts';

/** How much later than the host the supervisor says that the budget is spent: a step that ended in time shall be heard. */
const LATE_MS = 100;
const BLOCKED_AFTER_MS = 2_000;
const FORCE_EACH_MS = 1_000;
/** A warm host that does not take up its order in this time, or a quarter of the budget, is blocked by what an earlier run left in it. */
const BEGIN_MS = 2_000;
const SHORTEST_BEGIN_MS = 100;
/** A host that dies before it has taken up its order is replaced so many times. */
const MOST_HOSTS = 3;
/** A host that said it crashes has so long to exit by itself. */
const CRASH_MS = 500;

let lastAttemptId = 0;

/** See the head of this file. */
export class ModuleAttempt implements LiveAttempt {
  readonly ended: Promise<AttemptEnd>;
  readonly #order: RunOrder;
  readonly #observer: RunObserver;
  readonly #pool: HostPool;
  readonly #clock: Clock;
  readonly #attemptId: number = ++lastAttemptId;
  readonly #output: OutputCap;
  readonly #raw: { readonly stdout: LineSplitter; readonly stderr: LineSplitter };
  #resolve: (end: AttemptEnd) => void = () => {};
  #phase: 'waiting' | 'sent' | 'running' | 'clearing' | 'over' = 'waiting';
  #host: Host | undefined;
  #hosts = 0;
  #giveUpWaiting: (() => void) | undefined;
  #stop: StopReason | undefined;
  #forcedAt: MonotonicMs | undefined;
  #saidBlocked: string | undefined;
  #steps = 0;
  #checkpoint: string | undefined;
  #progress: Progress | undefined;
  #stalled = false;
  #crash: TickwiseError | undefined;
  #end: AttemptEnd | undefined;
  #budgetTimer: Timer | undefined;
  #forceTimer: Timer | undefined;
  #beginTimer: Timer | undefined;
  #beatTimer: Timer | undefined;
  #beatAt: MonotonicMs = 0;

  constructor(order: RunOrder, observer: RunObserver, pool: HostPool, clock: Clock) {
    this.#order = order;
    this.#observer = observer;
    this.#pool = pool;
    this.#clock = clock;
    this.#checkpoint = order.checkpoint;
    this.#output = new OutputCap({
      line: (level, source, text, fields) => observer.line(level, source, text, fields),
      leftOut: (lines, characters) =>
        observer.line(
          'warn',
          'task',
          `… ${lines} lines of output (${characters} characters) are left out: a run keeps 64 KiB, head and tail …`,
        ),
    });
    this.#raw = {
      stdout: new LineSplitter((text) => this.#output.line('info', 'stdout', text)),
      stderr: new LineSplitter((text) => this.#output.line('warn', 'stderr', text)),
    };
    this.ended = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    this.#budgetTimer = clock.setTimer(order.budgetEnd + LATE_MS, () => clock.defer(() => this.stop({ kind: 'budget' })));
    this.#acquire();
  }

  stop(reason: StopReason): void {
    if (this.#stop !== undefined || this.#phase === 'clearing' || this.#phase === 'over') return;
    this.#note(reason);
    if (this.#phase === 'waiting') this.#finish(this.#judged('more'));
    else this.#host?.send({ type: 'stop', attemptId: this.#attemptId, reason });
  }

  windDown(): void {
    if (this.#phase === 'waiting') this.#finish(this.#judged('more'));
    else this.#host?.send({ type: 'windDown', attemptId: this.#attemptId });
  }

  force(): void {
    if (this.#stop !== undefined || this.#phase === 'clearing') this.#force();
  }

  #acquire(): void {
    this.#phase = 'waiting';
    this.#giveUpWaiting = this.#pool.acquire(this.#order.job.name, {
      take: (host, isFresh) => this.#send(host, isFresh),
      fail: (error) => this.#neverStarted(error),
    });
  }

  #send(host: Host, isFresh: boolean): void {
    const order = this.#prepare();
    if (order === undefined) {
      this.#pool.release(host);
      return;
    }
    this.#phase = 'sent';
    this.#host = host;
    this.#hosts++;
    host.listen({
      message: (message) => this.#receive(message),
      output: (source, chunk) => this.#raw[source].write(chunk),
      gone: (exit) => this.#gone(exit),
    });
    host.send({ type: 'run', order });
    if (isFresh) return;
    const now = this.#clock.monotonic();
    const waitMs = Math.max(SHORTEST_BEGIN_MS, Math.min(BEGIN_MS, (this.#order.budgetEnd - now) / 4));
    this.#beginTimer = this.#clock.setTimer(now + waitMs, () =>
      this.#clock.defer(() => {
        if (this.#phase === 'sent') host.kill();
      }),
    );
  }

  #prepare(): HostOrder | undefined {
    try {
      return hostOrderOf(this.#order, this.#attemptId, hrNow() + this.#order.budgetEnd - this.#clock.monotonic());
    } catch (cause) {
      const message = `job ${this.#order.job.name}: the run cannot be handed over: ${cause instanceof Error ? cause.message : 'its input is not JSON'}`;
      this.#finish({ ...this.#judged('threw'), error: errorRecord(new TickwiseError('TASK_INVALID', message, { cause })) });
      return undefined;
    }
  }

  #receive(message: FromHost): void {
    if (message.attemptId !== this.#attemptId || this.#phase === 'clearing' || this.#phase === 'over') return;
    if (this.#phase === 'sent') {
      this.#phase = 'running';
      this.#beginTimer?.cancel();
    }
    switch (message.type) {
      case 'began':
        return;
      case 'stepped':
        this.#steps = message.steps;
        if (message.checkpoint !== undefined) this.#checkpoint = message.checkpoint;
        if (message.progress !== undefined) this.#progress = message.progress;
        this.#observer.stepped({ steps: message.steps, checkpoint: message.checkpoint, progress: message.progress });
        return;
      case 'stopping':
        this.#note(message.reason);
        return;
      case 'stalled':
        this.#stalled = true;
        this.#observer.stalled();
        return;
      case 'beat':
        this.#beat();
        return;
      case 'line':
        this.#output.line(message.level, message.source, message.text, message.fields);
        return;
      case 'leftOut':
        this.#output.leftOut(message.lines, message.characters);
        return;
      case 'crashed':
        this.#crash = new TickwiseError(
          'RUN_CRASHED',
          `job ${this.#order.job.name}: nobody caught an error of the run: ${message.error.message}`,
        );
        if (message.error.stack !== undefined) this.#crash.stack = message.error.stack;
        this.#armForce(this.#clock.monotonic() + CRASH_MS);
        return;
      case 'ended':
        void this.#clear(message.end, message.spoiled);
        return;
      default:
        message satisfies never;
    }
  }

  /** Takes note of the first reason to stop, and of when its grace is over. */
  #note(reason: StopReason): void {
    if (this.#stop !== undefined) return;
    this.#stop = reason;
    const { budgetEnd, graceMs } = this.#order;
    const now = this.#clock.monotonic();
    this.#observer.stopping(reason);
    this.#armForce(Math.min(now, budgetEnd) + graceMs);
  }

  #armForce(at: MonotonicMs): void {
    this.#forceTimer?.cancel();
    // An end that has already arrived is heard first, however late this thread is.
    this.#forceTimer = this.#clock.setTimer(at, () => this.#clock.defer(() => this.#force()));
  }

  #force(): void {
    if (this.#phase === 'over' || this.#phase === 'waiting') return;
    const now = this.#clock.monotonic();
    const host = this.#host;
    this.#forcedAt ??= now;
    host?.kill();
    if (host !== undefined && now - this.#forcedAt >= BLOCKED_AFTER_MS - 1) {
      const what = `${host.what} was stopped by force and there is no proof of its end yet`;
      if (this.#saidBlocked !== what) this.#observer.blocked(what);
      this.#saidBlocked = what;
    }
    this.#armForce(now + FORCE_EACH_MS);
  }

  /** While beats come the host enforces the step timeout by itself. */
  #beat(): void {
    this.#beatAt = this.#clock.monotonic();
    if (this.#beatTimer === undefined) this.#watchBeats();
  }

  #watchBeats(): void {
    const limitMs = this.#order.stepTimeoutMs;
    if (limitMs === undefined || this.#phase !== 'running') return;
    // A beat is at most an eighth of the limit older than the step that blocks the thread.
    const silentMs = Math.max(limitMs * 1.125, limitMs + 25);
    this.#beatTimer = this.#clock.setTimer(this.#beatAt + silentMs, () =>
      this.#clock.defer(() => {
        if (this.#clock.monotonic() - this.#beatAt >= silentMs) this.stop({ kind: 'stepTimeout', limitMs });
        else this.#watchBeats();
      }),
    );
  }

  /** The loop has ended; the slot is free when nothing is left behind. What is left gets the order's grace. */
  async #clear(end: AttemptEnd, spoiled: boolean): Promise<void> {
    const host = this.#host;
    if (host === undefined) return;
    this.#phase = 'clearing';
    this.#budgetTimer?.cancel();
    this.#forceTimer?.cancel();
    this.#beatTimer?.cancel();
    this.#end = {
      ...end,
      outcome: this.#rejudge(end),
      stop: this.#stop ?? end.stop,
      stalled: end.stalled === true || this.#stalled,
    };
    const looking = host.leftover();
    const left = looking === undefined ? undefined : await looking;
    // While we looked, the host may have ended, and with it this attempt.
    if (this.#phase !== 'clearing') return;
    if (left === undefined) {
      this.#finish(this.#end);
      if (spoiled) this.#pool.discard(host);
      else this.#pool.release(host);
      return;
    }
    this.#output.line('warn', 'task', `the run has ended and left ${left}; asked to end, and stopped by force after the grace`);
    const { budgetEnd, graceMs } = this.#order;
    this.#armForce(Math.min(this.#clock.monotonic(), budgetEnd) + graceMs);
    host.terminate();
  }

  /** The host judged by the first reason that it knew, which need not be the first. */
  #rejudge(end: AttemptEnd): AttemptEnd['outcome'] {
    // Without a stop of ours, the stop is one that the task's own time-bounded loop knew. Force is ours alone.
    if (this.#stop === undefined) return end.outcome === 'killed' ? 'failed' : end.outcome;
    const last: LastStep = end.outcome === 'succeeded' ? 'done' : end.outcome === 'unfinished' ? 'more' : 'threw';
    return judge(this.#stop, last);
  }

  /** The host's end is proved. */
  #gone(exit: HostExit): void {
    if (this.#phase === 'over') return;
    if (this.#end !== undefined) {
      this.#finish(this.#end);
      return;
    }
    this.#beginTimer?.cancel();
    if (this.#phase === 'sent') {
      this.#neverBegan(exit);
      return;
    }
    const last = this.#forcedAt !== undefined && this.#stop !== undefined ? 'forced' : 'threw';
    const error = this.#crash ?? (last === 'forced' ? undefined : this.#crashOf(exit));
    this.#finish({ ...this.#judged(last), error: error === undefined ? undefined : errorRecord(error) });
  }

  /** No line of the task has run: the order is as good as new. */
  #neverBegan(exit: HostExit): void {
    if (this.#stop !== undefined) this.#finish(this.#judged('more'));
    else if (this.#hosts < MOST_HOSTS) this.#acquire();
    else this.#finish({ ...this.#judged('threw'), error: errorRecord(this.#crashOf(exit)) });
  }

  #neverStarted(cause: unknown): void {
    const message = `job ${this.#order.job.name}: no thread or process could be started for the run: ${errorRecord(cause).message}`;
    this.#finish({ ...this.#judged('threw'), error: errorRecord(new TickwiseError('RUN_CRASHED', message, { cause })) });
  }

  #crashOf({ code, signal, error }: HostExit): TickwiseError {
    const how = signal === null ? `exit code ${code}` : `signal ${signal}`;
    const why = error === undefined ? '' : ` (${error.message})`;
    const what = this.#host?.what ?? 'host';
    return new TickwiseError('RUN_CRASHED', `job ${this.#order.job.name}: the run's ${what} ended on its own with ${how}${why}`, {
      facts: { code, signal },
    });
  }

  #judged(last: LastStep): AttemptEnd {
    return {
      outcome: judge(this.#stop, last),
      stop: this.#stop,
      steps: this.#steps,
      checkpoint: this.#checkpoint,
      progress: this.#progress,
      stalled: this.#stalled,
    };
  }

  #finish(end: AttemptEnd): void {
    this.#phase = 'over';
    this.#giveUpWaiting?.();
    this.#budgetTimer?.cancel();
    this.#forceTimer?.cancel();
    this.#beginTimer?.cancel();
    this.#beatTimer?.cancel();
    this.#raw.stdout.end();
    this.#raw.stderr.end();
    this.#output.release();
    this.#resolve(end);
  }
}
