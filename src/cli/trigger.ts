/** `tickwise trigger`: asks for a run, and waits for its end if told to. */
import { readFileSync } from 'node:fs';
import { text as readAll } from 'node:stream/consumers';
import type { JobName } from '../core/job.ts';
import { TickwiseError } from '../core/errors.ts';
import { openApi } from './api.ts';
import { EXIT } from './exit.ts';
import { printJson } from './format.ts';
import type { RemoteOptions } from './target.ts';
import { waitForEnd } from './wait.ts';

/** What `trigger` may be told. */
export interface TriggerOptions {
  readonly json: boolean;
  /** JSON text, `@FILE`, or `-` for standard input. */
  readonly input?: string;
  /** A duration, e.g. `5m`. */
  readonly budget?: string;
  readonly wait?: boolean;
  readonly idempotencyKey?: string;
}

/**
 * Asks the daemon for a run of a job.
 *
 * @param remote where the daemon is
 * @param job its name
 * @param options see there
 * @returns 0 when the run is started, queued, or known by its key; with `wait`, 1 for every outcome but `succeeded` and
 *   `unfinished`, and 130 when Ctrl-C ended the waiting
 * @throws TickwiseError `INPUT_INVALID`, `JOB_NOT_FOUND`, `JOB_BUSY`, `DRAINING`, `NO_DAEMON`, `REQUEST_FAILED`; those of the
 *   configuration
 */
export async function trigger(remote: RemoteOptions, job: JobName, options: TriggerOptions): Promise<number> {
  const input = options.input === undefined ? {} : { input: await readInput(options.input) };
  using api = openApi(remote);
  const { budget, idempotencyKey } = options;
  const submitted = await api.submit(job, { ...input, ...(budget === undefined ? {} : { budget }) }, idempotencyKey);
  if (options.wait === true) return await waitForEnd(api, submitted.runId, { json: options.json });
  if (options.json) printJson({ job, ...submitted });
  else console.log(`run ${submitted.runId} of ${job}: ${submitted.state ?? 'accepted'}`);
  return EXIT.ok;
}

async function readInput(given: string): Promise<unknown> {
  const origin = given === '-' ? 'standard input' : given.startsWith('@') ? given.slice(1) : '--input';
  const text = given === '-' ? await readAll(process.stdin) : given.startsWith('@') ? readFile(origin) : given;
  try {
    return JSON.parse(text);
  } catch (error) {
    const why = (error as Error).message.replaceAll(/[\p{Cc}\s]+/gu, ' ');
    throw new TickwiseError(
      'INPUT_INVALID',
      `${origin} is not JSON: ${why}; a text needs double quotes of its own, as in '"here"'`,
    );
  }
}

function readFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = String((error as NodeJS.ErrnoException).code);
    throw new TickwiseError('INPUT_INVALID', `${path}: the input cannot be read (${code}); name a file after the @`);
  }
}
