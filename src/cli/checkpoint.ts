/** `tickwise checkpoint`: what a job's next run starts from, shown, set or cleared. */
import { text as readAll } from 'node:stream/consumers';
import { TickwiseError } from '../core/errors.ts';
import type { JobName } from '../core/job.ts';
import type { LedgerReader } from '../core/ledger.ts';
import type { Config } from '../config/config.ts';
import { createCalendar } from '../system/calendar.ts';
import { readIdentity } from '../system/identity.ts';
import { complain, EXIT } from './exit.ts';
import { printJson } from './format.ts';
import { openLedger } from './ledger.ts';
import { noSuchJob, readSettings } from './settings.ts';
import { ledgerPath } from './verify.ts';

/** What to do with it; nothing: show it. */
export interface CheckpointOptions {
  readonly clear?: boolean;
  /** JSON text, or `-` for standard input. */
  readonly set?: string;
  readonly json: boolean;
}

/** As long as what a step may save, in characters of JSON. */
const LARGEST_JSON = 1_048_576;

/**
 * Shows what the job's next run starts from, beside a daemon or without one; or sets or clears it, for which no daemon may run:
 * its runs would write over it.
 *
 * @param path the configuration file
 * @param name of the job, which is configured or in the ledger
 * @param options what to do
 * @returns 0; 2 for what is not JSON or too long; 4 while a daemon holds the store or a run of the job is not proved to be over
 * @throws TickwiseError `JOB_NOT_FOUND`; those of the configuration; `STORE_UNUSABLE`, `STORE_UNSUPPORTED`
 */
export async function checkpoint(path: string, name: JobName, options: CheckpointOptions): Promise<number> {
  if (options.clear === true && options.set !== undefined)
    return complain('--clear and --set exclude each other; give one of them', EXIT.usage);
  const config = readSettings(path, createCalendar(), true);
  await using ledger = await openLedger(config);
  const names = new Set([...config.jobs.map((job) => job.name), ...(await ledger.slots()).map((slot) => slot.job)]);
  if (!names.has(name)) throw noSuchJob(name, [...names]);
  if (options.clear !== true && options.set === undefined) return show(ledger, name, options.json);
  const text = options.set === undefined ? null : jsonText(options.set === '-' ? await readAll(process.stdin) : options.set);
  if (typeof text === 'object' && text !== null) return complain(`job ${name}: ${text.fault}`, EXIT.usage);
  try {
    await write(config, name, text);
  } catch (thrown) {
    const refusal = refusalOf(thrown, name);
    if (refusal === undefined) throw thrown;
    return complain(refusal, EXIT.refused);
  }
  tell(name, text ?? undefined, options.json);
  return EXIT.ok;
}

async function show(ledger: LedgerReader, name: JobName, json: boolean): Promise<number> {
  tell(name, await ledger.checkpoint(name), json);
  return EXIT.ok;
}

function tell(job: JobName, text: string | undefined, json: boolean): void {
  if (json) printJson(text === undefined ? { job } : { job, checkpoint: JSON.parse(text) as unknown });
  else console.log(text === undefined ? `${job}: no checkpoint; its next run starts afresh` : text);
}

function jsonText(given: string): string | { readonly fault: string } {
  let text: string;
  try {
    text = JSON.stringify(JSON.parse(given));
  } catch (error) {
    return {
      fault: `the checkpoint is not JSON: ${(error as Error).message.replaceAll(/\s+/g, ' ')}; a text needs double quotes of its own, as in '"here"'`,
    };
  }
  if (text.length <= LARGEST_JSON) return text;
  return { fault: `the checkpoint has ${text.length} characters of JSON; at most ${LARGEST_JSON} (1 MiB) are kept` };
}

async function write(config: Config, name: JobName, text: string | null): Promise<void> {
  const { openSqliteStore } = await import('../store/sqlite.ts');
  await using store = await openSqliteStore({ path: ledgerPath(config), node: readIdentity(Date.now()) });
  await store.setCheckpoint(name, text);
}

function refusalOf(thrown: unknown, name: JobName): string | undefined {
  if (!(thrown instanceof TickwiseError)) return undefined;
  const { code, facts } = thrown;
  const { pid } = facts;
  switch (code) {
    case 'STORE_LOCKED':
      return `${String(facts['path'])}: a daemon${typeof pid === 'number' ? ` (pid ${pid})` : ''} has this store open; stop the daemon first, then change the checkpoint`;
    case 'JOB_BUSY':
      return `job ${name}: run ${String(facts['runId'])} of an earlier daemon is not proved to be over; start the daemon until it says "run lost", stop it, then change the checkpoint`;
    case 'JOB_NOT_FOUND':
      return `job ${name}: no daemon has had this job yet; start the daemon once, stop it, then set the checkpoint`;
    default:
      return undefined;
  }
}
