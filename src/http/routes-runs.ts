/** Looking at runs: one, with or without waiting for its end, and the ledger in pages. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import type { RunFilter } from '../core/control.ts';
import { RUN_OUTCOMES } from '../core/run.ts';
import { requireScope } from './auth.ts';
import { cursorOf, readCursor } from './cursor.ts';
import type { ApiEnv } from './env.ts';
import { problem } from './problem.ts';
import { json, refusals, reply, replyText, type RouteParts } from './route-parts.ts';
import { countIn, durationIn, instantIn, jobName, runParams } from './schema.ts';
import { runPageSchema, runSchema, runState } from './schema-run.ts';
import { outcomeOf, runLine, runText } from './view-run.ts';
import { waitForEnd } from './wait-for-end.ts';

const LONGEST_WAIT = { leastMs: 0, mostMs: 300_000, most: '5m' };

const readRun = createRoute({
  method: 'get',
  path: '/v1/runs/{id}',
  operationId: 'readRun',
  tags: ['runs'],
  summary: 'Poll a run, or wait for its end',
  middleware: requireScope('read'),
  request: {
    params: runParams,
    query: z.strictObject({
      wait: durationIn('Answer when the run has ended, or after this time, at most 5m; absent: at once.', LONGEST_WAIT),
    }),
  },
  responses: { 200: json(runSchema, 'The run as it stands; ended if it has an outcome.'), ...refusals(404) },
});

const listRuns = createRoute({
  method: 'get',
  path: '/v1/runs',
  operationId: 'listRuns',
  tags: ['runs'],
  summary: 'The ledger, newest run first',
  description: 'No run that existed at the first page is skipped or repeated by the pages after it.',
  middleware: requireScope('read'),
  request: {
    query: z
      .strictObject({
        job: jobName.optional(),
        state: runState.optional(),
        outcome: z.enum(RUN_OUTCOMES).optional().openapi({ description: 'Only runs that ended so; not together with state.' }),
        from: instantIn('Only runs of ticks from this instant on.'),
        to: instantIn('Only runs of ticks before this instant.'),
        limit: countIn('Runs a page.', { least: 1, most: 500, usual: 100 }),
        cursor: z.string().max(256).optional().openapi({ description: 'Of the page before, with the same query.' }),
      })
      .refine(({ state, outcome }) => state === undefined || outcome === undefined, {
        path: ['outcome'],
        message: 'not together with state',
      }),
  },
  responses: { 200: json(runPageSchema, 'A page of runs, without checkpoints and results.'), ...refusals() },
});

/** Adds the routes that show runs. @param app to which they are added @param parts what they ask */
export function addRunRoutes(app: OpenAPIHono<ApiEnv>, parts: RouteParts): void {
  const { control, clock } = parts;
  app.openapi(readRun, async (context) => {
    const { id } = context.req.valid('param');
    const { wait = 0 } = context.req.valid('query');
    let run = await control.run(id);
    if (run !== undefined && wait > 0 && outcomeOf(run.state) === undefined && context.req.method !== 'HEAD') {
      await waitForEnd(control, clock, id, { waitMs: wait, gone: context.req.raw.signal });
      run = await control.run(id);
    }
    return run === undefined ? problem(404, 'RUN_NOT_FOUND', `no run has the id ${id}`) : replyText(parts, runText(run));
  });
  app.openapi(listRuns, async (context) => {
    const { limit, cursor, job, from, to, state, outcome } = context.req.valid('query');
    // Text, by which a cursor knows its query; and without what was not asked for.
    const asked = JSON.stringify({ job, from, to, state: state ?? outcome });
    const filter = JSON.parse(asked) as Omit<RunFilter, 'limit' | 'after'>;
    const after = cursor === undefined ? undefined : readCursor(cursor, asked);
    if (cursor !== undefined && after === undefined) {
      return problem(400, 'CURSOR_INVALID', 'the cursor is not one of this query; begin again without it');
    }
    // One more than asked for tells whether there is a page after this one.
    const found = await control.runs({ ...filter, ...(after === undefined ? {} : { after }), limit: limit + 1 });
    const runs = found.slice(0, limit);
    const last = runs.at(-1);
    const next = found.length > limit && last !== undefined ? cursorOf(last.id, asked) : undefined;
    return reply(parts, { runs: runs.map(runLine), cursor: next });
  });
}
