/** Tells the log what the scheduler tells: one line an event, with the fields by which lines about a run are found. */
import type { TaskLog } from '../core/task.ts';
import type { Events, SchedulerEvent } from './events.ts';

/**
 * Writes a line for each event worth one. Lines of tasks are written as the task wrote them.
 *
 * @param events of a scheduler
 * @param log where the lines go
 * @returns disposing it ends the telling
 */
export function narrate(events: Events, log: TaskLog): Disposable {
  return events.subscribe((event) => narrateEvent(event, log));
}

function narrateEvent(event: SchedulerEvent, log: TaskLog): void {
  switch (event.type) {
    case 'tickDecided':
      narrateTick(event, log);
      break;
    case 'ticksDecided':
      log.warn(`all ticks of a stretch of time ${event.outcome}`, {
        job: event.job,
        after: iso(event.from),
        until: iso(event.to),
        outcome: event.outcome,
        reason: event.reason,
        runId: event.runId,
      });
      break;
    case 'runQueued':
      log.info('run queued', { job: event.job, runId: event.runId, tick: iso(event.tick), cause: event.cause });
      break;
    case 'runStarted':
      log.info('run started', { ...ofRun(event), attempt: 1, cause: event.cause, delayMs: Math.round(event.delayMs) });
      break;
    case 'runProgressed':
      log.debug('run progressed', { ...ofRun(event), steps: event.steps, ...event.progress });
      break;
    case 'runRetrying':
      log.warn('attempt failed, trying again', {
        ...ofRun(event),
        attempt: event.attempt,
        delayMs: event.delayMs,
        error: event.error?.message,
      });
      break;
    case 'runStopping':
      log.info('run is asked to stop', { ...ofRun(event), reason: event.reason });
      break;
    case 'runBlocked':
      log.error('run is blocked: its end is not proved, so its slot stays taken', { ...ofRun(event), what: event.what });
      break;
    case 'runForced':
      log.warn('run is stopped by force', { ...ofRun(event), stage: event.stage });
      break;
    case 'runStalled':
      log.warn('run is stalled: its steps come back not done, with no checkpoint, no progress and no time spent', ofRun(event));
      break;
    case 'runLine':
      log[event.level](event.text, { ...ofRun(event), attempt: event.attempt, source: event.source, ...event.fields });
      break;
    case 'runEnded':
      narrateEnd(event, log);
      break;
    case 'jobPaused':
      log.info('job paused', { job: event.job, by: event.by });
      break;
    case 'jobResumed':
      log.info('job resumed', { job: event.job, by: event.by });
      break;
    case 'clockStepped':
      log.warn('the wall clock stepped', { byMs: Math.round(event.byMs) });
      break;
    case 'loopStalled':
      log.warn('the event loop was held', { forMs: Math.round(event.forMs) });
      break;
    case 'storeFailed':
      log.error('the store fails; nothing starts until it works again', { error: event.error.message });
      break;
    case 'storeRecovered':
      log.info('the store works again', { afterMs: Math.round(event.afterMs) });
      break;
    case 'fenceRejected':
      log.error('the store refused a write under a stale fence', { job: event.job, runId: event.runId, fence: event.fence });
      break;
    case 'listenerFailed':
      log.error('a listener threw', {
        event: event.event,
        error: event.error instanceof Error ? event.error.message : String(event.error),
      });
      break;
    default:
      event satisfies never;
  }
}

type EventOf<Type extends SchedulerEvent['type']> = Extract<SchedulerEvent, { readonly type: Type }>;

function narrateTick(event: EventOf<'tickDecided'>, log: TaskLog): void {
  const fields = { job: event.job, tick: iso(event.tick), outcome: event.outcome, reason: event.reason, runId: event.runId };
  if (event.outcome === 'ran') log.debug('tick ran', fields);
  else if (event.outcome === 'missed') log.warn('tick missed', fields);
  else log.info(`tick ${event.outcome}`, fields);
}

function narrateEnd(event: EventOf<'runEnded'>, log: TaskLog): void {
  const fields = {
    ...ofRun(event),
    attempt: event.attempts,
    outcome: event.outcome,
    reason: event.reason,
    steps: event.steps,
    tookMs: event.startedAt === undefined ? undefined : Math.round(event.endedAt - event.startedAt),
    result: event.result === undefined ? undefined : event.result.slice(0, LONGEST_RESULT),
    error: event.error?.message,
  };
  switch (event.outcome) {
    case 'succeeded':
    case 'unfinished':
    case 'cancelled':
      log.info(`run ${event.outcome}`, fields);
      break;
    case 'timedOut':
    case 'lost':
      log.warn(`run ${event.outcome}`, fields);
      break;
    case 'killed':
    case 'failed':
      log.error(`run ${event.outcome}`, fields);
      break;
    default:
      event.outcome satisfies never;
  }
}

/** Characters of a result that a line shows; the ledger has all of it. */
const LONGEST_RESULT = 300;

function ofRun(event: {
  readonly job: string;
  readonly runId: string;
  readonly tick: number;
  readonly fence: number;
}): Record<string, unknown> {
  return { job: event.job, runId: event.runId, tick: iso(event.tick), fence: event.fence };
}

/** Core has no dates; the engine needs one for people alone. */
function iso(instant: number): string {
  return new Date(instant).toISOString();
}
