/** A real HTTP server on this machine, on a port that the system picks. */
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A server that listens; disposing it closes all its connections. */
export interface LocalServer extends AsyncDisposable {
  /** E.g. `http://127.0.0.1:40123`. */
  readonly url: string;
}

/**
 * Starts a server.
 *
 * @param handle answers one request; what it throws becomes a 500
 * @returns when it listens
 */
export async function listen(handle: (request: IncomingMessage, response: ServerResponse) => unknown): Promise<LocalServer> {
  const onRequest: RequestListener = (request, response) => {
    const handled = (async () => handle(request, response))();
    handled.catch((error: unknown) => answer(response, 500, { error: String(error) }));
  };
  const server = createServer(onRequest);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Answers with JSON; a client that has gone is not an error. */
export function answer(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  if (response.destroyed || response.headersSent) return;
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

/** Reads a request's body as JSON; an empty one is `{}`. */
export async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8');
  return text === '' ? {} : JSON.parse(text);
}
