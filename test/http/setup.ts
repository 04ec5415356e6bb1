/** The routes over a daemon that only answers, behind a door that lets everybody in. */
import { Hono } from 'hono';
import type { ApiEnv, Scope } from '../../src/http/env.ts';
import { createRoutes, type RouteOptions } from '../../src/http/routes.ts';
import { createVirtualClock, type VirtualClock } from '../../src/testing/virtual-clock.ts';
import { FakeControl } from './fake-control.ts';

export interface Api {
  readonly control: FakeControl;
  readonly clock: VirtualClock;
  readonly app: Hono<ApiEnv>;
  get(path: string, init?: RequestInit): Promise<Response>;
  post(path: string, body?: unknown, headers?: Record<string, string>): Promise<Response>;
}

export function setup(options: Partial<RouteOptions> & { scopes?: readonly Scope[] } = {}): Api {
  const { scopes = ['admin'], ...rest } = options;
  const control = new FakeControl();
  const clock = createVirtualClock();
  const app = new Hono<ApiEnv>();
  app.use(async (context, next) => {
    context.set('caller', { name: 'ops', scopes });
    await next();
  });
  app.route('/', createRoutes(control, { clock, ...rest }));
  const request = (path: string, init?: RequestInit): Promise<Response> => Promise.resolve(app.request(path, init));
  return {
    control,
    clock,
    app,
    get: request,
    post: (path, body, headers = {}) => {
      const json = body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) };
      return request(path, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, ...json });
    },
  };
}

/** The body of a refusal, after a look at its type. */
export async function problemIn(response: Response): Promise<Record<string, unknown>> {
  if (response.headers.get('content-type') !== 'application/problem+json') throw new Error('the answer is no problem');
  return (await response.json()) as Record<string, unknown>;
}
