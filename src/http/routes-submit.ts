/** Asking for runs, and asking them to stop. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import type { SubmitResult } from '../core/control.ts';
import { outcomeOf } from './view-run.ts';
import { requireScope } from './auth.ts';
import type { ApiEnv } from './env.ts';
import { problem } from './problem.ts';
import { json, readBody, refusals, reply, type RouteParts } from './route-parts.ts';
import { jobParams, noQuery, runParams } from './schema.ts';
import { runRefSchema, runRefsSchema, submissionSchema } from './schema-run.ts';

const submitRun = createRoute({
  method: 'post',
  path: '/v1/jobs/{job}/runs',
  operationId: 'submitRun',
  tags: ['runs'],
  summary: 'Ask for a run',
  description:
    'What becomes of it if the job has a live run, its onOverlap says. The answer is durable; the end is seen by polling.',
  middleware: requireScope('run'),
  request: {
    params: jobParams,
    query: noQuery,
    headers: z.object({
      'idempotency-key': z
        .string()
        .regex(/^[\x21-\x7e]{1,255}$/, 'not 1 to 255 visible characters')
        .optional()
        .openapi({ description: 'The same key within 24 hours stands for the same run; 1 to 255 visible characters.' }),
    }),
    // By reference, so that the route reads the body itself: an empty one is legal, whatever its type.
    body: { content: { 'application/json': { schema: { $ref: '#/components/schemas/Submission' } } }, required: false },
  },
  responses: {
    202: json(
      runRefSchema,
      'The run that was started or queued, into which this request was folded, or for which the key stands.',
      {
        location: 'Where the run can be polled.',
        'idempotency-replayed': '`true` when the key was used before: this is the run of then.',
      },
    ),
    ...refusals(404, 409, 415, 422),
  },
});

const cancelRun = createRoute({
  method: 'post',
  path: '/v1/runs/{id}/cancel',
  operationId: 'cancelRun',
  tags: ['runs'],
  summary: 'Ask a run to stop',
  description: 'A queued run is withdrawn. The end of a live one is seen by polling.',
  middleware: requireScope('run'),
  request: { params: runParams, query: noQuery },
  responses: { 202: json(runRefSchema, 'It was asked; its state before.'), ...refusals(404, 409) },
});

const cancelJob = createRoute({
  method: 'post',
  path: '/v1/jobs/{job}/cancel',
  operationId: 'cancelJob',
  tags: ['jobs'],
  summary: "Ask a job's live and queued runs to stop",
  middleware: requireScope('run'),
  request: { params: jobParams, query: noQuery },
  responses: { 202: json(runRefsSchema, 'The runs that were asked; none if none was live or queued.'), ...refusals(404) },
});

/** Adds the routes by which runs are asked for and cancelled. @param app to which they are added @param parts what they ask */
export function addSubmitRoutes(app: OpenAPIHono<ApiEnv>, parts: RouteParts): void {
  const { control } = parts;
  app.openAPIRegistry.register('Submission', submissionSchema);
  app.openapi(submitRun, async (context) => {
    const { job } = context.req.valid('param');
    const idempotencyKey = context.req.valid('header')['idempotency-key'];
    const { input, budget: budgetMs } = await readBody(context, submissionSchema);
    const by = context.get('caller').name;
    return answerTo(await control.submit({ job, input, budgetMs, by, idempotencyKey }), parts);
  });
  app.openapi(cancelRun, async (context) => {
    const { id } = context.req.valid('param');
    const state = await control.cancelRun(id, context.get('caller').name);
    if (state === undefined) return problem(404, 'RUN_NOT_FOUND', `no run has the id ${id}`);
    if (outcomeOf(state) !== undefined) return problem(409, 'RUN_ENDED', `run ${id} has ended already: ${state}`, { state });
    return reply(parts, { runId: id, state }, 202, { location: pathOf(id) });
  });
  app.openapi(cancelJob, async (context) => {
    const runIds = await control.cancelJob(context.req.valid('param').job, context.get('caller').name);
    return reply(parts, { runIds }, 202);
  });
}

async function answerTo(result: SubmitResult, parts: RouteParts): Promise<Response> {
  switch (result.kind) {
    case 'started':
      return accepted(parts, result.runId, 'running');
    case 'queued':
      return accepted(parts, result.runId, 'queued');
    case 'folded':
    case 'repeated': {
      const run = await parts.control.run(result.runId);
      const headers = result.kind === 'repeated' ? { 'idempotency-replayed': 'true' } : {};
      return accepted(parts, result.runId, run?.state, headers);
    }
    case 'keyReused':
      return problem(422, 'KEY_REUSED', 'this idempotency key stands for another request; use a new one', {
        runId: result.runId,
      });
    case 'refused':
      return refused(result);
    default:
      return result satisfies never;
  }
}

function accepted(parts: RouteParts, runId: string, state: string | undefined, headers: Record<string, string> = {}): Response {
  return reply(parts, { runId, state }, 202, { ...headers, location: pathOf(runId) });
}

function refused({ reason, liveRunId }: Extract<SubmitResult, { kind: 'refused' }>): Response {
  switch (reason) {
    case 'overlap':
      return problem(409, 'JOB_BUSY', 'the job has a live run, and its onOverlap is skip', { reason, liveRunId });
    case 'exclusive':
      return problem(409, 'RESOURCE_HELD', 'a run of another job holds a resource that this one needs', { reason, liveRunId });
    case 'unmatched':
      return problem(409, 'NODE_UNMATCHED', "this node's labels do not match the job's nodeSelector", { reason });
    case 'draining':
      return problem(503, 'DRAINING', 'the daemon is shutting down and starts nothing new', { reason }, { 'retry-after': '5' });
    default:
      return reason satisfies never;
  }
}

function pathOf(runId: string): string {
  return `/v1/runs/${runId}`;
}
