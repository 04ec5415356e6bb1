/** `tickwise list`: jobs with their schedules, what they do now, how they last ended and when they fall due. */
import type { Config } from '../config/config.ts';
import type { Job } from '../core/job.ts';
import type { LedgerReader, RunRecord } from '../core/ledger.ts';
import type { Calendar } from '../core/ports.ts';
import type { Schedule } from '../core/schedule.ts';
import type { SlotState } from '../core/slot.ts';
import type { Instant } from '../core/time.ts';
import { formatDuration } from '../core/time.ts';
import { createCalendar } from '../system/calendar.ts';
import { isNodeAlive } from '../system/identity.ts';
import { EXIT } from './exit.ts';
import { type Cell, colourOf, iso, printJson, relative, table } from './format.ts';
import { hasLedger, openLedger } from './ledger.ts';
import { readSettings } from './settings.ts';

/** What the ledger says of a job. */
interface Past {
  readonly slot: SlotState;
  readonly live: RunRecord | undefined;
  readonly last: RunRecord | undefined;
}

interface JobRow {
  readonly job: Job;
  readonly state: 'idle' | 'running' | 'queued' | 'paused';
  /** The daemon of the live run is gone; the next one finds out what it left, and writes the run as lost. */
  readonly orphaned: boolean;
  readonly past: Past | undefined;
  readonly nextTick: Instant | undefined;
}

/**
 * Prints the jobs of a configuration, beside a daemon or without one.
 *
 * @param path the configuration file
 * @param options `json`: as a JSON array
 * @returns 0
 * @throws TickwiseError those of the configuration; `STORE_UNUSABLE` when there is a ledger that cannot be read
 */
export async function list(path: string, options: { readonly json: boolean }): Promise<number> {
  const calendar = createCalendar();
  const config = readSettings(path, calendar);
  const rows = await jobRows(config, calendar);
  if (options.json) printJson(rows.map(forPrograms));
  else {
    if (config.store.kind !== 'sqlite')
      console.error(`tickwise: no history is shown: a ledger in "${config.store.kind}:" cannot be read from here`);
    process.stdout.write(jobTable(rows, config));
  }
  return EXIT.ok;
}

async function jobRows(config: Config, calendar: Calendar): Promise<JobRow[]> {
  const pasts = await readPasts(config);
  const now = Date.now();
  return config.jobs.map((job) => {
    const past = pasts.get(job.name);
    const node = past?.live?.node;
    return {
      job,
      state: stateOf(job, past?.slot),
      orphaned: node !== undefined && !isNodeAlive(node),
      past,
      nextTick: calendar.next(job.schedules, job.name, now),
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

function stateOf(job: Job, slot: SlotState | undefined): JobRow['state'] {
  if (slot?.live !== undefined) return 'running';
  if (slot !== undefined && slot.queued.length > 0) return 'queued';
  return job.paused || slot?.paused === true ? 'paused' : 'idle';
}

function jobTable(rows: readonly JobRow[], { timezone }: Config): string {
  const now = Date.now();
  const cells = rows.map(({ job, state, orphaned, past, nextTick }): (Cell | string)[] => [
    job.name,
    { text: orphaned ? `${state} (its daemon is gone)` : state, colour: orphaned ? 'red' : colourOf(state) },
    past?.last === undefined ? '-' : { text: past.last.state, colour: colourOf(past.last.state) },
    past?.last?.endedAt === undefined ? '-' : relative(past.last.endedAt, now),
    nextTick === undefined ? '-' : relative(nextTick, now),
    scheduleText(job.schedules, timezone),
  ]);
  return table(['JOB', 'STATE', 'LAST', 'ENDED', 'NEXT', 'SCHEDULE'], cells);
}

function scheduleText(schedules: readonly Schedule[], timezone: string): string {
  return schedules.length === 0 ? 'when triggered' : schedules.map((schedule) => oneSchedule(schedule, timezone)).join('; ');
}

function oneSchedule(schedule: Schedule, timezone: string): string {
  const jitter = (schedule.jitterMs ?? 0) > 0 ? ` jitter ${formatDuration(schedule.jitterMs ?? 0)}` : '';
  switch (schedule.kind) {
    case 'cron':
      return `${schedule.pattern}${schedule.timezone === timezone ? '' : ` ${schedule.timezone}`}${jitter}`;
    case 'every':
      return `@every ${formatDuration(schedule.everyMs)}${jitter}`;
    case 'at':
      return `${iso(schedule.at)}${jitter}`;
    default:
      return schedule satisfies never;
  }
}

function forPrograms({ job, state, orphaned, past, nextTick }: JobRow): Record<string, unknown> {
  const { live, last } = past ?? {};
  return {
    job: job.name,
    state,
    paused: job.paused || past?.slot.paused === true,
    ...(live === undefined ? {} : { live: live.id, orphaned }),
    queued: past?.slot.queued.map((run) => run.runId) ?? [],
    ...(last?.endedAt === undefined ? {} : { last: { run: last.id, outcome: last.state, endedAt: iso(last.endedAt) } }),
    ...(nextTick === undefined ? {} : { nextTick: iso(nextTick) }),
    schedules: job.schedules.map((schedule) => oneSchedule(schedule, '')),
    ...(job.description === undefined ? {} : { description: job.description }),
  };
}
