/** Inside a host: which of a run's steps the daemon is told. */
import type { RunObserver } from '../core/ports.ts';
import { addDurations, type StepDurations } from '../core/step-durations.ts';
import { copyProgress, type FromHost } from './protocol.ts';

type Update = Parameters<RunObserver['stepped']>[0];

/** So many reports may go out at once … */
const BURST = 32;
/** … and one more each so many milliseconds. */
const REFILL_MS = 0.5;
/** The longest that a report waits. */
const LATEST_MS = 5;

/**
 * Reports at once while steps take half a millisecond or more, so that a run that is killed repeats one step at most. Faster
 * steps share a report, the newest checkpoint winning: they would drown the daemon, and what a kill can cost them is 5 ms.
 */
export class StepReport {
  readonly #attemptId: number;
  readonly #send: (message: FromHost) => void;
  #tokens: number = BURST;
  #refilledAt = performance.now();
  #pending: Update | undefined;
  #timer: NodeJS.Timeout | undefined;
  #pendingSince = 0;

  constructor(attemptId: number, send: (message: FromHost) => void) {
    this.#attemptId = attemptId;
    this.#send = send;
  }

  stepped(update: Update): void {
    const checkpoint = update.checkpoint ?? this.#pending?.checkpoint;
    const progress = copyProgress(update.progress) ?? this.#pending?.progress;
    const durations = addDurations(this.#pending?.durations, update.durations);
    const now = performance.now();
    if (this.#pending === undefined) this.#pendingSince = now;
    this.#pending = { steps: update.steps, checkpoint, progress, waits: update.waits, durations };
    this.#tokens = Math.min(BURST, this.#tokens + (now - this.#refilledAt) / REFILL_MS);
    this.#refilledAt = now;
    if (update.waits === true || this.#tokens >= 1 || now - this.#pendingSince >= LATEST_MS) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), LATEST_MS);
  }

  /** Sends what waits. */
  flush(): void {
    const pending = this.#pending;
    this.drop();
    if (pending === undefined) return;
    this.#tokens = Math.max(0, this.#tokens - 1);
    this.#send({ type: 'stepped', attemptId: this.#attemptId, ...pending });
  }

  /** Forgets what waits: the end of the run says it all, but for what is returned. */
  drop(): StepDurations | undefined {
    const durations = this.#pending?.durations;
    this.#pending = undefined;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    return durations;
  }
}
