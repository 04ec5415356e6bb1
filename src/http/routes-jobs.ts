/** Looking at jobs and their ticks, and pausing them. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { requireScope } from './auth.ts';
import type { ApiEnv } from './env.ts';
import { json, refusals, reply, type RouteParts } from './route-parts.ts';
import { countIn, instantIn, jobParams, noQuery } from './schema.ts';
import { jobDetailSchema, jobSchema, jobsSchema, ticksSchema } from './schema-job.ts';
import { jobJson, tickJson } from './view-job.ts';
import { iso } from './view-run.ts';

const TICKS_TO_COME = 10;

const listJobs = createRoute({
  method: 'get',
  path: '/v1/jobs',
  operationId: 'listJobs',
  tags: ['jobs'],
  summary: 'All jobs, by name',
  middleware: requireScope('read'),
  request: { query: noQuery },
  responses: { 200: json(jobsSchema, 'The jobs as they stand.'), ...refusals() },
});

const readJob = createRoute({
  method: 'get',
  path: '/v1/jobs/{job}',
  operationId: 'readJob',
  tags: ['jobs'],
  summary: 'One job: how it stands, why, and its next ticks',
  middleware: requireScope('read'),
  request: { params: jobParams, query: noQuery },
  responses: { 200: json(jobDetailSchema, 'The job as it stands.'), ...refusals(404) },
});

const listTicks = createRoute({
  method: 'get',
  path: '/v1/jobs/{job}/ticks',
  operationId: 'listTicks',
  tags: ['jobs'],
  summary: 'Decided ticks, newest first',
  description: 'Page on by giving the last tick as `to`.',
  middleware: requireScope('read'),
  request: {
    params: jobParams,
    query: z.strictObject({
      from: instantIn('Only ticks from this instant on.'),
      to: instantIn('Only ticks before this instant.'),
      limit: countIn('Ticks at most.', { least: 1, most: 1_000, usual: 100 }),
    }),
  },
  responses: { 200: json(ticksSchema, 'The ticks.'), ...refusals(404) },
});

const pauseJob = createRoute({
  method: 'post',
  path: '/v1/jobs/{job}/pause',
  operationId: 'pauseJob',
  tags: ['jobs'],
  summary: "Skip the job's ticks from now on; a live run goes on",
  middleware: requireScope('admin'),
  request: { params: jobParams, query: noQuery },
  responses: { 200: json(jobSchema, 'The job as it stands now.'), ...refusals(404) },
});

const resumeJob = createRoute({
  method: 'post',
  path: '/v1/jobs/{job}/resume',
  operationId: 'resumeJob',
  tags: ['jobs'],
  summary: "Let the job's ticks run again",
  middleware: requireScope('admin'),
  request: { params: jobParams, query: noQuery },
  responses: { 200: json(jobSchema, 'The job as it stands now.'), ...refusals(404) },
});

/** Adds the routes that show and pause jobs. @param app to which they are added @param parts what they ask */
export function addJobRoutes(app: OpenAPIHono<ApiEnv>, parts: RouteParts): void {
  const { control } = parts;
  app.openapi(listJobs, async () => reply(parts, { jobs: (await control.jobs()).map(jobJson) }));
  app.openapi(readJob, async (context) => {
    const { job: name } = context.req.valid('param');
    const job = jobJson(await control.job(name));
    const [why, ticks] = await Promise.all([control.why(name), control.nextTicks(name, TICKS_TO_COME)]);
    return reply(parts, { job, why, nextTicks: ticks.map(iso) });
  });
  app.openapi(listTicks, async (context) => {
    const { job } = context.req.valid('param');
    const { from, to, limit } = context.req.valid('query');
    const bounds = { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
    return reply(parts, { ticks: (await control.ticks({ job, ...bounds, limit })).map(tickJson) });
  });
  app.openapi(pauseJob, async (context) => {
    const { job } = context.req.valid('param');
    await control.pause(job, context.get('caller').name);
    return reply(parts, jobJson(await control.job(job)));
  });
  app.openapi(resumeJob, async (context) => {
    const { job } = context.req.valid('param');
    await control.resume(job, context.get('caller').name);
    return reply(parts, jobJson(await control.job(job)));
  });
}
