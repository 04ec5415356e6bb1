/** Pings that wait to be sent: those of one run strictly one after another, those of different runs side by side. */

/** One signal to a Healthchecks server. */
export interface Ping {
  readonly job: string;
  readonly runId: string;
  /** Whole address; it may hold a secret. */
  readonly url: string;
  readonly body: string;
}

/** A run's pings; the first one is being sent, or waits to be. */
interface RunPings {
  readonly origin: string;
  readonly pings: Ping[];
  tries: number;
  /** `resting`: the first ping failed and is tried again later. */
  state: 'ready' | 'sending' | 'resting';
}

const MOST_AT_ONCE = 50;
/** Of these, to one server: a dead one leaves places for the others. */
const MOST_TO_ONE = 20;
const MOST_WAITING = 10_000;

/** Bounded in all directions; when too many wait, the oldest run's pings are given up. */
export class PingQueue {
  readonly #runs = new Map<string, RunPings>();
  /** Runs whose first ping may be sent, oldest first, by server. */
  readonly #ready = new Map<string, Set<RunPings>>();
  readonly #sending = new Map<string, number>();
  #waiting = 0;
  #underWay = 0;

  get isEmpty(): boolean {
    return this.#runs.size === 0;
  }

  /** @returns pings that had to be given up for it: none as a rule */
  add(ping: Ping): readonly Ping[] {
    const { runId } = ping;
    let run = this.#runs.get(runId);
    if (run === undefined) {
      run = { origin: URL.parse(ping.url)?.origin ?? '', pings: [], tries: 0, state: 'ready' };
      this.#runs.set(runId, run);
      this.#makeReady(run);
    }
    run.pings.push(ping);
    this.#waiting++;
    return this.#waiting > MOST_WAITING ? this.#giveUpOldest() : [];
  }

  /** The next ping to be sent; `tries` counts from 1. @returns `undefined` when none may be sent now */
  take(): { readonly ping: Ping; readonly tries: number } | undefined {
    if (this.#underWay >= MOST_AT_ONCE) return undefined;
    for (const [origin, runs] of this.#ready) {
      const sending = this.#sending.get(origin) ?? 0;
      if (sending >= MOST_TO_ONE) continue;
      const [run] = runs;
      const ping = run?.pings[0];
      if (run === undefined || ping === undefined) continue;
      runs.delete(run);
      // The servers take turns.
      this.#ready.delete(origin);
      if (runs.size > 0) this.#ready.set(origin, runs);
      this.#sending.set(origin, sending + 1);
      this.#underWay++;
      run.state = 'sending';
      return { ping, tries: ++run.tries };
    }
    return undefined;
  }

  /** A ping was sent, or given up; the next one of its run may go. */
  done({ runId }: Ping): void {
    const run = this.#returned(runId);
    if (run === undefined) return;
    run.pings.shift();
    run.tries = 0;
    this.#waiting--;
    if (run.pings.length === 0) this.#runs.delete(runId);
    else this.#makeReady(run);
  }

  /** A ping failed; it keeps its place until `retry`. */
  rest({ runId }: Ping): void {
    const run = this.#returned(runId);
    if (run !== undefined) run.state = 'resting';
  }

  /** A ping that rested may be sent again, unless it was given up. */
  retry({ runId }: Ping): void {
    const run = this.#runs.get(runId);
    if (run?.state === 'resting') this.#makeReady(run);
  }

  #returned(runId: string): RunPings | undefined {
    const run = this.#runs.get(runId);
    if (run === undefined) return undefined;
    this.#underWay--;
    const sending = (this.#sending.get(run.origin) ?? 1) - 1;
    if (sending === 0) this.#sending.delete(run.origin);
    else this.#sending.set(run.origin, sending);
    return run;
  }

  #makeReady(run: RunPings): void {
    run.state = 'ready';
    let runs = this.#ready.get(run.origin);
    if (runs === undefined) this.#ready.set(run.origin, (runs = new Set()));
    runs.add(run);
  }

  /** What is being sent is not called back, so at most {@link MOST_AT_ONCE} runs are passed over. */
  #giveUpOldest(): readonly Ping[] {
    for (const [runId, run] of this.#runs) {
      if (run.state === 'sending') continue;
      this.#runs.delete(runId);
      const ready = this.#ready.get(run.origin);
      ready?.delete(run);
      if (ready?.size === 0) this.#ready.delete(run.origin);
      this.#waiting -= run.pings.length;
      return run.pings;
    }
    return [];
  }
}
