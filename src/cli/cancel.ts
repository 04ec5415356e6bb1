/** `tickwise cancel`: asks a run, or all runs of a job, to stop. */
import { TickwiseError } from '../core/errors.ts';
import type { RunAnswer } from './answer.ts';
import { type Api, openApi } from './api.ts';
import { EXIT } from './exit.ts';
import { plural, printJson } from './format.ts';
import type { RemoteOptions } from './target.ts';

/**
 * Asks to stop. The end itself comes when it is proved: `trigger --wait`, `show` and `list` tell of it.
 *
 * @param remote where the daemon is
 * @param what the name of a job, else a run's id or a part of one
 * @param options `json`: what was asked to stop, as a JSON object
 * @returns 0, also for a job that has no live run
 * @throws TickwiseError `RUN_NOT_FOUND` for neither a job nor a run; `REQUEST_FAILED`, also for a run that has ended already;
 *   `NO_DAEMON`; those of the configuration
 */
export async function cancel(remote: RemoteOptions, what: string, options: { readonly json: boolean }): Promise<number> {
  using api = openApi(remote);
  const runIds = await cancelJob(api, what);
  if (runIds !== undefined) {
    if (options.json) printJson({ job: what, runs: runIds });
    else if (runIds.length === 0) console.log(`${what}: nothing to cancel; no run of this job is live or queued`);
    else console.log(`${what}: asked ${plural(runIds.length, 'run')} to stop: ${runIds.join(' ')}`);
    return EXIT.ok;
  }
  const run = await findRun(api, what);
  await api.cancelRun(run.id);
  if (options.json) printJson({ job: run.job, runs: [run.id] });
  else console.log(`${run.job}: asked run ${run.id} to stop`);
  return EXIT.ok;
}

/** A job's name is looked for first: it is never by chance a part of a run's id that somebody meant. */
async function cancelJob(api: Api, name: string): Promise<readonly string[] | undefined> {
  try {
    return await api.cancelJob(name);
  } catch (error) {
    if (error instanceof TickwiseError && error.code === 'JOB_NOT_FOUND') return undefined;
    throw error;
  }
}

async function findRun(api: Api, what: string): Promise<RunAnswer> {
  try {
    return await api.findRun(what);
  } catch (error) {
    if (!(error instanceof TickwiseError) || error.code !== 'RUN_NOT_FOUND') throw error;
    throw new TickwiseError('RUN_NOT_FOUND', `no job is named ${JSON.stringify(what)}, and ${error.message}`, { cause: error });
  }
}
