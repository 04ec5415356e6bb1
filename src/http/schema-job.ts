/** Jobs and ticks, as the API's document describes them. */
import { z } from '@hono/zod-openapi';
import { ISOLATIONS, JOB_NAME, MISSED_POLICIES, OVERLAP_POLICIES } from '../core/job.ts';
import { MISS_REASONS, SKIP_REASONS, TICK_OUTCOMES } from '../core/tick.ts';
import { runSchema } from './schema-run.ts';
import type { JobJson, TickJson } from './view-job.ts';

const instant = z.string().openapi({ format: 'date-time' });
const durationMs = z.number().openapi({ description: 'Milliseconds.' });

const schedule = z
  .strictObject({
    kind: z.enum(['cron', 'every', 'at']),
    text: z.string().openapi({ description: 'The pattern, the duration, or the instant.' }),
    timezone: z.string().optional(),
    jitterMs: durationMs.optional(),
    startAt: instant.optional(),
    stopAt: instant.optional(),
  })
  .openapi('Schedule');

const task = z
  .strictObject({
    kind: z.enum(['module', 'command', 'shell', 'http', 'function']),
    module: z.string().optional(),
    program: z.string().optional(),
    host: z.string().optional(),
  })
  .openapi('Task', { description: 'What the job does, as far as it is told: no arguments, no environment, no path of a URL.' });

const job = z
  .strictObject({
    name: z.string().openapi({ pattern: JOB_NAME.source }),
    state: z.enum(['idle', 'queued', 'running', 'stopping', 'blocked', 'paused']),
    paused: z.boolean(),
    description: z.string().optional(),
    labels: z.record(z.string(), z.string()).optional(),
    schedules: z.array(schedule).openapi({ description: 'Empty: the job runs only when it is asked to.' }),
    task,
    isolation: z.enum(ISOLATIONS),
    budgetMs: durationMs,
    graceMs: durationMs,
    stepTimeoutMs: durationMs.optional(),
    onOverlap: z.enum(OVERLAP_POLICIES),
    onMissed: z.enum(MISSED_POLICIES),
    exclusive: z.array(z.string()),
    priority: z.number(),
    inputSchema: z
      .record(z.string(), z.unknown())
      .optional()
      .openapi({ description: 'A JSON Schema for the input of a submission.' }),
    nextTick: instant.optional(),
    liveRun: runSchema.optional(),
    queuedRuns: z.array(z.string()),
    lastRun: runSchema.optional(),
  })
  .openapi('Job', { description: '`lastRun` is the newest run that has ended.' });

/** One job. */
export const jobSchema: z.ZodType<JobJson> = job;

/** All jobs. */
export const jobsSchema: z.ZodType = z.strictObject({ jobs: z.array(job) }).openapi('Jobs');

/** One job in detail. */
export const jobDetailSchema: z.ZodType = z
  .strictObject({
    job,
    why: z.array(z.string()).openapi({ description: 'In words, a line each: what the job does, or what holds it.' }),
    nextTicks: z.array(instant),
  })
  .openapi('JobDetail');

const tick: z.ZodType<TickJson> = z
  .strictObject({
    tick: instant,
    outcome: z.enum(TICK_OUTCOMES),
    reason: z.enum([...SKIP_REASONS, ...MISS_REASONS]).optional(),
    runId: z.string().optional().openapi({ description: 'The run that it led to, or folded into.' }),
    decidedAt: instant,
  })
  .openapi('Tick');

/** Ticks, newest first. */
export const ticksSchema: z.ZodType = z.strictObject({ ticks: z.array(tick) }).openapi('Ticks');
