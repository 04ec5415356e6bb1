/** `tickwise runs`: the ledger, newest first. */
import type { JobName } from '../core/job.ts';
import type { LedgerReader, RunQuery, RunRecord } from '../core/ledger.ts';
import type { RunState } from '../core/run.ts';
import type { Instant } from '../core/time.ts';
import { redact } from '../config/redact.ts';
import { createCalendar } from '../system/calendar.ts';
import { EXIT } from './exit.ts';
import { type Cell, colourOf, localTime, printJson, roughly, table } from './format.ts';
import { openLedger, runForPrograms } from './ledger.ts';
import { noSuchJob, readSettings } from './settings.ts';

const PAGE = 1_000;

/** What `runs` may be told. */
export interface RunsOptions {
  readonly json: boolean;
  readonly count: number;
  readonly state?: RunState | undefined;
  /** Runs of ticks from here on. */
  readonly from?: Instant | undefined;
  /** Runs of ticks before this instant. */
  readonly to?: Instant | undefined;
}

/**
 * Prints runs, newest first. The job need not be part of the configuration any more.
 *
 * @param path the configuration file
 * @param job absent: of all jobs
 * @param options see there
 * @returns 0, also when there are none
 * @throws TickwiseError `JOB_NOT_FOUND`, `STORE_UNUSABLE`, `STORE_UNSUPPORTED` and those of the configuration
 */
export async function runs(path: string, job: JobName | undefined, options: RunsOptions): Promise<number> {
  const config = readSettings(path, createCalendar());
  await using ledger = await openLedger(config);
  if (job !== undefined && !config.jobs.some((known) => known.name === job))
    await checkKnown(
      ledger,
      job,
      config.jobs.map((known) => known.name),
    );
  const found = await readRuns(ledger, job, options);
  if (options.json) printJson(found.map(runForPrograms), config.secrets);
  else if (found.length === 0) console.error('tickwise: no run matches');
  else process.stdout.write(redact(runTable(found, config.timezone), config.secrets));
  return EXIT.ok;
}

async function checkKnown(ledger: LedgerReader, job: JobName, configured: readonly JobName[]): Promise<void> {
  const kept = (await ledger.slots()).map((slot) => slot.job);
  if (!kept.includes(job)) throw noSuchJob(job, [...configured, ...kept]);
}

async function readRuns(
  ledger: LedgerReader,
  job: JobName | undefined,
  { count, state, from, to }: RunsOptions,
): Promise<RunRecord[]> {
  const filter: Omit<RunQuery, 'limit'> = {
    ...(job === undefined ? {} : { job }),
    ...(state === undefined ? {} : { state }),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
  };
  const found: RunRecord[] = [];
  while (found.length < count) {
    const limit = Math.min(PAGE, count - found.length);
    const last = found.at(-1);
    const page = await ledger.runs({ ...filter, limit, ...(last === undefined ? {} : { after: last.id }) });
    found.push(...page);
    if (page.length < limit) break;
  }
  return found;
}

function runTable(found: readonly RunRecord[], timezone: string): string {
  const now = Date.now();
  const rows = found.map((run): (Cell | string)[] => [
    run.id,
    run.job,
    localTime(run.tick, timezone),
    { text: run.state, colour: colourOf(run.state) },
    run.startedAt === undefined ? '-' : roughly((run.endedAt ?? now) - run.startedAt),
    String(run.steps),
    run.error?.message ?? run.reason ?? run.progress?.message ?? run.result ?? '',
  ]);
  return table(['RUN', 'JOB', 'TICK', 'STATE', 'TOOK', 'STEPS', 'DETAIL'], rows);
}
