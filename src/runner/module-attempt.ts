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
import { errorRecord, type TickwiseError } from '../core/errors.ts';
import type { AttemptEnd, Clock, LiveAttempt, RunObserver, RunOrder, Timer } from '../core/ports.ts';
import { judge, type LastStep, type StopReason } from '../core/run.ts';
import { crashOf, notHandedOver, notStarted, rejudge, uncaughtOf } from './attempt-failure.ts';
import { AttemptFigures } from './attempt-figures.ts';
import { AttemptOutput } from './attempt-output.ts';
import { BeatWatch } from './beat-watch.ts';
import { Force } from './force.ts';
import { hrNow } from './host-clock.ts';
import type { Host, HostExit, HostPool } from './pool.ts';
import { hostOrderOf, type FromHost, type HostOrder } from './protocol.ts';

/** How much later than the host the supervisor says that the budget is spent: a step that ended in time shall be heard. */
const LATE_MS = 100;
/** A warm host that does not take up its order in this time, or a quarter of the budget, is blocked by what an earlier run left in it. */
const BEGIN_MS = 2_000;
const SHORTEST_BEGIN_MS = 100;
/** A host that dies before it has taken up its order is replaced so many times. */
const MOST_HOSTS = 3;
/** What a host that said it crashes has to exit by itself. */
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
  readonly #output: AttemptOutput;
  readonly #force: Force;
  #resolve: (end: AttemptEnd) => void = () => {};
  #phase: 'waiting' | 'sent' | 'running' | 'clearing' | 'over' = 'waiting';
  #host: Host | undefined;
  #hosts = 0;
  #giveUpWaiting: (() => void) | undefined;
  #stop: StopReason | undefined;
  readonly #figures: AttemptFigures;
  #crash: TickwiseError | undefined;
  #end: AttemptEnd | undefined;
  #budgetTimer: Timer | undefined;
  #beginTimer: Timer | undefined;
  readonly #beats: BeatWatch | undefined;

  constructor(order: RunOrder, observer: RunObserver, pool: HostPool, clock: Clock) {
    this.#order = order;
    this.#observer = observer;
    this.#pool = pool;
    this.#clock = clock;
    this.#figures = new AttemptFigures(order.checkpoint);
    const { stepTimeoutMs: limitMs } = order;
    if (limitMs !== undefined) this.#beats = new BeatWatch(clock, limitMs, () => this.stop({ kind: 'stepTimeout', limitMs }));
    this.#output = new AttemptOutput(observer);
    this.#force = new Force(clock, observer, () =>
      this.#phase === 'over' || this.#phase === 'waiting' ? undefined : this.#host,
    );
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

  saved(step: number): void {
    this.#host?.send({ type: 'saved', attemptId: this.#attemptId, step });
  }

  force(): void {
    if (this.#stop !== undefined || this.#phase === 'clearing') this.#force.use();
  }

  #acquire(): void {
    this.#phase = 'waiting';
    this.#giveUpWaiting = this.#pool.acquire(this.#order.job.name, {
      take: (host, isFresh) => this.#send(host, isFresh),
      fail: (cause) => this.#fail(notStarted(this.#order.job.name, cause)),
    });
  }

  #send(host: Host, isFresh: boolean): void {
    let order: HostOrder;
    try {
      order = hostOrderOf(this.#order, this.#attemptId, hrNow() + this.#order.budgetEnd - this.#clock.monotonic());
    } catch (cause) {
      this.#fail(notHandedOver(this.#order.job.name, cause));
      this.#pool.release(host);
      return;
    }
    this.#phase = 'sent';
    this.#host = host;
    this.#hosts++;
    host.listen({
      message: (message) => this.#receive(message),
      output: (source, chunk) => this.#output.raw(source, chunk),
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
        this.#figures.stepped(message);
        this.#observer.stepped(message);
        return;
      case 'stopping':
        this.#note(message.reason);
        return;
      case 'stalled':
        this.#figures.stalled = true;
        this.#observer.stalled();
        return;
      case 'beat':
        this.#beats?.beat();
        return;
      case 'line':
        this.#output.cap.line(message.level, message.source, message.text, message.fields);
        return;
      case 'leftOut':
        this.#output.cap.leftOut(message.lines, message.characters);
        return;
      case 'crashed':
        this.#crash = uncaughtOf(this.#order.job.name, message.error);
        this.#force.arm(this.#clock.monotonic() + CRASH_MS);
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
    this.#force.arm(Math.min(now, budgetEnd) + graceMs);
  }

  /** The loop has ended; the slot is free when nothing is left behind. What is left gets the order's grace. */
  async #clear(end: AttemptEnd, spoiled: boolean): Promise<void> {
    const host = this.#host;
    if (host === undefined) return;
    this.#phase = 'clearing';
    this.#budgetTimer?.cancel();
    this.#force.cancel();
    this.#beats?.end();
    this.#end = {
      ...end,
      outcome: rejudge(this.#stop, end),
      stop: this.#stop ?? end.stop,
      stalled: end.stalled === true || this.#figures.stalled,
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
    this.#output.warn(`the run has ended and left ${left}; asked to end, and stopped by force after the grace`);
    const { budgetEnd, graceMs } = this.#order;
    this.#force.arm(Math.min(this.#clock.monotonic(), budgetEnd) + graceMs);
    host.terminate();
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
    const last = this.#force.isUsed && this.#stop !== undefined ? 'forced' : 'threw';
    const error =
      this.#crash ?? (last === 'forced' ? undefined : crashOf(this.#order.job.name, this.#host?.what ?? 'host', exit));
    this.#finish({ ...this.#judged(last), error: error === undefined ? undefined : errorRecord(error) });
  }

  /** No line of the task has run: the order is as good as new. */
  #neverBegan(exit: HostExit): void {
    if (this.#stop !== undefined) this.#finish(this.#judged('more'));
    else if (this.#hosts < MOST_HOSTS) this.#acquire();
    else this.#fail(crashOf(this.#order.job.name, this.#host?.what ?? 'host', exit));
  }

  #fail(error: TickwiseError): void {
    this.#finish({ ...this.#judged('threw'), error: errorRecord(error) });
  }

  #judged(last: LastStep): AttemptEnd {
    const { steps, checkpoint, progress, stalled } = this.#figures;
    return { outcome: judge(this.#stop, last), stop: this.#stop, steps, checkpoint, progress, stalled };
  }

  #finish(end: AttemptEnd): void {
    this.#phase = 'over';
    this.#giveUpWaiting?.();
    this.#budgetTimer?.cancel();
    this.#force.cancel();
    this.#beginTimer?.cancel();
    this.#beats?.end();
    this.#output.end();
    this.#resolve(end);
  }
}
