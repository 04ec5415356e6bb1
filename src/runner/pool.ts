/** Warm hosts: a bounded number of threads or child processes, each of which serves one attempt at a time. */
import type { ErrorRecord } from '../core/errors.ts';
import type { JobName } from '../core/job.ts';
import type { Clock, Timer } from '../core/ports.ts';
import type { DurationMs, MonotonicMs } from '../core/time.ts';
import type { FromHost, LineSource, ToHost } from './protocol.ts';

/** How a host ended. */
export interface HostExit {
  readonly code: number | null;
  readonly signal: string | null;
  /** What brought it down, if it could say. */
  readonly error?: ErrorRecord | undefined;
}

/** Whom a host tells. */
export interface HostListener {
  message(message: FromHost): void;
  /** Text that was written past Node's streams. */
  output(source: Exclude<LineSource, 'task'>, chunk: string): void;
  /** Proved: nothing of it is alive, and nothing more will be told. */
  gone(exit: HostExit): void;
}

/** A thread or a child process that runs `host.ts`. */
export interface Host {
  /** What it is, in words that follow "the run's": `thread`, `process 123`. */
  readonly what: string;
  /** Proved: nothing of it is alive. */
  readonly isGone: boolean;
  send(message: ToHost): void;
  /** @param listener whom to tell from now on; `undefined`: nobody */
  listen(listener: HostListener | undefined): void;
  /**
   * What the run that has just ended left behind.
   *
   * @returns `undefined` at once when there is certainly nothing; else a promise of what there is, in words, or of `undefined`
   */
  leftover(): Promise<string | undefined> | undefined;
  /** Asks all of it, leftovers included, to end. */
  terminate(): void;
  /** Ends all of it by force. Repeating it tries again. */
  kill(): void;
  /** Settles on the proof of its end; never rejects. */
  readonly gone: Promise<void>;
}

/** What a pool needs. */
export interface PoolOptions {
  readonly clock: Clock;
  readonly concurrency: number;
  readonly maxIdleMs: DurationMs;
  /** Starts a host; what it throws fails the attempt that asked. */
  readonly create: () => Host;
}

interface Place {
  readonly host: Host;
  lastJob: JobName | undefined;
  idleSince: MonotonicMs;
}

/** Who asks for a host; one of the two is called, once. */
export interface HostTaker {
  take(host: Host, isFresh: boolean): void;
  /** No host could be started. */
  fail(error: unknown): void;
}

interface Waiter {
  readonly job: JobName;
  readonly taker: HostTaker;
}

/** How long an idle host may take to exit when it is asked to. */
const EXIT_MS = 1_000;

/** Owns all hosts of a runner. A host counts until its end is proved, so there are never more than `concurrency`. */
export class HostPool {
  readonly #options: PoolOptions;
  readonly #places = new Map<Host, Place>();
  /** Longest idle first. */
  #idle: Place[] = [];
  #waiters: Waiter[] = [];
  #timer: Timer | undefined;
  #isClosed = false;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /**
   * Takes a host: an idle one that served the job last, else the one that was idle for the shortest time, else a new one, else the next to
   * become free.
   *
   * @param job for affinity
   * @param taker is told the host, perhaps before this returns
   * @returns gives up waiting; without effect once the taker was told
   */
  acquire(job: JobName, taker: HostTaker): () => void {
    const waiter = { job, taker };
    this.#waiters.push(waiter);
    this.#serve();
    return () => {
      this.#waiters = this.#waiters.filter((other) => other !== waiter);
    };
  }

  /** Gives back a host on which nothing runs any more. */
  release(host: Host): void {
    const place = this.#places.get(host);
    if (place === undefined || host.isGone) return;
    host.listen(undefined);
    if (this.#isClosed) {
      this.#retire(host);
      return;
    }
    place.idleSince = this.#options.clock.monotonic();
    this.#idle.push(place);
    this.#serve();
    this.#armTimer();
  }

  /** Gives back a host that must not be used again. It counts until it is gone. */
  discard(host: Host): void {
    if (host.isGone) return;
    host.listen(undefined);
    this.#retire(host);
  }

  /** Ends idle hosts and waits until all are gone. Busy ones are their attempts' to end. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    for (const { host } of this.#idle) this.#retire(host);
    this.#idle = [];
    await Promise.all([...this.#places.keys()].map((host) => host.gone));
  }

  #serve(): void {
    while (this.#waiters.length > 0) {
      const waiter = this.#waiters[0] as Waiter;
      const place = this.#takeIdle(waiter.job);
      const isFresh = place === undefined;
      if (isFresh && this.#places.size >= this.#options.concurrency) return;
      this.#waiters.shift();
      let chosen: Place;
      try {
        chosen = place ?? this.#add();
      } catch (error) {
        waiter.taker.fail(error);
        continue;
      }
      chosen.lastJob = waiter.job;
      waiter.taker.take(chosen.host, isFresh);
    }
  }

  #takeIdle(job: JobName): Place | undefined {
    const index = this.#idle.findLastIndex(({ lastJob }) => lastJob === job);
    return index === -1 ? this.#idle.pop() : this.#idle.splice(index, 1)[0];
  }

  #add(): Place {
    const host = this.#options.create();
    const place: Place = { host, lastJob: undefined, idleSince: 0 };
    this.#places.set(host, place);
    void host.gone.then(() => {
      this.#places.delete(host);
      this.#idle = this.#idle.filter((other) => other !== place);
      this.#serve();
    });
    return place;
  }

  /** Always armed for the host that is idle the longest; fires at most once for each idle period of a host. */
  #armTimer(): void {
    const [oldest] = this.#idle;
    if (this.#timer !== undefined || oldest === undefined || this.#isClosed) return;
    const { clock, maxIdleMs } = this.#options;
    this.#timer = clock.setTimer(oldest.idleSince + maxIdleMs, () => {
      this.#timer = undefined;
      const before = clock.monotonic() - maxIdleMs;
      const old = this.#idle.filter(({ idleSince }) => idleSince <= before);
      this.#idle = this.#idle.filter((place) => !old.includes(place));
      for (const { host } of old) this.#retire(host);
      this.#armTimer();
    });
  }

  #retire(host: Host): void {
    const { clock } = this.#options;
    host.send({ type: 'exit' });
    let timer = clock.setTimer(clock.monotonic() + EXIT_MS, kill);
    function kill(): void {
      host.kill();
      timer = clock.setTimer(clock.monotonic() + EXIT_MS, kill);
    }
    void host.gone.then(() => timer.cancel());
  }
}
