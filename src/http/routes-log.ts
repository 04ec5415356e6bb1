/** The lines that a run has written, and those that it writes. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { requireScope } from './auth.ts';
import type { ApiEnv } from './env.ts';
import { followLog } from './follow-log.ts';
import { problem } from './problem.ts';
import { refusals, reply, type RouteParts } from './route-parts.ts';
import { countIn, runParams } from './schema.ts';
import { logSchema } from './schema-run.ts';
import { EVENT_STREAM_HEADERS } from './sse.ts';
import { lineJson } from './view-run.ts';

const lineNumber = { least: 0, most: Number.MAX_SAFE_INTEGER, usual: 0 };

const readLog = createRoute({
  method: 'get',
  path: '/v1/runs/{id}/log',
  operationId: 'readLog',
  tags: ['runs'],
  summary: 'Lines that a run has written, oldest first',
  description:
    "With `follow` the answer is a stream of server-sent events until the run's end: `line` with the line as data and its number as id, and at last `end` with the run's state. Last-Event-ID goes before `after`.",
  middleware: requireScope('read'),
  request: {
    params: runParams,
    query: z.strictObject({
      after: countIn('Only lines after that of this number.', lineNumber),
      limit: countIn('Lines at most; not heeded with follow.', { least: 1, most: 10_000, usual: 1_000 }),
      follow: z
        .enum(['true', 'false'])
        .optional()
        .transform((text) => text === 'true')
        .openapi({ description: 'Go on until the run has ended.', type: 'boolean' }),
    }),
    headers: z.object({
      'last-event-id': z
        .string()
        .regex(/^\d{1,15}$/, 'not the number of a line')
        .optional()
        .openapi({ description: 'What browsers send when they connect again.' }),
    }),
  },
  responses: {
    200: {
      description: 'The lines.',
      content: { 'application/json': { schema: logSchema }, 'text/event-stream': { schema: z.string() } },
    },
    ...refusals(404),
  },
});

/**
 * Adds the log of a run.
 *
 * @param app to which it is added
 * @param parts what it asks
 * @param mostFollowers at once; more are refused
 */
export function addLogRoutes(app: OpenAPIHono<ApiEnv>, parts: RouteParts, mostFollowers: number): void {
  const { control } = parts;
  let followers = 0;
  app.openapi(readLog, async (context) => {
    const { id } = context.req.valid('param');
    const { after, limit, follow } = context.req.valid('query');
    const seen = context.req.valid('header')['last-event-id'];
    const from = { after: seen === undefined ? after : Number(seen) };
    const lines = await control.log(id, { ...from, limit: follow ? 1 : limit });
    if (lines === undefined) return problem(404, 'RUN_NOT_FOUND', `no run has the id ${id}`);
    if (!follow) return reply(parts, { lines: lines.map(lineJson) });
    if (context.req.method === 'HEAD') return new Response(null, { headers: EVENT_STREAM_HEADERS });
    if (followers >= mostFollowers) {
      return problem(503, 'TOO_MANY_LISTENERS', `${mostFollowers} logs are followed already`, {}, { 'retry-after': '30' });
    }
    followers++;
    const stream = followLog(parts, id, from.after, () => followers--);
    return new Response(stream, { headers: EVENT_STREAM_HEADERS });
  });
}
