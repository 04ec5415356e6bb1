/** Runs, as the API's document describes them. */
import { z } from '@hono/zod-openapi';
import { JOB_NAME } from '../core/job.ts';
import { CAUSES, LIVE_STATES, RUN_OUTCOMES } from '../core/run.ts';
import type { DurationMs } from '../core/time.ts';
import { durationIn, RUN_ID } from './schema.ts';
import type { LineJson, RunJson } from './view-run.ts';

const YEAR_MS = 366 * 86_400_000;
const instant = z.string().openapi({ format: 'date-time' });
const durationMs = z.number().openapi({ description: 'Milliseconds.' });
const runId = z.string().openapi({ pattern: RUN_ID.source });

/** Where a run may stand. */
export const runState: z.ZodEnum<{ [State in (typeof LIVE_STATES)[number] | (typeof RUN_OUTCOMES)[number]]: State }> = z
  .enum([...LIVE_STATES, ...RUN_OUTCOMES])
  .openapi('RunState');

/** A run. */
export const runSchema: z.ZodType<RunJson> = z
  .strictObject({
    id: runId,
    job: z.string().openapi({ pattern: JOB_NAME.source }),
    tick: instant.openapi({ description: 'The instant for which it was started.' }),
    cause: z.enum(CAUSES),
    state: runState,
    outcome: z.enum(RUN_OUTCOMES).optional().openapi({ description: 'Only of a run that has ended.' }),
    fence: z.int().optional().openapi({ description: "Grows with each run of the job; absent before it has the job's slot." }),
    attempts: z.int(),
    steps: z.int(),
    progress: z.strictObject({ completed: z.number(), total: z.number().optional(), message: z.string().optional() }).optional(),
    checkpoint: z.unknown().optional().openapi({ description: 'Any JSON; left out of lists.' }),
    result: z.unknown().optional().openapi({ description: 'Any JSON; left out of lists.' }),
    error: z.strictObject({ name: z.string(), message: z.string(), code: z.string().optional() }).optional(),
    reason: z.string().optional(),
    by: z.string().optional().openapi({ description: 'Who asked for it, or who ended it.' }),
    waitingFor: z
      .string()
      .optional()
      .openapi({ description: 'Why it was asked to stop, or what keeps its end from being proved.' }),
    stalled: z.boolean().optional(),
    queuedAt: instant,
    startedAt: instant.optional(),
    endedAt: instant.optional(),
    deadline: instant.optional().openapi({ description: 'Of a live run: when its budget is spent.' }),
    budgetMs: durationMs.optional(),
    graceMs: durationMs.optional(),
  })
  .openapi('Run');

/** A page of runs. */
export const runPageSchema: z.ZodType = z
  .strictObject({
    runs: z.array(runSchema),
    cursor: z.string().optional().openapi({ description: 'Of the next page; absent on the last one.' }),
  })
  .openapi('RunPage');

/** What a submission says. */
export interface SubmissionBody {
  readonly input?: unknown;
  readonly budget?: DurationMs | undefined;
}

/** The body of a submission. */
export const submissionSchema: z.ZodType<SubmissionBody> = z
  .strictObject({
    input: z
      .unknown()
      .optional()
      .openapi({ description: "Any JSON that the job's inputSchema allows; the task finds it as its input." }),
    budget: durationIn("Less than the job's own budget.", { leastMs: 1, mostMs: YEAR_MS, most: '366 days' }),
  })
  .openapi('Submission');

/** A run that was submitted, or asked to stop. */
export const runRefSchema: z.ZodType = z.strictObject({ runId, state: runState.optional() }).openapi('RunReference');

/** Runs that were asked to stop. */
export const runRefsSchema: z.ZodType = z.strictObject({ runIds: z.array(runId) }).openapi('RunReferences');

const lineSchema: z.ZodType<LineJson> = z
  .strictObject({
    seq: z.int().openapi({ description: 'Counted from 1; a hole means that lines were left out.' }),
    at: instant,
    attempt: z.int(),
    level: z.enum(['debug', 'info', 'warn', 'error']),
    source: z.enum(['task', 'stdout', 'stderr']),
    text: z.string(),
    fields: z.unknown().optional(),
  })
  .openapi('LogLine');

/** Lines of a log. */
export const logSchema: z.ZodType = z.strictObject({ lines: z.array(lineSchema) }).openapi('Log');
