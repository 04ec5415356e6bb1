/** What a step hands over to be kept, as JSON text of bounded length. */
import { TickwiseError } from '../core/errors.ts';
import type { JobName } from '../core/job.ts';

/** The limit of a checkpoint and of a result, in UTF-16 units of their JSON text. */
export const LARGEST_JSON = 1_048_576;

/**
 * Makes JSON text of a checkpoint or a result.
 *
 * @param value what the step gave
 * @param what it is, for the error
 * @param job named in the error
 * @param step its number, for the error
 * @returns at most 1 MiB of text
 * @throws TickwiseError `CHECKPOINT_INVALID` when it is not JSON or too long
 */
export function stepJson(value: unknown, what: 'checkpoint' | 'result', job: JobName, step: number): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (cause) {
    throw new TickwiseError('CHECKPOINT_INVALID', `job ${job}: the ${what} of step ${step} is not JSON`, { cause });
  }
  if (text === undefined) {
    throw new TickwiseError('CHECKPOINT_INVALID', `job ${job}: the ${what} of step ${step} is not JSON (a ${typeof value})`);
  }
  if (text.length > LARGEST_JSON) {
    throw new TickwiseError(
      'CHECKPOINT_INVALID',
      `job ${job}: the ${what} of step ${step} has ${text.length} characters of JSON; at most ${LARGEST_JSON} are kept`,
    );
  }
  return text;
}
