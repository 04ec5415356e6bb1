/**
 * A clock for tests: time moves only when the test drives it, and then it jumps to the next deadline, as Trio's autojump clock
 * does. One thing happens at a time (a deferred call, or a timer), and after each all promises that can go on have gone on,
 * however deep their chains are. So the same program takes the same course each time.
 */
import type { Clock, Timer } from '../core/ports.ts';
import type { DurationMs, Instant, MonotonicMs } from '../core/time.ts';
import { waitForMicrotasks, waitForRealWork } from './quiet.ts';
import { TimerHeap } from './timer-heap.ts';

/** A clock that its owner drives. All `run…` methods are for one caller at a time. */
export interface VirtualClock extends Clock {
  /** Timers that are set. */
  readonly timers: number;
  /** Does the next thing there is to do, be it at a later instant. @returns `false` when there is none */
  step(): Promise<boolean>;
  /** Steps until nothing is left to do. @throws Error after ten million steps */
  run(): Promise<void>;
  /** Steps through the next `ms` milliseconds; both clocks have moved by exactly as much, unless something held or stepped them. */
  advance(ms: DurationMs): Promise<void>;
  /** Steps until the condition holds. @throws Error when nothing is left to do before it holds, or after ten million steps */
  runUntil(condition: () => boolean): Promise<void>;
  /** Steps until the promise settles. @returns what it resolves to. @throws what it rejects with, and as `runUntil` */
  waitFor<Value>(promise: Promise<Value>): Promise<Value>;
  /** Moves the wall clock alone, as an operator or NTP does; negative: back. */
  stepWall(ms: DurationMs): void;
  /** Lets time pass while nothing can run: a held event loop. What falls due meanwhile comes late. */
  hold(ms: DurationMs): void;
}

/** What a virtual clock is made with. */
export interface VirtualClockOptions {
  /** Where the wall clock starts; 2026-01-01T00:00:00Z unless given. */
  readonly start?: Instant;
  /**
   * Before time jumps, wait for what the process does in earnest (files, sockets, timers of its own) as well, and not for
   * promises alone. For tasks under test that do real input and output; costs some microseconds a step.
   */
  readonly waitForRealWork?: boolean;
}

const START: Instant = 1_767_225_600_000;
const MOST_STEPS = 10_000_000;

/**
 * Makes a clock that stands still until it is driven.
 *
 * @param options see {@link VirtualClockOptions}
 * @returns a clock whose monotonic reading starts at 0
 */
export function createVirtualClock(options: VirtualClockOptions = {}): VirtualClock {
  return new DrivenClock(options.start ?? START, options.waitForRealWork === true ? waitForRealWork() : waitForMicrotasks());
}

class DrivenClock implements VirtualClock {
  readonly #timers = new TimerHeap();
  readonly #quiet: () => Promise<void>;
  #monotonic: MonotonicMs = 0;
  /** Wall clock less monotonic clock. */
  #offset: number;
  #deferred: (() => void)[] = [];
  #nextDeferred = 0;

  constructor(start: Instant, quiet: () => Promise<void>) {
    this.#offset = start;
    this.#quiet = quiet;
  }

  get timers(): number {
    return this.#timers.size;
  }

  now(): Instant {
    return Math.floor(this.#monotonic + this.#offset);
  }

  monotonic(): MonotonicMs {
    return this.#monotonic;
  }

  setTimer(at: MonotonicMs, callback: () => void): Timer {
    return this.#timers.add(Number.isNaN(at) ? 0 : at, callback);
  }

  defer(callback: () => void): void {
    this.#deferred.push(callback);
  }

  async step(): Promise<boolean> {
    return this.#stepUpTo(Infinity);
  }

  async run(): Promise<void> {
    for (let steps = 0; await this.#stepUpTo(Infinity); steps++) assertBound(steps);
  }

  async advance(ms: DurationMs): Promise<void> {
    const until = this.#monotonic + ms;
    for (let steps = 0; await this.#stepUpTo(until); steps++) assertBound(steps);
    this.#monotonic = Math.max(this.#monotonic, until);
  }

  async runUntil(condition: () => boolean): Promise<void> {
    await this.#quiet();
    for (let steps = 0; !condition(); steps++) {
      assertBound(steps);
      if (await this.#stepUpTo(Infinity)) continue;
      if (condition()) return;
      throw new Error('virtual clock: nothing is left to do, and what is waited for has not happened');
    }
  }

  async waitFor<Value>(promise: Promise<Value>): Promise<Value> {
    let settled = false;
    const note = (): void => {
      settled = true;
    };
    promise.then(note, note);
    await this.runUntil(() => settled);
    return promise;
  }

  stepWall(ms: DurationMs): void {
    this.#offset += ms;
  }

  hold(ms: DurationMs): void {
    this.#monotonic += Math.max(0, ms);
  }

  /** One thing to do, and whatever promises make of it. Deferred calls come before timers. */
  async #stepUpTo(limit: MonotonicMs): Promise<boolean> {
    await this.#quiet();
    const callback = this.#takeDeferred() ?? this.#takeTimer(limit);
    if (callback === undefined) return false;
    callback();
    await this.#quiet();
    return true;
  }

  #takeDeferred(): (() => void) | undefined {
    const callback = this.#deferred[this.#nextDeferred];
    if (callback === undefined) return undefined;
    this.#nextDeferred++;
    if (this.#nextDeferred === this.#deferred.length) {
      this.#deferred = [];
      this.#nextDeferred = 0;
    }
    return callback;
  }

  #takeTimer(limit: MonotonicMs): (() => void) | undefined {
    const first = this.#timers.peek();
    if (first === undefined || first.at > limit) return undefined;
    this.#timers.remove(first);
    if (first.at > this.#monotonic) this.#monotonic = first.at;
    return first.callback;
  }
}

function assertBound(steps: number): void {
  if (steps >= MOST_STEPS)
    throw new Error(`virtual clock: ${MOST_STEPS} steps and no end; use advance() where timers set timers for ever`);
}
