/** A job and its ticks as JSON. What a job's task is made of stays inside: argv, environment, headers and bodies may hold secrets. */
import type { JobView } from '../core/control.ts';
import type { Job, Task } from '../core/job.ts';
import type { TickRecord } from '../core/ledger.ts';
import type { Schedule } from '../core/schedule.ts';
import type { MissReason, SkipReason, TickOutcome } from '../core/tick.ts';
import { formatDuration } from '../core/time.ts';
import { iso, isoOf, type RunJson, runLine } from './view-run.ts';

/** What a job does, as far as the API tells it. */
export interface TaskJson {
  readonly kind: Task['kind'];
  readonly module?: string | undefined;
  readonly program?: string | undefined;
  readonly host?: string | undefined;
}

/** One schedule. */
export interface ScheduleJson {
  readonly kind: Schedule['kind'];
  /** The pattern, the duration (`every`), or the instant (`at`). */
  readonly text: string;
  readonly timezone?: string | undefined;
  readonly jitterMs?: number | undefined;
  readonly startAt?: string | undefined;
  readonly stopAt?: string | undefined;
}

/** A job as the API shows it. */
export interface JobJson {
  readonly name: string;
  readonly state: JobView['state'];
  readonly paused: boolean;
  readonly description?: string | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly schedules: readonly ScheduleJson[];
  readonly task: TaskJson;
  readonly isolation: Job['isolation'];
  readonly budgetMs: number;
  readonly graceMs: number;
  readonly stepTimeoutMs?: number | undefined;
  readonly onOverlap: Job['onOverlap'];
  readonly onMissed: Job['onMissed'];
  readonly exclusive: readonly string[];
  readonly priority: number;
  readonly inputSchema?: Readonly<Record<string, unknown>> | undefined;
  readonly nextTick?: string | undefined;
  readonly liveRun?: RunJson | undefined;
  readonly queuedRuns: readonly string[];
  readonly lastRun?: RunJson | undefined;
}

/** A decided tick as the API shows it. */
export interface TickJson {
  readonly tick: string;
  readonly outcome: TickOutcome;
  readonly reason?: SkipReason | MissReason | undefined;
  readonly runId?: string | undefined;
  readonly decidedAt: string;
}

/** A job. @param view as the daemon sees it @returns plain data for JSON; of its task the kind, and what names it */
export function jobJson({ job, ...view }: JobView): JobJson {
  return {
    name: job.name,
    state: view.state,
    paused: view.paused,
    description: job.description,
    labels: job.labels,
    schedules: job.schedules.map(scheduleJson),
    task: taskJson(job.task),
    isolation: job.isolation,
    budgetMs: view.budgetMs,
    graceMs: view.graceMs,
    stepTimeoutMs: job.stepTimeoutMs,
    onOverlap: job.onOverlap,
    onMissed: job.onMissed,
    exclusive: job.exclusive,
    priority: job.priority,
    inputSchema: job.inputSchema,
    nextTick: isoOf(view.nextTick),
    liveRun: view.liveRun === undefined ? undefined : runLine(view.liveRun),
    queuedRuns: view.queuedRuns,
    lastRun: view.lastRun === undefined ? undefined : runLine(view.lastRun),
  };
}

/** A tick. @param tick as the ledger keeps it */
export function tickJson({ tick, outcome, reason, runId, decidedAt }: TickRecord): TickJson {
  return { tick: iso(tick), outcome, reason, runId, decidedAt: iso(decidedAt) };
}

function scheduleJson(schedule: Schedule): ScheduleJson {
  const { kind, jitterMs, startAt, stopAt } = schedule;
  const window = { jitterMs, startAt: isoOf(startAt), stopAt: isoOf(stopAt) };
  switch (schedule.kind) {
    case 'cron':
      return { kind, text: schedule.pattern, timezone: schedule.timezone, ...window };
    case 'every':
      return { kind, text: formatDuration(schedule.everyMs), ...window };
    case 'at':
      return { kind, text: iso(schedule.at), ...window };
    default:
      return schedule satisfies never;
  }
}

function taskJson(task: Task): TaskJson {
  switch (task.kind) {
    case 'module':
      return { kind: task.kind, module: task.module };
    case 'command':
      return { kind: task.kind, program: task.command[0] };
    case 'http':
      return { kind: task.kind, host: URL.parse(task.url)?.host };
    case 'shell':
    case 'function':
      return { kind: task.kind };
    default:
      return task satisfies never;
  }
}
