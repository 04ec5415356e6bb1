/** People who trigger, cancel, pause and resume, and what they are told. */
import { TickwiseError } from '../core/errors.ts';
import type { JobName } from '../core/job.ts';
import type { Random } from './random.ts';
import type { SimulatedProcess, Surroundings } from './simulated-process.ts';

/** What they see of the daemon. */
export interface OperatorParts {
  readonly around: Surroundings;
  readonly random: Random;
  /** The one that is up, or was last. */
  readonly process: () => SimulatedProcess;
  /** Nobody operates while the daemon is started anew or reloaded. */
  readonly isBusy: () => boolean;
  readonly anyJob: () => JobName | undefined;
}

/** See the head of this file. */
export class Operators {
  readonly #parts: OperatorParts;
  readonly #pausing = new Set<JobName>();

  constructor(parts: OperatorParts) {
    this.#parts = parts;
  }

  /** The daemon that they spoke to is gone. */
  forget(): void {
    this.#pausing.clear();
  }

  async trigger(): Promise<void> {
    const { random } = this.#parts;
    const { facts } = this.#parts.around;
    const name = this.#parts.anyJob();
    if (this.#parts.isBusy() || name === undefined) return;
    const options = random.chance(0.2) ? { input: '1', budgetMs: 5_000 } : {};
    const process = this.#parts.process();
    facts.history.note('trigger', name);
    const answered = process.liveness.waits(name);
    const result = await process.scheduler.trigger(name, options);
    answered();
    const of = facts.of(name);
    const isKnown =
      result.kind === 'refused' ||
      of.granted?.runId === result.runId ||
      of.queued.has(result.runId) ||
      of.ended.has(result.runId);
    if (!isKnown)
      facts.violate(
        'accounted',
        `a trigger of ${name} was answered with ${JSON.stringify(result)}, which the store does not know`,
      );
  }

  cancel(): void {
    const name = this.#parts.anyJob();
    if (name === undefined) return;
    const { facts } = this.#parts.around;
    const target = this.#parts.random.chance(0.5) ? name : (facts.of(name).granted?.runId ?? name);
    const process = this.#parts.process();
    // Nobody can ask a process that has died.
    if (!process.isOver) facts.history.note('cancel', target, process.scheduler.cancel(target, 'operator'));
  }

  async pause(): Promise<void> {
    const name = this.#parts.anyJob();
    if (this.#parts.isBusy() || name === undefined || this.#pausing.has(name)) return;
    const { facts } = this.#parts.around;
    const of = facts.of(name);
    const { pausedForSure, unpausedForSure } = of;
    this.#pausing.add(name);
    of.pausedForSure = of.unpausedForSure = false;
    try {
      if (unpausedForSure) await this.#parts.process().scheduler.pause(name);
      else await this.#parts.process().scheduler.resume(name);
      of.pausedForSure = unpausedForSure;
      of.unpausedForSure = !unpausedForSure;
      facts.history.note(unpausedForSure ? 'paused' : 'resumed', name);
    } catch (error) {
      of.pausedForSure = pausedForSure;
      of.unpausedForSure = unpausedForSure;
      // A reload may have taken the job away meanwhile.
      if (!(error instanceof TickwiseError && error.code === 'JOB_NOT_FOUND')) throw error;
    } finally {
      this.#pausing.delete(name);
    }
  }
}
