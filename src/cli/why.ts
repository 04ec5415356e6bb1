/** `tickwise why`: in words, why a job is, or is not, running now. */
import type { JobName } from '../core/job.ts';
import { openApi } from './api.ts';
import { EXIT } from './exit.ts';
import { printJson } from './format.ts';
import type { RemoteOptions } from './target.ts';

/**
 * Prints the daemon's own words.
 *
 * @param remote where the daemon is
 * @param job its name
 * @param options `json`: as a JSON object
 * @returns 0
 * @throws TickwiseError `JOB_NOT_FOUND`, `NO_DAEMON`, `REQUEST_FAILED`; those of the configuration
 */
export async function why(remote: RemoteOptions, job: JobName, options: { readonly json: boolean }): Promise<number> {
  using api = openApi(remote);
  const { job: found, why: lines } = await api.job(job);
  if (options.json) printJson({ job, state: found.state, why: lines });
  else for (const line of lines) console.log(line.replace(/\p{Cc}+/gu, ' '));
  return EXIT.ok;
}
