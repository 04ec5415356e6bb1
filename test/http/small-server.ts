/** A server with a few routes of its own, which tell what reached them. */
import { Hono } from 'hono';
import { requireScope } from '../../src/http/auth.ts';
import type { ApiEnv } from '../../src/http/env.ts';
import { type HttpServer, type HttpServerOptions, startHttpServer } from '../../src/http/server.ts';
import { makeToken } from '../../src/http/token.ts';
import { createSystemClock } from '../../src/system/clock.ts';
import { type Answer, type RequestText, requestText, speak } from './wire.ts';

export interface SmallServer extends AsyncDisposable {
  readonly server: HttpServer;
  readonly port: number;
  /** What the routes were asked for, by whom. */
  readonly reached: string[];
  /** Bodies that the routes have read. */
  readonly bodies: unknown[];
  /** Lines of the log. */
  readonly lines: { readonly message: string; readonly fields: Record<string, unknown> }[];
  /** Tokens by scope; known if `withTokens`. */
  readonly tokens: { readonly read: string; readonly run: string; readonly admin: string };
  /** Resolves when a stream of the server was cancelled. */
  readonly streamCancelled: Promise<void>;
  ask(request: RequestText): Promise<Answer>;
}

/** Starts it on a free port of loopback. */
export async function startSmallServer(
  options: Partial<HttpServerOptions> & { readonly withTokens?: boolean } = {},
): Promise<SmallServer> {
  const { withTokens = false, ...own } = options;
  const made = { read: makeToken(), run: makeToken(), admin: makeToken() };
  const tokens = (['read', 'run', 'admin'] as const).map((scope) => ({
    name: `${scope}er`,
    hash: made[scope].hash,
    scopes: [scope],
  }));
  const reached: string[] = [];
  const bodies: unknown[] = [];
  const lines: SmallServer['lines'][number][] = [];
  const line = (message: string, fields: Record<string, unknown> = {}): void => void lines.push({ message, fields });
  const cancelled = Promise.withResolvers<void>();
  const server = await startHttpServer({
    app: routes(reached, bodies, cancelled.resolve),
    listen: { kind: 'tcp', host: '127.0.0.1', port: 0 },
    tokens: withTokens ? tokens : [],
    log: { debug: line, info: line, warn: line, error: line },
    clock: createSystemClock(),
    ...own,
  });
  return {
    server,
    port: server.port,
    reached,
    bodies,
    lines,
    tokens: { read: made.read.token, run: made.run.token, admin: made.admin.token },
    streamCancelled: cancelled.promise,
    ask: (request) => speak(server, requestText(server, request)),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

function routes(reached: string[], bodies: unknown[], onCancel: () => void): Hono<ApiEnv> {
  const app = new Hono<ApiEnv>();
  app.get('/', (context) => context.text('page'));
  app.get('/healthz', (context) => context.json({ caller: context.get('caller').name }));
  app.get('/metrics', requireScope('read'), (context) => context.text('metrics'));
  app.get('/v1/jobs', requireScope('read'), (context) => {
    reached.push(`jobs by ${context.get('caller').name}`);
    return context.json({ jobs: [] });
  });
  app.post('/v1/jobs/:job/runs', requireScope('run'), async (context) => {
    bodies.push(await context.req.json().catch(() => 'no JSON'));
    reached.push(`${context.req.param('job')} by ${context.get('caller').name}`);
    return context.json({}, 202, { location: '/v1/runs/0abc-1' });
  });
  app.post('/v1/reload', requireScope('admin'), (context) => context.json({}));
  app.get('/v1/events', requireScope('read'), () => {
    const body = new ReadableStream({ start: (sink) => sink.enqueue(Buffer.from('data: hello\n\n')), cancel: onCancel });
    return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
  });
  app.get('/v1/poll', requireScope('read'), (context) => {
    const { promise, resolve } = Promise.withResolvers<Response>();
    reached.push('poll');
    answers.set(context.req.query('as') ?? '', () => resolve(context.text('answered')));
    return promise;
  });
  app.get('/v1/throws', () => {
    throw new Error('the secret is 42');
  });
  return app;
}

/** Lets `/v1/poll?as=…` answer. */
export const answers: Map<string, () => void> = new Map();
