/** The environment of a command: what SPEC section 4 names and nothing else, so that no secret of the daemon's reaches it. */
import type { RunOrder } from '../core/ports.ts';

/** What a command takes over from the daemon's own environment. */
const INHERITED = ['PATH', 'HOME', 'LANG', 'TZ'] as const;

/** The files through which a command gives JSON back. */
export interface ExchangeFiles {
  readonly checkpointFile: string;
  readonly resultFile: string;
}

/**
 * Puts together what one step is started with.
 *
 * @param order the attempt
 * @param step counted from 1
 * @param files absolute paths
 * @param base the daemon's own environment; only `PATH`, `HOME`, `LANG`, `TZ` are taken
 * @param own what the task's `env` names; it goes before `base`, and never before the words of the run
 * @returns a whole environment
 */
export function commandEnvironment(
  order: RunOrder,
  step: number,
  files: ExchangeFiles,
  base: Readonly<Record<string, string | undefined>>,
  own: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const name of INHERITED) {
    const value = base[name];
    if (value !== undefined) environment[name] = value;
  }
  return {
    ...environment,
    ...own,
    ...(order.input === undefined ? {} : { TICKWISE_INPUT: JSON.stringify(order.input) }),
    TICKWISE_JOB: order.job.name,
    TICKWISE_RUN_ID: order.runId,
    TICKWISE_TICK: String(order.tick),
    TICKWISE_ATTEMPT: String(order.attempt),
    TICKWISE_STEP: String(step),
    TICKWISE_DEADLINE: String(Math.round(order.deadline)),
    TICKWISE_FENCE: String(order.fence),
    TICKWISE_CHECKPOINT_FILE: files.checkpointFile,
    TICKWISE_RESULT_FILE: files.resultFile,
  };
}
