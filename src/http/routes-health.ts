/** What machines ask: metrics, liveness, readiness, and the document of the API. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { requireScope } from './auth.ts';
import type { ApiEnv } from './env.ts';
import { problem } from './problem.ts';
import { json, refusals, reply, type RouteParts, text } from './route-parts.ts';
import { noQuery } from './schema.ts';

const readMetrics = createRoute({
  method: 'get',
  path: '/metrics',
  operationId: 'readMetrics',
  tags: ['health'],
  summary: 'Metrics for Prometheus',
  middleware: requireScope('read'),
  request: { query: noQuery },
  responses: { 200: text('text/plain', "Prometheus' text format."), ...refusals() },
});

const readLiveness = createRoute({
  method: 'get',
  path: '/healthz',
  operationId: 'readLiveness',
  tags: ['health'],
  security: [],
  summary: "Whether the scheduler's own loop moves",
  request: { query: noQuery },
  responses: {
    200: json(z.strictObject({ status: z.literal('alive'), loopMovedMsAgo: z.number() }).openapi('Liveness'), 'It moves.'),
    ...refusals(503),
  },
});

const readReadiness = createRoute({
  method: 'get',
  path: '/readyz',
  operationId: 'readReadiness',
  tags: ['health'],
  security: [],
  summary: 'Whether the daemon takes work',
  description: 'If it does not, `faults` says why in words, to callers with a token or on an address that needs none.',
  request: { query: noQuery },
  responses: {
    200: json(z.strictObject({ status: z.literal('ready') }).openapi('Readiness'), 'It does.'),
    ...refusals(503),
  },
});

const readDocument = createRoute({
  method: 'get',
  path: '/openapi.json',
  operationId: 'readDocument',
  tags: ['health'],
  security: [],
  summary: 'This document',
  request: { query: noQuery },
  responses: { 200: json(z.looseObject({}), 'OpenAPI 3.1.'), ...refusals() },
});

/** Adds the routes for machines. @param app to which they are added @param parts what they ask @param document as text */
export function addHealthRoutes(app: OpenAPIHono<ApiEnv>, parts: RouteParts, document: () => string): void {
  const { control } = parts;
  app.openapi(readMetrics, async () => {
    const metrics = await control.metrics();
    return new Response(metrics.text, { headers: { 'content-type': metrics.contentType, 'cache-control': 'no-store' } });
  });
  app.openapi(readLiveness, () => {
    const { alive, ...health } = control.health();
    const loopMovedMsAgo = Math.round(health.loopMovedMsAgo);
    if (alive) return reply(parts, { status: 'alive', loopMovedMsAgo });
    return problem(503, 'NOT_ALIVE', `the scheduler's loop has not moved for ${loopMovedMsAgo} ms`, { loopMovedMsAgo });
  });
  app.openapi(readReadiness, (context) => {
    const { ready, faults } = control.health();
    if (ready) return reply(parts, { status: 'ready' });
    // Probes come without a token, and so may anybody: a fault may name a path or a host.
    const told = context.get('caller').scopes.length === 0 ? {} : { faults };
    return problem(503, 'NOT_READY', 'the daemon takes no work now', told, { 'retry-after': '5' });
  });
  app.openapi(
    readDocument,
    () => new Response(document(), { headers: { 'content-type': 'application/json', 'cache-control': 'no-cache' } }),
  );
}
