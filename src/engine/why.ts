/** Why a job is, or is not, running now: in words, a line each, the nearest reason first. */
import type { RunRecord } from '../core/ledger.ts';
import type { Calendar } from '../core/ports.ts';
import type { Instant, MonotonicMs } from '../core/time.ts';
import { hostZone, instantText, roughly } from './instant-text.ts';
import { ticksToCome } from './job-view.ts';
import type { JobState, LiveState } from './live-state.ts';
import { liveLines, placeLine } from './why-live.ts';

/** What the answer is drawn from. */
export interface WhyParts {
  readonly state: LiveState;
  readonly calendar: Pick<Calendar, 'next'>;
  readonly now: Instant;
  readonly monotonic: MonotonicMs;
  /** For jobs whose schedules name no zone; the machine's unless given. */
  readonly timezone?: string | undefined;
  /** Runs that hold a slot and are not live here: an earlier daemon left them. */
  readonly left: readonly RunRecord[];
  readonly lastRun: RunRecord | undefined;
}

/**
 * Says what a job does, or what holds it.
 *
 * @param entry the job
 * @param parts what the answer is drawn from
 * @returns lines without line breaks; never empty
 */
export function whyLines(entry: JobState, parts: WhyParts): string[] {
  const holds = [
    ...liveLines(entry, parts.now),
    ...placeLine(entry, parts.state),
    ...leftLine(entry, parts.left),
    ...resourceLines(entry, parts),
    ...queuedLines(entry),
    ...pausedLines(entry),
    ...nodeLines(entry, parts),
  ];
  if (holds.length === 0) holds.push('nothing holds it: it is not running because nothing has asked for a run');
  return [...holds, nextTickLine(entry, parts), lastRunLine(parts.lastRun, parts.now)].map(onOneLine);
}

/** Whatever a task wrote must not break out of its line. */
function onOneLine(line: string): string {
  return line.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ');
}

function leftLine({ job }: JobState, left: readonly RunRecord[]): string[] {
  const holder = left.find((run) => run.job === job.name);
  if (holder === undefined) return [];
  return [`run ${holder.id} of an earlier daemon holds its slot: it is not proved yet that nothing of that run is alive`];
}

function resourceLines({ job, live }: JobState, { state, left }: WhyParts): string[] {
  if (live !== undefined) return [];
  return job.exclusive.flatMap((name) => {
    for (const { job: other, grant } of state.runs())
      if (other.exclusive.includes(name))
        return [`the exclusive resource ${name} is held by run ${grant.runId} of job ${other.name}`];
    const holder = left.find((run) => run.job !== job.name && state.find(run.job)?.job.exclusive.includes(name) === true);
    if (holder === undefined) return [];
    return [
      `the exclusive resource ${name} is held by run ${holder.id} of job ${holder.job}, which an earlier daemon left behind`,
    ];
  });
}

function queuedLines({ queued }: JobState): string[] {
  if (queued.length === 0) return [];
  const shown = queued.slice(0, MOST_SHOWN).map(({ runId }) => runId);
  const more = queued.length > shown.length ? `, and ${queued.length - shown.length} more` : '';
  return [`${queued.length === 1 ? '1 run waits' : `${queued.length} runs wait`} for its slot: ${shown.join(', ')}${more}`];
}

const MOST_SHOWN = 3;

function pausedLines({ job, paused, queued }: JobState): string[] {
  const effect = queued.length > 0 ? 'its ticks are skipped and queued runs wait' : 'its ticks are skipped';
  return [
    ...(paused ? [`it is paused by hand: ${effect} until it is resumed`] : []),
    ...(job.paused ? [`it is paused by the configuration ("paused": true): ${effect}`] : []),
  ];
}

function nodeLines({ job }: JobState, { state, monotonic }: WhyParts): string[] {
  const lines: string[] = [];
  if (!state.matches(job)) {
    const wanted = Object.entries(job.nodeSelector ?? {}).map(([name, value]) => `${name}=${value}`);
    lines.push(`it does not run on this node, whose labels do not match its nodeSelector (${wanted.join(', ')})`);
  }
  const { outage } = state;
  if (outage !== undefined)
    lines.push(`nothing starts, for the store has failed for ${roughly(monotonic - outage.since)}: ${outage.error.message}`);
  if (state.isDraining) lines.push('nothing starts, for the daemon is shutting down');
  else if (!state.isRunning) lines.push('nothing starts, for the daemon has not begun yet');
  return lines;
}

function nextTickLine(entry: JobState, { calendar, now, timezone }: WhyParts): string {
  const { schedules } = entry.job;
  if (schedules.length === 0) return 'it has no schedule: it runs only when it is asked to';
  const [tick] = ticksToCome(entry, calendar, now, 1);
  if (tick === undefined) return 'its schedules have no further tick';
  const own = schedules.find((schedule) => schedule.kind === 'cron');
  return `its next tick is at ${instantText(tick, own?.timezone ?? timezone ?? hostZone())}, in ${roughly(tick - now)}`;
}

function lastRunLine(last: RunRecord | undefined, now: Instant): string {
  if (last?.endedAt === undefined) return 'no run of it has ended yet';
  const took = last.startedAt === undefined ? 'before it began' : `after ${roughly(last.endedAt - last.startedAt)}`;
  const why = last.error?.message ?? last.reason;
  return `its last run, ${last.id}, ${last.state} ${took}, ${roughly(now - last.endedAt)} ago${why === undefined ? '' : `: ${why}`}`;
}
