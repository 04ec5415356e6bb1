/** `tickwise list`: jobs with their schedules, what they do now, how they last ended and when they fall due. */
import type { Config } from '../config/config.ts';
import type { Job } from '../core/job.ts';
import type { LedgerReader, RunRecord } from '../core/ledger.ts';
import type { Schedule } from '../core/schedule.ts';
import type { SlotState } from '../core/slot.ts';
import { formatDuration } from '../core/time.ts';
import { createCalendar } from '../system/calendar.ts';
import { isNodeAlive } from '../system/identity.ts';
import type { JobAnswer, ScheduleAnswer } from './answer.ts';
import { EXIT } from './exit.ts';
import { type Cell, colourOf, iso, printJson, relative, table } from './format.ts';
import { hasLedger, openLedger } from './ledger.ts';
import { fromDaemon, openSource } from './source.ts';
import type { RemoteOptions } from './target.ts';

/** What the ledger says of a job. */
interface Past {
  readonly slot: SlotState;
  readonly live: RunRecord | undefined;
  readonly last: RunRecord | undefined;
}

/** A job as programs are given it. */
interface JobRow {
  readonly job: string;
  readonly state: string;
  readonly paused: boolean;
  readonly live?: string;
  /** The daemon of the live run is gone; the next one finds out what it left, and writes the run as lost. */
  readonly orphaned?: boolean;
  readonly queued: readonly string[];
  readonly last?: { readonly run: string; readonly outcome: string; readonly endedAt: string };
  readonly nextTick?: string;
  readonly schedules: readonly string[];
  readonly description?: string;
}

/**
 * Prints the jobs: the daemon's while one answers, else those of the configuration with what the ledger says of them.
 *
 * @param remote where the daemon is, and the configuration
 * @param options `json`: as a JSON array
 * @returns 0
 * @throws TickwiseError those of the configuration and of the daemon; `STORE_UNUSABLE` when there is a ledger that cannot be read
 */
export async function list(remote: RemoteOptions, options: { readonly json: boolean }): Promise<number> {
  const source = openSource(remote);
  const answers = await fromDaemon(source, (api) => api.jobs());
  const rows =
    answers === undefined ? await rowsOfLedger(source.config as Config) : inOrder(answers.map(rowOfAnswer), source.config);
  if (options.json) printJson(rows, source.secrets);
  else {
    if (answers === undefined && source.config !== undefined && source.config.store.kind !== 'sqlite')
      console.error(`tickwise: no history is shown: a ledger in "${source.config.store.kind}:" cannot be read from here`);
    process.stdout.write(jobTable(rows, source.timezone));
  }
  return EXIT.ok;
}

/**
 * Prints the names of the jobs and nothing else, for a shell that completes one.
 *
 * @param remote where the configuration is, or the daemon
 * @returns 0
 * @throws TickwiseError those of the configuration and of the daemon
 */
export async function listNames(remote: RemoteOptions): Promise<number> {
  const source = openSource(remote);
  const names =
    source.config?.jobs.map((job) => job.name) ?? (await fromDaemon(source, (api) => api.jobs()))?.map((job) => job.name) ?? [];
  process.stdout.write(names.map((name) => `${name}\n`).join(''));
  return EXIT.ok;
}

/** The daemon goes by name; a configuration has an order of its own. */
function inOrder(rows: JobRow[], config: Config | undefined): JobRow[] {
  const places = new Map(config?.jobs.map((job, place) => [job.name, place]));
  const placeOf = ({ job }: JobRow): number => places.get(job) ?? places.size;
  return rows.sort((one, other) => placeOf(one) - placeOf(other));
}

function rowOfAnswer(answer: JobAnswer): JobRow {
  const { name, state, paused, liveRun, queuedRuns, lastRun, nextTick, schedules, description } = answer;
  return {
    job: name,
    state,
    paused,
    ...(liveRun === undefined ? {} : { live: liveRun.id, orphaned: false }),
    queued: queuedRuns,
    ...(lastRun?.endedAt === undefined ? {} : { last: { run: lastRun.id, outcome: lastRun.state, endedAt: lastRun.endedAt } }),
    ...(nextTick === undefined ? {} : { nextTick }),
    schedules: schedules.map(scheduleText),
    ...(description === undefined ? {} : { description }),
  };
}

async function rowsOfLedger(config: Config): Promise<JobRow[]> {
  const calendar = createCalendar();
  const pasts = await readPasts(config);
  const now = Date.now();
  return config.jobs.map((job) => {
    const { slot, live, last } = pasts.get(job.name) ?? {};
    const nextTick = calendar.next(job.schedules, job.name, now);
    return {
      job: job.name,
      state: stateOf(job, slot),
      paused: job.paused || slot?.paused === true,
      ...(live === undefined ? {} : { live: live.id, orphaned: live.node !== undefined && !isNodeAlive(live.node) }),
      queued: slot?.queued.map((run) => run.runId) ?? [],
      ...(last?.endedAt === undefined ? {} : { last: { run: last.id, outcome: last.state, endedAt: iso(last.endedAt) } }),
      ...(nextTick === undefined ? {} : { nextTick: iso(nextTick) }),
      schedules: job.schedules.map((schedule) => scheduleText(asAnswer(schedule))),
      ...(job.description === undefined ? {} : { description: job.description }),
    };
  });
}

async function readPasts(config: Config): Promise<Map<string, Past>> {
  const pasts = new Map<string, Past>();
  if (!hasLedger(config)) return pasts;
  const known = new Set(config.jobs.map((job) => job.name));
  await using ledger = await openLedger(config);
  for (const slot of await ledger.slots()) {
    if (known.has(slot.job)) pasts.set(slot.job, { slot, ...(await newestRuns(ledger, slot)) });
  }
  return pasts;
}

async function newestRuns(ledger: LedgerReader, slot: SlotState): Promise<Pick<Past, 'live' | 'last'>> {
  // Open runs are the newest but for their order among themselves, so one more than there are of them holds an ended one.
  const limit = Math.min(1_000, slot.queued.length + (slot.live === undefined ? 1 : 2));
  const runs = await ledger.runs({ job: slot.job, limit });
  return { live: runs.find((run) => run.id === slot.live?.runId), last: runs.find((run) => run.endedAt !== undefined) };
}

function stateOf(job: Job, slot: SlotState | undefined): string {
  if (slot?.live !== undefined) return 'running';
  if (slot !== undefined && slot.queued.length > 0) return 'queued';
  return job.paused || slot?.paused === true ? 'paused' : 'idle';
}

function jobTable(rows: readonly JobRow[], timezone: string): string {
  const now = Date.now();
  const cells = rows.map(({ job, state, orphaned = false, last, nextTick, schedules }): (Cell | string)[] => [
    job,
    { text: orphaned ? `${state} (its daemon is gone)` : state, colour: orphaned ? 'red' : colourOf(state) },
    last === undefined ? '-' : { text: last.outcome, colour: colourOf(last.outcome) },
    last === undefined ? '-' : relative(Date.parse(last.endedAt), now),
    nextTick === undefined ? '-' : relative(Date.parse(nextTick), now),
    // The zone of the configuration is every schedule's, unless it says another.
    schedules.length === 0 ? 'when triggered' : schedules.map((text) => text.replace(` ${timezone}`, '')).join('; '),
  ]);
  return table(['JOB', 'STATE', 'LAST', 'ENDED', 'NEXT', 'SCHEDULE'], cells);
}

function scheduleText({ kind, text, timezone, jitterMs = 0 }: ScheduleAnswer): string {
  const zone = timezone === undefined ? '' : ` ${timezone}`;
  return `${kind === 'every' ? '@every ' : ''}${text}${zone}${jitterMs > 0 ? ` jitter ${formatDuration(jitterMs)}` : ''}`;
}

function asAnswer(schedule: Schedule): ScheduleAnswer {
  const { kind, jitterMs } = schedule;
  switch (schedule.kind) {
    case 'cron':
      return { kind, text: schedule.pattern, timezone: schedule.timezone, jitterMs };
    case 'every':
      return { kind, text: formatDuration(schedule.everyMs), jitterMs };
    case 'at':
      return { kind, text: iso(schedule.at), jitterMs };
    default:
      return schedule satisfies never;
  }
}
