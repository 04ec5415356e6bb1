/** What every command begins with: the configuration, read the same way by all. */
import type { Config } from '../config/config.ts';
import { loadConfig } from '../config/load.ts';
import { suggest } from '../config/suggest.ts';
import { TickwiseError } from '../core/errors.ts';
import type { Job, JobName } from '../core/job.ts';
import type { Calendar } from '../core/ports.ts';

/**
 * Loads the configuration.
 *
 * @param path the file, relative to the working directory
 * @param calendar checks its schedules
 * @param isOnlooker nothing will run by it: secrets that this user may not read are done without
 * @returns the configuration, frozen
 * @throws TickwiseError `CONFIG_UNREADABLE`, `CONFIG_INVALID`
 */
export function readSettings(path: string, calendar: Calendar, isOnlooker = false): Config {
  return loadConfig(path, {
    env: process.env,
    calendar,
    now: Date.now(),
    hostTimezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    isOnlooker,
  });
}

/**
 * Finds a job by its name.
 *
 * @param config a loaded configuration
 * @param name what a user wrote
 * @returns the job
 * @throws TickwiseError `JOB_NOT_FOUND`, with the nearest name
 */
export function findJob(config: Config, name: JobName): Job {
  const job = config.jobs.find((candidate) => candidate.name === name);
  if (job === undefined)
    throw noSuchJob(
      name,
      config.jobs.map((candidate) => candidate.name),
    );
  return job;
}

/**
 * @param name what a user wrote
 * @param names of the jobs that there are
 * @returns the error of a job that is not there, with the nearest name
 */
export function noSuchJob(name: string, names: readonly string[]): TickwiseError {
  const meant = suggest(name, names);
  const help = meant === undefined ? '"tickwise list" shows those that are' : `did you mean "${meant}"?`;
  return new TickwiseError('JOB_NOT_FOUND', `no job is named ${JSON.stringify(name)}; ${help}`);
}
