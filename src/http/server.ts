/** The API's server: listens, lets in what the door lets in, and closes without cutting off whoever can be served in time. */
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { getRequestListener, type HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';
import { TickwiseError } from '../core/errors.ts';
import type { Clock } from '../core/ports.ts';
import type { TaskLog } from '../core/task.ts';
import { boundConnections } from './connections.ts';
import { createDoor, type Door } from './door.ts';
import type { ApiEnv, Caller } from './env.ts';
import { isLoopback, type Listen } from './hosts.ts';
import type { TokenHash } from './keyring.ts';
import { HTTP_LIMITS, type HttpLimits } from './limits.ts';
import { problem, problemOf } from './problem.ts';
import { listenOnSocket } from './socket-file.ts';

/** What a server is made of. */
export interface HttpServerOptions {
  readonly app: Hono<ApiEnv>;
  readonly listen: Listen;
  /** None: whoever reaches the address may do all; legal on loopback and unix sockets only. */
  readonly tokens: readonly TokenHash[];
  /** Paths of PEM files. */
  readonly tls?: { readonly certPath: string; readonly keyPath: string } | undefined;
  /** A proxy in front speaks TLS. */
  readonly behindProxy?: boolean | undefined;
  /** Further names under which this server is reached: lower case, no port, IPv6 in brackets. */
  readonly hosts?: readonly string[] | undefined;
  readonly log: TaskLog;
  readonly clock: Clock;
  readonly limits?: Partial<HttpLimits> | undefined;
}

/** A server that listens. Disposing it twice waits for the first time. */
export interface HttpServer extends AsyncDisposable {
  /** For people, e.g. `http://127.0.0.1:4680` or `unix:/run/tickwise.sock`. */
  readonly address: string;
  /** 0 on a unix socket. */
  readonly port: number;
}

/**
 * Starts the API's server. It closes by taking no new connection, ending event inFlight, and giving requests in flight `closeGraceMs`.
 *
 * @param options addresses other than loopback need tokens, and TLS or a proxy
 * @returns the server, listening
 * @throws TickwiseError `LISTEN_FAILED` when it may not, or cannot, listen there
 */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { listen, tls, behindProxy = false, hosts = [], log, clock, tokens } = options;
  refuseOpenDoor(options);
  const limits = { ...HTTP_LIMITS, ...options.limits };
  const app = furnished(options.app, log);
  const door = createDoor({ app, listen, tokens, isTls: tls !== undefined, behindProxy, hosts, limits, log, clock });
  const server = createNodeServer(limits, tls);
  const hangUpOnIdle = boundConnections(server, limits.connections);
  const inFlight = new Set<ServerResponse>();
  server.on('request', createListener(app, door, inFlight, log));
  const removeFile = listen.kind === 'unix' ? await listenOnSocket(server, listen.path) : await listenOnPort(server, listen);
  server.on('error', (error) => log.error('the server of the API failed', { error: error.message }));
  const port = listen.kind === 'unix' ? 0 : (server.address() as AddressInfo).port;
  const close = async (): Promise<void> => {
    const timer = clock.setTimer(clock.monotonic() + limits.closeGraceMs, () => server.closeAllConnections());
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      hangUpOnIdle();
      for (const outgoing of inFlight) endStream(outgoing);
    });
    timer.cancel();
  };
  let closing: Promise<void> | undefined;
  return {
    address:
      listen.kind === 'unix' ? `unix:${listen.path}` : `http${tls === undefined ? '' : 's'}://${named(listen.host)}:${port}`,
    port,
    [Symbol.asyncDispose]: () => (closing ??= close().finally(removeFile)),
  };
}

function refuseOpenDoor({ listen, tokens, tls, behindProxy = false }: HttpServerOptions): void {
  if (listen.kind === 'unix' || isLoopback(listen.host)) return;
  const lacks = tokens.length === 0 ? 'tokens' : tls === undefined && !behindProxy ? 'TLS, or a proxy that speaks it' : undefined;
  if (lacks === undefined) return;
  const message = `listen: ${listen.host} is not loopback, so it needs ${lacks}: see "auth", or listen on 127.0.0.1`;
  throw new TickwiseError('LISTEN_FAILED', message);
}

function createNodeServer(limits: HttpLimits, tls: HttpServerOptions['tls']): Server {
  const shape: ServerOptions = {
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    connectionsCheckingInterval: Math.min(1_000, limits.headersTimeoutMs / 2),
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    maxHeaderSize: limits.headerBytes,
    insecureHTTPParser: false,
    requireHostHeader: true,
    noDelay: true,
    // Whoever vanished without a word is noticed, however long their event stream is silent.
    keepAlive: true,
    keepAliveInitialDelay: 30_000,
  };
  const server = tls === undefined ? createServer(shape) : createTlsServer({ ...shape, ...readTls(tls) });
  // The default leaves out headers above a number, silently; the door counts them.
  server.maxHeadersCount = 0;
  server.timeout = limits.silenceTimeoutMs;
  return server;
}

function readTls({ certPath, keyPath }: NonNullable<HttpServerOptions['tls']>): Record<string, unknown> {
  try {
    return { cert: readFileSync(certPath), key: readFileSync(keyPath), minVersion: 'TLSv1.2', handshakeTimeout: 10_000 };
  } catch (error) {
    throw new TickwiseError('LISTEN_FAILED', `auth.tls: ${(error as Error).message}`, { cause: error });
  }
}

/** The routes, with the caller where they look for it, and answers for what they leave open. */
function furnished(routes: Hono<ApiEnv>, log: TaskLog): Hono<ApiEnv> {
  const app = new Hono<ApiEnv>();
  app.use(async (context, next) => {
    const { incoming } = context.env as HttpBindings;
    const caller = (incoming as Admitted).caller;
    if (caller !== undefined) context.set('caller', caller);
    await next();
  });
  app.route('/', routes);
  app.notFound(() => problem(404, 'NOT_FOUND', 'there is nothing at this address; see /openapi.json'));
  app.onError((error) => {
    if (!(error instanceof TickwiseError)) log.error('a request failed', { error: error.message, stack: error.stack });
    return problemOf(error);
  });
  return app;
}

/** A request that the door has let in. */
type Admitted = IncomingMessage & { caller?: Caller };

function createListener(
  app: Hono<ApiEnv>,
  door: Door,
  inFlight: Set<ServerResponse>,
  log: TaskLog,
): (incoming: IncomingMessage, outgoing: ServerResponse) => void {
  const answer = getRequestListener((request, env) => app.fetch(request, env), {
    overrideGlobalObjects: false,
    // A unix socket has no name of its own.
    hostname: 'localhost',
    errorHandler: () => problem(400, 'REQUEST_INVALID', 'the request cannot be understood', {}, { connection: 'close' }),
  });
  const serve = async (incoming: Admitted, outgoing: ServerResponse): Promise<void> => {
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) outgoing.setHeader(name, value);
    inFlight.add(outgoing);
    outgoing.once('close', () => inFlight.delete(outgoing));
    const admitted = await door(incoming, outgoing);
    if (admitted instanceof Response) return refuse(admitted, incoming, outgoing);
    incoming.caller = admitted;
    await answer(incoming, outgoing);
  };
  return (incoming, outgoing) => {
    serve(incoming, outgoing).catch((error: unknown) => {
      // Whoever hung up in the middle of the body is nobody's fault.
      if (!incoming.destroyed) log.error('a request failed at the door', { error: error instanceof Error ? error.stack : error });
      outgoing.destroy();
    });
  };
}

/** Routes may say otherwise of caching; nobody may of the rest. */
const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

async function refuse(answer: Response, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const body = Buffer.from(await answer.arrayBuffer());
  const length = { 'content-length': String(body.length) };
  // What is left of a body would be read as the next request.
  const connection = incoming.complete ? {} : { connection: 'close' };
  outgoing.writeHead(answer.status, { ...Object.fromEntries(answer.headers), ...length, ...connection });
  outgoing.end(incoming.method === 'HEAD' ? undefined : body);
}

async function listenOnPort(server: Server, { host, port }: Extract<Listen, { kind: 'tcp' }>): Promise<() => void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const where = `listen: ${named(host)}:${port}`;
      const what =
        error.code === 'EADDRINUSE' ? 'is in use: stop who uses it, or name another port' : `does not work: ${error.message}`;
      reject(new TickwiseError('LISTEN_FAILED', `${where} ${what}`, { cause: error }));
    });
    server.listen(port, host, resolve);
  });
  server.removeAllListeners('error');
  return () => undefined;
}

/** An event stream has no end of its own. */
function endStream(outgoing: ServerResponse): void {
  if (String(outgoing.getHeader('content-type')).startsWith('text/event-stream')) outgoing.end();
}

function named(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
