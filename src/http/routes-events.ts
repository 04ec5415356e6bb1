/** Events as they happen. */
import type { ServerResponse } from 'node:http';
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { requireScope } from './auth.ts';
import type { ApiEnv } from './env.ts';
import { EventStream } from './event-stream.ts';
import { EVENT_TYPES } from './event-catalogue.ts';
import { problem } from './problem.ts';
import { refusals, type RouteParts, text } from './route-parts.ts';
import { eventIdIn, jobName } from './schema.ts';
import { EVENT_STREAM_HEADERS } from './sse.ts';

const followEvents = createRoute({
  method: 'get',
  path: '/v1/events',
  operationId: 'followEvents',
  tags: ['events'],
  summary: 'Events as they happen, as server-sent events',
  description: [
    'An event `gap` comes first when what happened after the given id is kept no more: read the ledger. A comment each 15 s is a sign of life. A listener for whom more than 1 MiB waits is cut off. Types of events:',
    ...Object.entries(EVENT_TYPES).map(([type, meaning]) => `- \`${type}\`: ${meaning}`),
  ].join('\n'),
  middleware: requireScope('read'),
  request: {
    query: z.strictObject({
      after: eventIdIn('The id of the last event seen; absent: from now on. The header Last-Event-ID goes before it.'),
      job: jobName.optional(),
      type: z
        .string()
        .refine(
          (text) => text.split(',').every((type) => Object.hasOwn(EVENT_TYPES, type)),
          'not types of events, with commas between',
        )
        .optional()
        .openapi({ description: 'Only events of these types, with commas between them.', example: 'runStarted,runEnded' }),
    }),
    headers: z.object({ 'last-event-id': eventIdIn('What browsers send when they connect again.') }),
  },
  responses: {
    200: text('text/event-stream', 'Events: id, type, and JSON as data.'),
    ...refusals(),
  },
});

const ALL_TYPES: ReadonlySet<string> = new Set(Object.keys(EVENT_TYPES));

/**
 * Adds the stream of events.
 *
 * @param app to which it is added
 * @param parts what it listens to
 * @param mostListeners at once; more are refused
 */
export function addEventRoutes(app: OpenAPIHono<ApiEnv>, parts: RouteParts, mostListeners: number): void {
  const stream = new EventStream(parts.control, parts.clock, parts.redact);
  app.openapi(followEvents, (context) => {
    const { after, job, type } = context.req.valid('query');
    if (context.req.method === 'HEAD') return new Response(null, { headers: EVENT_STREAM_HEADERS });
    if (stream.size >= mostListeners) {
      return problem(503, 'TOO_MANY_LISTENERS', `${mostListeners} listen already`, {}, { 'retry-after': '30' });
    }
    const wants = {
      after: context.req.valid('header')['last-event-id'] ?? after,
      job,
      types: type === undefined ? ALL_TYPES : new Set(type.split(',')),
      cutOff: () => (context.env as { outgoing?: ServerResponse } | undefined)?.outgoing?.destroy(),
    };
    return new Response(stream.open(wants), { headers: EVENT_STREAM_HEADERS });
  });
}
