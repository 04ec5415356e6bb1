/** `tickwise runs`: the ledger, newest first. */
import type { JobName } from '../core/job.ts';
import type { LedgerReader, RunQuery } from '../core/ledger.ts';
import type { RunState } from '../core/run.ts';
import type { Instant } from '../core/time.ts';
import type { Config } from '../config/config.ts';
import { redact } from '../config/redact.ts';
import type { RunAnswer } from './answer.ts';
import type { Api } from './api.ts';
import { EXIT } from './exit.ts';
import { type Cell, colourOf, localTime, printJson, roughly, table } from './format.ts';
import { openLedger, runForPrograms } from './ledger.ts';
import { noSuchJob } from './settings.ts';
import { fromDaemon, openSource, readsLedger, withLiveStates } from './source.ts';
import type { RemoteOptions } from './target.ts';

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
 * @param remote where the daemon is, and the configuration
 * @param job absent: of all jobs
 * @param options see there
 * @returns 0, also when there are none
 * @throws TickwiseError `JOB_NOT_FOUND`, `STORE_UNUSABLE`, `STORE_UNSUPPORTED` and those of the configuration and of the daemon
 */
export async function runs(remote: RemoteOptions, job: JobName | undefined, options: RunsOptions): Promise<number> {
  const source = openSource(remote);
  const { config, secrets, timezone } = source;
  let found = readsLedger(source) ? undefined : await fromDaemon(source, (api) => runsOfDaemon(api, job, options));
  found ??= await withLiveStates(source, await runsOfLedger(config as Config, job, options));
  if (options.json) printJson(found, secrets);
  else if (found.length === 0) console.error('tickwise: no run matches');
  else process.stdout.write(redact(runTable(found, timezone), secrets));
  return EXIT.ok;
}

async function runsOfDaemon(api: Api, job: JobName | undefined, options: RunsOptions): Promise<readonly RunAnswer[]> {
  const found = await api.runs({ ...options, job });
  // A job that the daemon does not know may have been one of an earlier configuration.
  if (job !== undefined && found.length === 0) await api.job(job);
  return found;
}

async function runsOfLedger(config: Config, job: JobName | undefined, options: RunsOptions): Promise<readonly RunAnswer[]> {
  await using ledger = await openLedger(config);
  if (job !== undefined && !config.jobs.some((known) => known.name === job))
    await checkKnown(
      ledger,
      job,
      config.jobs.map((known) => known.name),
    );
  return await readRuns(ledger, job, options);
}

async function checkKnown(ledger: LedgerReader, job: JobName, configured: readonly JobName[]): Promise<void> {
  const kept = (await ledger.slots()).map((slot) => slot.job);
  if (!kept.includes(job)) throw noSuchJob(job, [...configured, ...kept]);
}

async function readRuns(
  ledger: LedgerReader,
  job: JobName | undefined,
  { count, state, from, to }: RunsOptions,
): Promise<RunAnswer[]> {
  const filter: Omit<RunQuery, 'limit'> = {
    ...(job === undefined ? {} : { job }),
    ...(state === undefined ? {} : { state }),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
  };
  const found: RunAnswer[] = [];
  while (found.length < count) {
    const limit = Math.min(PAGE, count - found.length);
    const last = found.at(-1);
    const page = await ledger.runs({ ...filter, limit, ...(last === undefined ? {} : { after: last.id }) });
    found.push(...page.map(runForPrograms));
    if (page.length < limit) break;
  }
  return found;
}

function runTable(found: readonly RunAnswer[], timezone: string): string {
  const now = Date.now();
  const rows = found.map((run): (Cell | string)[] => [
    run.id,
    run.job,
    localTime(Date.parse(run.tick), timezone),
    { text: run.state, colour: colourOf(run.state) },
    run.startedAt === undefined
      ? '-'
      : roughly((run.endedAt === undefined ? now : Date.parse(run.endedAt)) - Date.parse(run.startedAt)),
    String(run.steps),
    detail(run),
  ]);
  return table(['RUN', 'JOB', 'TICK', 'STATE', 'TOOK', 'STEPS', 'DETAIL'], rows);
}

function detail({ error, waitingFor, reason, progress, result }: RunAnswer): string {
  return error?.message ?? waitingFor ?? reason ?? progress?.message ?? (result === undefined ? '' : JSON.stringify(result));
}
