/** What a task in the library's own form, an `AsyncTask`, hands back: how its time-bounded loop ended. */
import type { ErrorRecord } from '../core/errors.ts';
import type { AttemptEnd } from '../core/ports.ts';
import { judge, type RunOutcome, type StopReason } from '../core/run.ts';
import type { Progress } from '../core/task.ts';

/**
 * The end of a time-bounded loop. A class, so that a scheduler tells it from whatever else a plain function may return.
 */
export class TaskOutcome<Checkpoint = unknown, Result = unknown> {
  /** How it ended; `killed` and `lost` cannot happen to work that runs inline. */
  readonly outcome: Exclude<RunOutcome, 'lost'>;
  /** Why it was asked to stop, if it was. */
  readonly stop: StopReason | undefined;
  /** Steps that were called. */
  readonly steps: number;
  /** What a further call should start from; `undefined` for a fresh start. */
  readonly checkpoint: Checkpoint | undefined;
  readonly progress: Progress | undefined;
  readonly result: Result | undefined;
  readonly error: ErrorRecord | undefined;
  readonly stalled: boolean;

  /** @param end the proven end of the loop; its JSON texts are read */
  constructor(end: AttemptEnd) {
    this.outcome = end.outcome;
    this.stop = end.stop;
    this.steps = end.steps;
    this.checkpoint = end.checkpoint === undefined ? undefined : (JSON.parse(end.checkpoint) as Checkpoint);
    this.progress = end.progress;
    this.result = end.result === undefined ? undefined : (JSON.parse(end.result) as Result);
    this.error = end.error;
    this.stalled = end.stalled ?? false;
  }
}

/**
 * The end of an attempt whose function had a time-bounded loop of its own.
 *
 * @param end of that loop
 * @param stop of the attempt itself; it came first, and wins
 * @param json makes text of a checkpoint or a result
 */
export function adopted(
  end: TaskOutcome,
  stop: StopReason | undefined,
  json: (value: unknown, what: 'checkpoint' | 'result') => string,
): AttemptEnd {
  return {
    outcome: stop === undefined ? end.outcome : judge(stop, end.outcome === 'unfinished' ? 'more' : 'threw'),
    stop: stop ?? end.stop,
    steps: end.steps,
    checkpoint: end.checkpoint === undefined ? undefined : json(end.checkpoint, 'checkpoint'),
    progress: end.progress,
    result: end.result === undefined ? undefined : json(end.result, 'result'),
    error: end.error,
    stalled: end.stalled,
  };
}
