/** What the run does that holds a job's slot, and what it waits for, in words. */
import { describeStop } from '../core/run.ts';
import type { Instant } from '../core/time.ts';
import { roughly } from './instant-text.ts';
import type { LiveRun } from './live-run.ts';
import type { JobState, LiveState } from './live-state.ts';
import { stateOf } from './run-view.ts';

/** Live runs that are named. */
const MOST_SHOWN = 5;

/** @param entry the job @param now the wall clock @returns none when no run has begun here */
export function liveLines({ live }: JobState, now: Instant): string[] {
  if (live === undefined) return [];
  const { runId } = live.grant;
  if (live.isOver) return [`run ${runId} has ended, and keeps its slot until the store has written that down`];
  if (!live.begun) return [];
  const state = stateOf(live);
  const about = `run ${runId} has been live for ${roughly(now - (live.startedAt ?? now))} (${figuresOf(live)})`;
  if (state === 'running') return [`${about}; ${budgetText(live, now)}`, ...retryLine(live, now)];
  const { stopReason } = live;
  const asked = stopReason === undefined ? '' : `; it was asked to stop: ${describeStop(stopReason)}`;
  if (state === 'blocked')
    return [`${about}${asked}`, `it is blocked, and keeps its slot: ${live.blockedOn ?? 'no proof of its end'}`];
  const grace = live.bounds === undefined ? '' : `, for which it has a grace of ${roughly(live.bounds.graceMs)}`;
  return [`${about}${asked}`, `it is stopping: the slot is free when its end is proved${grace}`];
}

/** @param entry the job @param state of the scheduler @returns none unless its run waits for a place */
export function placeLine({ live }: JobState, state: LiveState): string[] {
  if (live === undefined || live.begun || live.isOver) return [];
  const begun = [...state.runs()].filter((run) => run.begun);
  const names = begun.slice(0, MOST_SHOWN).map((run) => run.job.name);
  const more = begun.length > names.length ? `, and ${begun.length - names.length} more` : '';
  const places = state.concurrency === 1 ? 'the only place' : `one of the ${state.concurrency} places`;
  return [
    `run ${live.grant.runId} waits for ${places} of this node ("concurrency"); live are ${begun.length}: ${names.join(', ')}${more}`,
  ];
}

function figuresOf({ steps, attempts, progress, isStalled }: LiveRun): string {
  const parts = [`attempt ${attempts}`, `${steps} ${steps === 1 ? 'step' : 'steps'} done`];
  if (progress !== undefined) {
    const { completed, total, message } = progress;
    parts.push(`progress ${completed}${total === undefined ? '' : ` of ${total}`}${message === undefined ? '' : `, ${message}`}`);
  }
  if (isStalled) parts.push('stalled: its steps come back with nothing');
  return parts.join(', ');
}

function budgetText({ deadline, bounds }: LiveRun, now: Instant): string {
  if (deadline === undefined || bounds === undefined) return 'its budget is not known';
  const leftMs = deadline - now;
  return leftMs > 0
    ? `${roughly(leftMs)} of its budget of ${roughly(bounds.budgetMs)} are left`
    : `its budget of ${roughly(bounds.budgetMs)} is spent, and its step is waited for`;
}

function retryLine({ nextAttemptAt, attempts }: LiveRun, now: Instant): string[] {
  if (nextAttemptAt === undefined) return [];
  return [`its attempt ${attempts} failed; attempt ${attempts + 1} begins in ${roughly(nextAttemptAt - now)}`];
}
