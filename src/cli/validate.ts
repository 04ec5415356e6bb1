/** `tickwise validate`: everything that is wrong with a configuration, at once. */
import { formatProblem } from '../config/problem.ts';
import { TickwiseError } from '../core/errors.ts';
import { createCalendar } from '../system/calendar.ts';
import { EXIT } from './exit.ts';
import { plural, printJson } from './format.ts';
import { readSettings } from './settings.ts';

/**
 * Checks a configuration file; starts nothing, writes nothing.
 *
 * @param path the configuration file
 * @param options `json`: problems and warnings as one JSON object on standard output
 * @returns 0, or 2 with a line on stderr for each problem
 * @throws TickwiseError `CONFIG_INVALID`, `CONFIG_UNREADABLE`, unless `json` is asked for
 */
export function validate(path: string, options: { readonly json: boolean }): number {
  try {
    const { jobs, warnings } = readSettings(path, createCalendar());
    if (options.json) printJson({ ok: true, file: path, jobs: jobs.length, problems: [], warnings });
    else {
      for (const warning of warnings) console.error(`${formatProblem(warning)} (warning)`);
      console.log(`ok: ${plural(jobs.length, 'job')} in ${path}`);
    }
    return EXIT.ok;
  } catch (thrown) {
    if (!options.json || !(thrown instanceof TickwiseError)) throw thrown;
    const problems = thrown.facts['problems'] ?? [{ file: path, path: '', message: thrown.message }];
    printJson({ ok: false, file: path, problems, warnings: [] });
    return EXIT.usage;
  }
}
