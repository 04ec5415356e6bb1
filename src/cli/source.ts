/**
 * Where the commands that look get what they show: from the daemon while one answers, else from the ledger. Runs of a ledger on this
 * machine are read from it in either case, since it tells more of them than the API does; what the daemon alone knows, how far a stop
 * has come, is laid over them.
 */
import type { Config } from '../config/config.ts';
import { TickwiseError } from '../core/errors.ts';
import type { JobName } from '../core/job.ts';
import { createCalendar } from '../system/calendar.ts';
import type { RunAnswer } from './answer.ts';
import { Api, isAbsent } from './api.ts';
import { hasLedger, openLedger, runForPrograms } from './ledger.ts';
import { oneRunOf } from './run-id.ts';
import { readSettings } from './settings.ts';
import { findTarget, type RemoteOptions } from './target.ts';

/** What a command that looks begins with. */
export interface Source {
  readonly remote: RemoteOptions;
  /** Absent: the command was told where the daemon is, and reads nothing else. */
  readonly config: Config | undefined;
  /** The IANA zone that instants are shown in. */
  readonly timezone: string;
  /** To be blotted out of whatever is printed. */
  readonly secrets: readonly string[];
}

/**
 * Reads the configuration, unless the daemon was named by `--url`.
 *
 * @param remote what the command was told
 * @returns where to look; nobody has been asked yet
 * @throws TickwiseError those of the configuration
 */
export function openSource(remote: RemoteOptions): Source {
  if (remote.url !== undefined) {
    return { remote, config: undefined, timezone: Intl.DateTimeFormat().resolvedOptions().timeZone, secrets: [] };
  }
  const config = readSettings(remote.config, createCalendar(), true);
  return { remote, config, timezone: config.timezone, secrets: config.secrets };
}

/** Whether runs are read from a ledger on this machine, which need not be there yet. @param source as it was opened */
export function readsLedger(source: Source): source is Source & { readonly config: Config } {
  return source.config?.store.kind === 'sqlite';
}

/**
 * Asks the daemon, if there is one.
 *
 * @param source where it is
 * @param ask what to ask; prints nothing that would be wrong to print again
 * @returns what the daemon says; `undefined` when the ledger is to be asked instead: no daemon answers, or it does not answer this
 *   caller, which is said on stderr
 * @throws TickwiseError what the daemon says to be wrong; that it does not answer, when there is no ledger to be asked
 */
export async function fromDaemon<Shown>(source: Source, ask: (api: Api) => Promise<Shown>): Promise<Shown | undefined> {
  const { remote, config, secrets } = source;
  try {
    using api = new Api(findTarget(remote, config, process.env), secrets);
    return await ask(api);
  } catch (error) {
    if (config === undefined || !(error instanceof TickwiseError)) throw error;
    if (isAbsent(error)) return undefined;
    if ((error.code !== 'NO_DAEMON' && error.code !== 'REQUEST_FAILED') || !hasLedger(config)) throw error;
    console.error(`tickwise: read from the ledger alone: ${error.message}`);
    return undefined;
  }
}

/**
 * Finds one run, by the ledger or by the daemon.
 *
 * @param source where to look
 * @param idOrPart a run's id, or a part of one that no other run's has
 * @returns the run, as the daemon sees it if it is live and one answers
 * @throws TickwiseError `RUN_NOT_FOUND`; those of the ledger or of the daemon
 */
export async function findRun(source: Source, idOrPart: string): Promise<RunAnswer> {
  const told = readsLedger(source) ? undefined : await fromDaemon(source, (api) => api.findRun(idOrPart));
  if (told !== undefined) return told;
  await using ledger = await openLedger(source.config as Config);
  const run = oneRunOf(idOrPart === '' ? [] : await ledger.findRuns(idOrPart), idOrPart);
  const [seen = runForPrograms(run)] = await withLiveStates(source, [runForPrograms(run)]);
  return seen;
}

/** What the ledger does not keep, or keeps when the run has ended. */
const LIVE_MEMBERS = [
  'state',
  'waitingFor',
  'startedAt',
  'deadline',
  'budgetMs',
  'graceMs',
  'steps',
  'attempts',
  'progress',
  'stalled',
] as const;

/**
 * Lays what the daemon knows of live runs over what the ledger keeps of them.
 *
 * @param source where the daemon is
 * @param runs from the ledger
 * @returns the same runs; as they are, if none is live or no daemon answers
 * @throws TickwiseError never for want of a daemon
 */
export async function withLiveStates(source: Source, runs: readonly RunAnswer[]): Promise<readonly RunAnswer[]> {
  const jobs = new Set<JobName>(runs.filter((run) => run.endedAt === undefined).map((run) => run.job));
  if (jobs.size === 0) return runs;
  const answers = await fromDaemon(source, (api) => api.jobs());
  const live = new Map(answers?.flatMap(({ liveRun }) => (liveRun === undefined ? [] : [[liveRun.id, liveRun] as const])));
  return runs.map((run) => {
    const seen = run.endedAt === undefined ? live.get(run.id) : undefined;
    if (seen === undefined) return run;
    const told = LIVE_MEMBERS.filter((member) => seen[member] !== undefined).map((member) => [member, seen[member]]);
    return { ...run, ...(Object.fromEntries(told) as Partial<RunAnswer>) };
  });
}
