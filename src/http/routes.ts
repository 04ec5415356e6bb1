/** The API of SPEC section 7: each route checks what it is asked, asks `Control`, and answers in JSON or with a problem. */
import { OpenAPIHono } from '@hono/zod-openapi';
import { HTTPException } from 'hono/http-exception';
import type { Control } from '../core/control.ts';
import { TickwiseError } from '../core/errors.ts';
import type { Clock } from '../core/ports.ts';
import type { ApiEnv } from './env.ts';
import { documentText } from './openapi-document.ts';
import { problem, problemOf } from './problem.ts';
import { invalid, type RouteParts } from './route-parts.ts';
import { addEventRoutes } from './routes-events.ts';
import { addHealthRoutes } from './routes-health.ts';
import { addJobRoutes } from './routes-jobs.ts';
import { addLogRoutes } from './routes-log.ts';
import { addPageRoutes } from './routes-page.ts';
import { addRunRoutes } from './routes-runs.ts';
import { addSubmitRoutes } from './routes-submit.ts';

/** What the routes are told beside whom to ask. */
export interface RouteOptions {
  /** Times waits and heartbeats. */
  readonly clock: Clock;
  /** Blots out secrets of the configuration in a text that goes out; absent: there are none. */
  readonly redact?: ((text: string) => string) | undefined;
  /** Is told of faults that are the daemon's own: the caller learns nothing of them. */
  readonly onFault?: ((error: unknown, request: string) => void) | undefined;
  /** Names the daemon's ledger; a request that expects another one is refused. Absent: it has no name. */
  readonly ledgerId?: string | undefined;
  /** Listeners to events and logs at once; 4,096 unless given. */
  readonly mostStreams?: number | undefined;
}

const MOST_STREAMS = 4_096;
/** With which a caller says whose daemon it takes this for: at an address that nobody chose, another's may be found. */
const LEDGER_HEADER = 'tickwise-ledger';

/**
 * Makes the routes. The door stands before them: it has set `caller`, and has looked at host, origin, sizes and rates.
 *
 * @param control what they ask
 * @param options see {@link RouteOptions}
 * @returns an app that answers every path and method; nothing is listened to before the first request
 */
export function createRoutes(control: Control, options: RouteOptions): OpenAPIHono<ApiEnv> {
  const { clock, redact = (text) => text, onFault = () => {}, ledgerId, mostStreams = MOST_STREAMS } = options;
  const parts: RouteParts = { control, clock, redact, onFault };
  const app = new OpenAPIHono<ApiEnv>({
    defaultHook: (result) => (result.success ? undefined : invalid(result.target, result.error)),
  });
  app.use('*', (context, next) => {
    const expected = context.req.header(LEDGER_HEADER);
    return expected === undefined || expected === ledgerId ? next() : Promise.resolve(otherLedger());
  });
  addSubmitRoutes(app, parts);
  addRunRoutes(app, parts);
  addLogRoutes(app, parts, mostStreams);
  addJobRoutes(app, parts);
  addEventRoutes(app, parts, mostStreams);
  let document: string | undefined;
  addHealthRoutes(app, parts, () => (document ??= documentText(app)));
  addPageRoutes(app, parts);
  refuseOtherMethods(app);
  app.all('*', () => problem(404, 'NO_SUCH_PATH', 'there is nothing at this path; /openapi.json tells what there is'));
  app.onError((error, context) => {
    if (error instanceof HTTPException) {
      return error.res ?? problem(error.status, 'REQUEST_INVALID', error.message || 'the request is not of the expected form');
    }
    const response = problemOf(error);
    if (response.status === 500 || !(error instanceof TickwiseError)) onFault(error, `${context.req.method} ${context.req.path}`);
    return response;
  });
  return app;
}

function otherLedger(): Response {
  return problem(
    421,
    'OTHER_LEDGER',
    'this daemon keeps another ledger than the one that is meant; name its own address by "listen"',
  );
}

function refuseOtherMethods(app: OpenAPIHono<ApiEnv>): void {
  const allowed = new Map<string, Set<string>>();
  for (const { method, path } of app.routes) {
    // What stands before all routes is none of them.
    if (method === 'ALL') continue;
    const methods = allowed.get(path) ?? new Set();
    methods.add(method);
    if (method === 'GET') methods.add('HEAD');
    allowed.set(path, methods);
  }
  for (const [path, methods] of allowed) {
    const allow = [...methods].toSorted().join(', ');
    app.all(path, () => problem(405, 'METHOD_NOT_ALLOWED', `this path takes ${allow}`, {}, { allow }));
  }
}
