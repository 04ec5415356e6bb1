/**
 * Three layers of monitoring, out of what the scheduler tells a program that it is part of: its events, its statistics, and the
 * ledger behind them. `scrape.ts` reads the application's layer from outside, as Prometheus does.
 */
import type { RunEnd, Scheduler, Statistics } from '../../src/index.ts';

/** One look at all layers. */
export interface Snapshot {
  readonly host: {
    /** The longest time that the event loop was held since the look before. */
    readonly loopDelayMs: number;
    readonly memoryMb: number;
  };
  readonly application: {
    readonly statistics: Statistics;
    /** Jobs with a run that was asked to stop and whose end is not proved. */
    readonly blocked: readonly string[];
    /** Runs that were stopped by force since the look before. */
    readonly killed: readonly string[];
    /** How many runs of each job failed, one after the other, up to now. */
    readonly failedInARow: ReadonlyMap<string, number>;
    readonly storeIsDown: boolean;
  };
  readonly business: {
    /** Milliseconds since the last good end of each job; since the start of the monitor if there was none. */
    readonly sinceSuccessMs: ReadonlyMap<string, number>;
    /** What the last good run of each job had to say. */
    readonly results: ReadonlyMap<string, unknown>;
  };
}

const BEAT_MS = 10;

/** Watches a scheduler from its events; start it before the scheduler. */
export class Monitor implements Disposable {
  readonly #scheduler: Scheduler;
  /** Not `monitorEventLoopDelay`: it misses what happens between its reset and its next beat (Node 24.21). */
  readonly #heart: NodeJS.Timeout;
  #lastBeat = performance.now();
  #loopDelayMs = 0;
  readonly #listening = new DisposableStack();
  readonly #blocked = new Map<string, string>();
  readonly #failedInARow = new Map<string, number>();
  readonly #lastSuccess = new Map<string, number>();
  readonly #results = new Map<string, unknown>();
  #killed: string[] = [];
  #storeIsDown = false;

  /** @param jobs whose success is expected */
  constructor(scheduler: Scheduler, jobs: readonly string[]) {
    this.#scheduler = scheduler;
    for (const job of jobs) this.#lastSuccess.set(job, Date.now());
    this.#heart = setInterval(() => this.#beat(), BEAT_MS).unref();
    this.#listening.use(scheduler.on('runBlocked', ({ runId, job }) => void this.#blocked.set(runId, job)));
    this.#listening.use(scheduler.on('runEnded', (end) => this.#onEnd(end)));
    this.#listening.use(scheduler.on('storeFailed', () => (this.#storeIsDown = true)));
    this.#listening.use(scheduler.on('storeRecovered', () => (this.#storeIsDown = false)));
  }

  /** Looks at everything; the counts since the look before begin anew. */
  look(): Snapshot {
    this.#beat();
    const loopDelayMs = Math.round(this.#loopDelayMs);
    this.#loopDelayMs = 0;
    const killed = this.#killed;
    this.#killed = [];
    const now = Date.now();
    return {
      host: { loopDelayMs, memoryMb: Math.round(process.memoryUsage.rss() / 1e6) },
      application: {
        statistics: this.#scheduler.statistics(),
        blocked: [...new Set(this.#blocked.values())],
        killed,
        failedInARow: new Map(this.#failedInARow),
        storeIsDown: this.#storeIsDown,
      },
      business: {
        sinceSuccessMs: new Map([...this.#lastSuccess].map(([job, at]) => [job, now - at])),
        results: new Map(this.#results),
      },
    };
  }

  [Symbol.dispose](): void {
    this.#listening.dispose();
    clearInterval(this.#heart);
  }

  #beat(): void {
    const now = performance.now();
    this.#loopDelayMs = Math.max(this.#loopDelayMs, now - this.#lastBeat - BEAT_MS);
    this.#lastBeat = now;
  }

  #onEnd({ runId, job, outcome, endedAt, result }: RunEnd): void {
    this.#blocked.delete(runId);
    if (outcome === 'killed') this.#killed.push(job);
    if (outcome === 'failed') this.#failedInARow.set(job, (this.#failedInARow.get(job) ?? 0) + 1);
    if (outcome !== 'succeeded') return;
    this.#failedInARow.delete(job);
    // A job that runs when it is asked to is never late.
    if (this.#lastSuccess.has(job)) this.#lastSuccess.set(job, endedAt);
    if (result !== undefined) this.#results.set(job, JSON.parse(result));
  }
}
