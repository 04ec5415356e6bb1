/** `tickwise pause` and `tickwise resume`. */
import type { JobName } from '../core/job.ts';
import { openApi } from './api.ts';
import { EXIT } from './exit.ts';
import { printJson } from './format.ts';
import type { RemoteOptions } from './target.ts';

/**
 * Lets the ticks of a job pass, or start runs again; it holds over a restart.
 *
 * @param remote where the daemon is
 * @param job its name
 * @param options which of the two; `json`: as a JSON object
 * @returns 0, also when it was so already
 * @throws TickwiseError `JOB_NOT_FOUND`, `NO_DAEMON`, `REQUEST_FAILED`; those of the configuration
 */
export async function setPaused(
  remote: RemoteOptions,
  job: JobName,
  options: { readonly paused: boolean; readonly json: boolean },
): Promise<number> {
  using api = openApi(remote);
  const { paused, liveRun } = await api.setPaused(job, options.paused);
  if (options.json) printJson({ job, paused });
  else if (options.paused) console.log(`${job}: paused${liveRun === undefined ? '' : `; run ${liveRun.id} goes on`}`);
  else console.log(paused ? `${job}: still paused, by its definition: "paused": true` : `${job}: resumed`);
  return EXIT.ok;
}
