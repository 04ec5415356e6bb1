/** `tickwise next`: coming ticks, with the changes of the clock that lie between them. */
import type { Config } from '../config/config.ts';
import type { Job, JobName } from '../core/job.ts';
import type { Calendar } from '../core/ports.ts';
import type { Schedule } from '../core/schedule.ts';
import type { DurationMs, Instant } from '../core/time.ts';
import { createCalendar } from '../system/calendar.ts';
import { EXIT } from './exit.ts';
import { type Cell, iso, localTime, offsetOf, offsetText, plural, printJson, relative, table } from './format.ts';
import { findJob, readSettings } from './settings.ts';

const COUNT_OF_ONE_JOB = 10;
const COUNT_OF_ALL_JOBS = 20;

/** What `next` may be told. */
export interface NextOptions {
  readonly json: boolean;
  /** Ticks to show: 10 of one job, 20 of all unless given. */
  readonly count?: number | undefined;
  /** Ticks after this instant; now unless given. */
  readonly from?: Instant | undefined;
}

interface ComingTick {
  readonly job: Job;
  readonly tick: Instant;
  readonly timezone: string;
  /** The offsets before and after, if the clock changes between the tick before (or the start) and this one. */
  readonly change?: { readonly from: DurationMs; readonly to: DurationMs } | undefined;
}

/**
 * Prints the coming ticks of one job, or of all jobs in one order.
 *
 * @param path the configuration file
 * @param name of a job; absent: all
 * @param options see there
 * @returns 0, also when nothing falls due
 * @throws TickwiseError `JOB_NOT_FOUND` and those of the configuration
 */
export function next(path: string, name: JobName | undefined, options: NextOptions): number {
  const calendar = createCalendar();
  const config = readSettings(path, calendar, true);
  const jobs = name === undefined ? config.jobs : [findJob(config, name)];
  const count = options.count ?? (name === undefined ? COUNT_OF_ALL_JOBS : COUNT_OF_ONE_JOB);
  const ticks = comingTicks(jobs, { calendar, timezone: config.timezone, from: options.from ?? Date.now(), count });
  if (options.json) printJson(ticks.map(forPrograms));
  else if (ticks.length === 0) console.error(`tickwise: ${nothingDue(config, name)}`);
  else process.stdout.write(tickTable(ticks));
  return EXIT.ok;
}

/** One schedule of one job, at its coming tick. */
interface Source {
  readonly job: Job;
  readonly schedule: Schedule;
  readonly timezone: string;
  tick: Instant | undefined;
  offset: DurationMs;
}

/** Merges all schedules; a tick that two schedules of a job agree on is one tick. */
function comingTicks(
  jobs: readonly Job[],
  { calendar, timezone, from, count }: { calendar: Calendar; timezone: string; from: Instant; count: number },
): ComingTick[] {
  const sources = jobs.flatMap((job) =>
    job.schedules.map((schedule): Source => {
      const zone = schedule.kind === 'cron' ? schedule.timezone : timezone;
      return { job, schedule, timezone: zone, tick: calendar.next([schedule], job.name, from), offset: offsetOf(from, zone) };
    }),
  );
  const ticks: ComingTick[] = [];
  while (ticks.length < count) {
    const source = earliest(sources);
    if (source?.tick === undefined) break;
    const { job, tick } = source;
    const offset = offsetOf(tick, source.timezone);
    const change = offset === source.offset ? undefined : { from: source.offset, to: offset };
    ticks.push({ job, tick, timezone: source.timezone, change });
    for (const other of sources) {
      if (other.job !== job) continue;
      other.offset = offsetOf(tick, other.timezone);
      if (other.tick === tick) other.tick = calendar.next([other.schedule], job.name, tick);
    }
  }
  return ticks;
}

function earliest(sources: readonly Source[]): Source | undefined {
  let first: Source | undefined;
  for (const source of sources) {
    if (source.tick !== undefined && source.tick < (first?.tick ?? Infinity)) first = source;
  }
  return first;
}

function tickTable(ticks: readonly ComingTick[]): string {
  const now = Date.now();
  const rows = ticks.map((coming): (Cell | string)[] => [
    coming.job.name,
    localTime(coming.tick, coming.timezone),
    coming.timezone,
    iso(coming.tick).replace('.000Z', 'Z'),
    relative(coming.tick, now),
    { text: notes(coming), colour: 'yellow' },
  ]);
  return table(['JOB', 'LOCAL TIME', 'ZONE', 'UTC', 'DUE', 'NOTE'], rows);
}

function notes({ change, job }: ComingTick): string {
  const clock = change === undefined ? [] : [`clock changes: UTC${offsetText(change.from)} to UTC${offsetText(change.to)}`];
  return [...clock, ...(job.paused ? ['paused'] : [])].join(', ');
}

function forPrograms({ job, tick, timezone, change }: ComingTick): Record<string, unknown> {
  return {
    job: job.name,
    tick: iso(tick),
    local: localTime(tick, timezone),
    timezone,
    ...(change === undefined ? {} : { clockChange: { from: offsetText(change.from), to: offsetText(change.to) } }),
    ...(job.paused ? { paused: true } : {}),
  };
}

function nothingDue({ jobs }: Config, name: JobName | undefined): string {
  const job = jobs.find((candidate) => candidate.name === name);
  if (job === undefined) return `nothing falls due: none of ${plural(jobs.length, 'job')} has a tick ahead`;
  return job.schedules.length === 0
    ? `job ${job.name} has no schedule: it runs only when it is triggered`
    : `job ${job.name} has no tick ahead`;
}
