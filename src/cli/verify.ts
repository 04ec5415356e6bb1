/** `tickwise verify`: the promise, proved from the ledger. */
import type { Config } from '../config/config.ts';
import { TickwiseError } from '../core/errors.ts';
import type { Verification } from '../store/verify.ts';
import { createCalendar } from '../system/calendar.ts';
import { complain, EXIT } from './exit.ts';
import { iso, plural, printJson, table } from './format.ts';
import { readSettings } from './settings.ts';

/**
 * Reads the whole ledger, beside a daemon or without one, and says whether it keeps the promise.
 *
 * @param path the configuration file
 * @param options `json`: as a JSON object
 * @returns 0 if it does; 1 with the rows that break it if not
 * @throws TickwiseError those of the configuration; `STORE_UNUSABLE` when there is no ledger or it cannot be read; `STORE_UNSUPPORTED`
 */
export async function verify(path: string, options: { readonly json: boolean }): Promise<number> {
  const calendar = createCalendar();
  const { verifyLedger } = await import('../store/verify.ts');
  const found = verifyLedger(ledgerPath(readSettings(path, calendar, true)), calendar);
  if (options.json) printJson(forPrograms(found));
  else if (found.count > 0) process.stdout.write(findingTable(found));
  else console.log(summary(found));
  if (found.count === 0) return EXIT.ok;
  const shown = found.findings.length < found.count ? `, of which the first ${found.findings.length} are shown` : '';
  return complain(
    `${found.path}: ${plural(found.count, 'row')} in the ledger ${found.count === 1 ? 'breaks' : 'break'} the promise${shown}; please report this`,
    EXIT.failed,
  );
}

/** @returns the file of a ledger in SQLite @throws TickwiseError `STORE_UNSUPPORTED` when the ledger is no file */
export function ledgerPath({ store }: Config): string {
  if (store.kind === 'sqlite') return store.path;
  throw new TickwiseError(
    'STORE_UNSUPPORTED',
    `store: a ledger in "${store.kind}:" is no file that can be read from here; use "sqlite:PATH"`,
  );
}

function summary({ path, jobs, runs, ticks, live, queued, clockSteps }: Verification): string {
  const open = live + queued === 0 ? '' : ` (${live} live, ${queued} queued)`;
  const steps = clockSteps === 0 ? '' : `; the clock was set back, which explains ${plural(clockSteps, 'instant')} out of order`;
  return `${path}: ${plural(runs, 'run')}${open} and ${plural(ticks, 'tick')} of ${plural(jobs, 'job')}: no two runs of a job intersect, and every due tick has one outcome${steps}`;
}

function findingTable({ findings }: Verification): string {
  return table(
    ['JOB', 'BROKEN', 'ROW'],
    findings.map(({ job, kind, what }) => [job, { text: kind, colour: 'red' as const }, what]),
  );
}

function forPrograms({ findings, ...rest }: Verification): Record<string, unknown> {
  return {
    ...rest,
    findings: findings.map((finding) => (finding.tick === undefined ? finding : { ...finding, tick: iso(finding.tick) })),
  };
}
