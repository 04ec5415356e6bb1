/** Tickwise as a library: the public door. */
export type { ChildContext, Context, Gather, Gathered, GatherOptions, Lease, TaskGroup, Within, Work } from './core/context.ts';
export { ERROR_CODES, type ErrorCode, type ErrorRecord, TickwiseError } from './core/errors.ts';
export type { JobName } from './core/job.ts';
export type { RunOutcome, RunState, StopReason } from './core/run.ts';
export type { Progress, StepResult, TaskContext, TaskLog, TimeoutTaskHandler } from './core/task.ts';
export type { MissReason, SkipReason, TickOutcome } from './core/tick.ts';
export { formatDuration, parseDuration } from './core/time.ts';
export type { AsyncTask, TimeBounds, WithinBudgetOptions } from './engine/async-task.ts';
export type { EventMap, EventType, SchedulerEvent } from './engine/events.ts';
export { TaskOutcome } from './engine/outcome.ts';
export type { RunEnd } from './engine/run-waiters.ts';
export type { Statistics } from './engine/statistics.ts';
export type { TriggerResult } from './engine/trigger.ts';
export { createScheduler, runWithinBudget, type Scheduler, timeoutTask, type TriggerRequest } from './library.ts';
