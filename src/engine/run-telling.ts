/** What a run tells of itself. Events that may be many are built only when somebody listens. */
import type { ErrorRecord } from '../core/errors.ts';
import type { RunObserver } from '../core/ports.ts';
import type { Grant } from '../core/store.ts';
import type { StepDurations } from '../core/step-durations.ts';
import type { Progress } from '../core/task.ts';
import type { DurationMs, Instant } from '../core/time.ts';
import type { Events, ForceStage } from './events.ts';

/** Characters that are kept of a line that is too long. */
const KEPT_OF_LINE = 8_192;
/** Lines from elsewhere have been cut there, and may carry a note that says so. */
const LONGEST_LINE: number = KEPT_OF_LINE + 64;

/** For one run. */
export class RunTelling {
  readonly #events: Events;
  readonly #grant: Grant;
  #toldForced = false;

  constructor(events: Events, grant: Grant) {
    this.#events = events;
    this.#grant = grant;
  }

  started(startedAt: Instant, deadline: Instant): void {
    if (!this.#events.isHeard('runStarted')) return;
    const { cause, tick } = this.#grant;
    this.#events.emit('runStarted', { ...this.#id(), cause, startedAt, deadline, delayMs: startedAt - tick });
  }

  progressed(steps: number, progress: Progress): void {
    if (this.#events.isHeard('runProgressed')) this.#events.emit('runProgressed', { ...this.#id(), steps, progress });
  }

  stepsFinished(durations: StepDurations): void {
    if (this.#events.isHeard('stepsFinished')) this.#events.emit('stepsFinished', { ...this.#id(), ...durations });
  }

  retrying(attempt: number, delayMs: DurationMs, error: ErrorRecord | undefined): void {
    this.#events.emit('runRetrying', { ...this.#id(), attempt, delayMs, error });
  }

  stopping(reason: string): void {
    this.#events.emit('runStopping', { ...this.#id(), reason });
  }

  blocked(what: string): void {
    this.#events.emit('runBlocked', { ...this.#id(), what });
  }

  /** Told once, with the first stage. */
  forced(stage: ForceStage): void {
    if (this.#toldForced) return;
    this.#toldForced = true;
    this.#events.emit('runForced', { ...this.#id(), stage });
  }

  stalled(): void {
    this.#events.emit('runStalled', this.#id());
  }

  line(attempt: number, ...[level, source, whole, fields]: Parameters<RunObserver['line']>): void {
    if (!this.#events.isHeard('runLine')) return;
    const text = whole.length > LONGEST_LINE ? `${whole.slice(0, KEPT_OF_LINE)} …` : whole;
    this.#events.emit('runLine', { ...this.#id(), attempt, level, source, text, fields });
  }

  #id(): { job: string; runId: string; tick: Instant; fence: number } {
    const { job, runId, tick, fence } = this.#grant;
    return { job, runId, tick, fence };
  }
}
