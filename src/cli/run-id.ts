/** Runs by any part of their id that no other id holds. */
import { TickwiseError } from '../core/errors.ts';

/** `findRuns` gives no more than these. */
const MOST_FOUND = 10;

/**
 * Picks the one run that was meant.
 *
 * @param found runs whose id holds the part; of a search that gives up, the first 10 or more
 * @param idOrPart what a user wrote
 * @returns the run
 * @throws TickwiseError `RUN_NOT_FOUND` for none and for several
 */
export function oneRunOf<Run extends { readonly id: string }>(found: readonly Run[], idOrPart: string): Run {
  const [run, ...others] = found;
  if (run === undefined) {
    throw new TickwiseError(
      'RUN_NOT_FOUND',
      `no run has ${JSON.stringify(idOrPart)} in its id; "tickwise runs" shows those that are kept`,
    );
  }
  if (others.length === 0) return run;
  const count = found.length < MOST_FOUND ? String(found.length) : `${MOST_FOUND} or more`;
  throw new TickwiseError(
    'RUN_NOT_FOUND',
    `${count} runs have ${JSON.stringify(idOrPart)} in their id, e.g. ${run.id} and ${others[0]?.id}; give more of it`,
  );
}
