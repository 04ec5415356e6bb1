/** What a scripted attempt does, as data. */
import type { AttemptEnd, RunOrder } from '../core/ports.ts';
import type { Progress } from '../core/task.ts';
import type { DurationMs } from '../core/time.ts';

/** One step. The last one of a script is done; all others have more to do. */
export interface ScriptedStep {
  /** How long it takes when nothing stops it; `Infinity`: it never comes back by itself. */
  readonly takesMs: DurationMs;
  /** JSON-able; absent: the step gives none. */
  readonly checkpoint?: unknown;
  readonly progress?: Progress;
  /** It throws this message instead of coming back. */
  readonly throws?: string;
  /** Time between this step and the next. */
  readonly waitMs?: DurationMs;
}

/** One attempt. */
export interface AttemptScript {
  /** At least one. */
  readonly steps: readonly ScriptedStep[];
  /** From the request to stop until the step under way gives up. Absent: it ignores the request and comes back in its own time. */
  readonly stopDelayMs?: DurationMs | undefined;
  /** From the use of force until the proof of the end. Absent: there is no force, as inline; the run is blocked until the step comes back. */
  readonly forceDelayMs?: DurationMs | undefined;
}

/** Sees what really happens, whatever the ledger says. Calls come at the instant of the event. */
export interface AttemptWatch {
  began(order: RunOrder): void;
  stepBegan(order: RunOrder, step: number): void;
  /** @param checkpoint JSON text of what the run starts from next, if it ended here */
  stepEnded(order: RunOrder, checkpoint: string | undefined): void;
  /** The end is proved now; the engine learns of it after this. */
  ended(order: RunOrder, end: AttemptEnd): void;
}

/**
 * What the checkpoint is after a step came back in good order.
 *
 * @param before JSON text before the step
 * @param step the step
 * @param done whether it was the last
 * @returns JSON text; a last step without a checkpoint clears it
 */
export function checkpointAfter(before: string | undefined, step: ScriptedStep, done: boolean): string | undefined {
  if (step.checkpoint !== undefined) return JSON.stringify(step.checkpoint);
  return done ? undefined : before;
}
