import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { JOB_DEFAULTS, type HttpTask } from '../../src/core/job.ts';
import type { AttemptEnd, LiveAttempt, RunOrder } from '../../src/core/ports.ts';
import { createHttpRunner } from '../../src/runner/http.ts';
import { createSystemClock } from '../../src/system/clock.ts';
import { Recorder } from './command-setup.ts';

interface Seen {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

class Server implements AsyncDisposable {
  readonly seen: Seen[] = [];
  readonly origin: string;
  /** Connections that the client closed before the answer was whole. */
  broken = 0;
  readonly #server: ReturnType<typeof createServer>;
  #waiters: (() => void)[] = [];

  private constructor(server: ReturnType<typeof createServer>) {
    this.#server = server;
    this.origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  static async open(answer: Answer): Promise<Server> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const opened = new Server(server);
    server.on('request', (request, response) => {
      let body = '';
      response.on('close', () => {
        if (!response.writableFinished) opened.broken++;
        opened.#wake();
      });
      request.on('data', (chunk) => (body += String(chunk)));
      request.on('end', () => {
        opened.seen.push({ method: request.method ?? '', path: request.url ?? '', headers: request.headers, body });
        answer(request, response);
        opened.#wake();
      });
    });
    return opened;
  }

  async waitFor(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiters.push(resolve));
  }

  #wake(): void {
    for (const wake of this.#waiters.splice(0)) wake();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

function start(task: Partial<HttpTask> & { url: string }, options: Partial<RunOrder> & { budgetMs?: number } = {}): LiveAttempt {
  const { budgetMs = 10_000, ...rest } = options;
  const clock = createSystemClock();
  const order: RunOrder = {
    job: { ...JOB_DEFAULTS, name: 'call', task: { kind: 'http', method: 'GET', headers: {}, ...task } },
    runId: 'run-1',
    tick: 1,
    fence: 9,
    attempt: 1,
    input: undefined,
    checkpoint: undefined,
    deadline: clock.now() + budgetMs,
    budgetEnd: clock.monotonic() + budgetMs,
    graceMs: 200,
    stepTimeoutMs: undefined,
    ...rest,
  };
  return createHttpRunner({ clock }).start(order, new Recorder());
}

const run = (...args: Parameters<typeof start>): Promise<AttemptEnd> => start(...args).ended;
const json = (response: ServerResponse, text: string, status = 200): void =>
  void response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' }).end(text);

test('succeeds on 2xx, and keeps a JSON body as the result', async () => {
  await using server = await Server.open((_, response) => json(response, '{"rows": 3}'));
  expect(await run({ url: `${server.origin}/do` })).toMatchObject({ outcome: 'succeeded', steps: 1, result: '{"rows":3}' });
});

test('succeeds on 2xx with a body that is not JSON, without a result', async () => {
  await using server = await Server.open(
    (_, response) => void response.writeHead(200, { 'content-type': 'text/plain' }).end('fine'),
  );
  expect(await run({ url: server.origin })).toMatchObject({ outcome: 'succeeded', result: undefined });
});

test('sends method, headers and body as configured, and the run with its fence', async () => {
  await using server = await Server.open((_, response) => void response.writeHead(204).end());
  await run({
    url: `${server.origin}/x?y=1`,
    method: 'POST',
    headers: { Authorization: 'Bearer t', 'Content-Type': 'text/x' },
    body: 'hello',
  });
  expect(server.seen).toMatchObject([
    {
      method: 'POST',
      path: '/x?y=1',
      body: 'hello',
      headers: { authorization: 'Bearer t', 'content-type': 'text/x', 'x-tickwise-run': 'run-1', 'x-tickwise-fence': '9' },
    },
  ]);
});

test('polls the Location of a 202, which is relative to the URL, until another answer', async () => {
  const answers = ['jobs/7', '/jobs/8', undefined];
  await using server = await Server.open((_, response) => {
    const location = answers.shift();
    if (location === undefined) json(response, '{"ok":true}');
    else response.writeHead(202, { location, 'retry-after': '0' }).end('accepted');
  });
  const end = await run({
    url: `${server.origin}/api/start`,
    method: 'POST',
    body: 'b',
    headers: { Authorization: 't', 'Content-Type': 'text/x' },
  });
  expect(end).toMatchObject({ outcome: 'succeeded', steps: 3, result: '{"ok":true}', checkpoint: undefined });
  expect(server.seen.map(({ method, path, body }) => [method, path, body])).toEqual([
    ['POST', '/api/start', 'b'],
    ['GET', '/api/jobs/7', ''],
    ['GET', '/jobs/8', ''],
  ]);
  expect(server.seen[1]?.headers).toMatchObject({ authorization: 't', 'x-tickwise-fence': '9' });
  expect(server.seen[1]?.headers['content-type']).toBeUndefined();
});

test('waits as long as Retry-After says', async () => {
  const at: number[] = [];
  await using server = await Server.open((_, response) => {
    at.push(performance.now());
    if (at.length === 1) response.writeHead(202, { location: '/poll', 'retry-after': '1' }).end();
    else response.writeHead(200).end();
  });
  await run({ url: server.origin });
  expect((at[1] ?? 0) - (at[0] ?? 0)).toBeGreaterThanOrEqual(990);
});

test('is unfinished when the budget ends while it polls, and the next run goes on polling', async () => {
  await using server = await Server.open((request, response) => {
    if (request.headers['x-tickwise-run'] === 'run-1') response.writeHead(202, { location: '/poll', 'retry-after': '60' }).end();
    else response.writeHead(200).end();
  });
  const first = await run({ url: `${server.origin}/start`, method: 'POST' }, { budgetMs: 200 });
  expect(first).toMatchObject({ outcome: 'unfinished', checkpoint: JSON.stringify({ location: `${server.origin}/poll` }) });
  expect(
    await run({ url: `${server.origin}/start`, method: 'POST' }, { checkpoint: first.checkpoint, runId: 'run-2' }),
  ).toMatchObject({ outcome: 'succeeded' });
  expect(server.seen.map(({ method, path }) => `${method} ${path}`)).toEqual(['POST /start', 'GET /poll']);
});

test('gives configured headers to no other origin', async () => {
  await using other = await Server.open((_, response) => void response.writeHead(200).end());
  await using server = await Server.open(
    (_, response) => void response.writeHead(202, { location: `${other.origin}/poll`, 'retry-after': '0' }).end(),
  );
  expect(await run({ url: server.origin, headers: { 'X-Api-Key': 'secret' } })).toMatchObject({ outcome: 'succeeded' });
  expect(other.seen[0]?.headers['x-api-key']).toBeUndefined();
  expect(other.seen[0]?.headers['x-tickwise-run']).toBe('run-1');
});

test('gives configured headers to no other origin on a redirect', async () => {
  await using other = await Server.open((_, response) => void response.writeHead(200).end());
  await using server = await Server.open((_, response) => void response.writeHead(302, { location: `${other.origin}/` }).end());
  expect(await run({ url: server.origin, headers: { 'X-Api-Key': 'secret' } })).toMatchObject({ outcome: 'succeeded' });
  expect(other.seen[0]?.headers['x-api-key']).toBeUndefined();
});

test.each([
  [301, 'GET /b '],
  [303, 'GET /b '],
  [307, 'POST /b body'],
])('follows a %d as browsers do: %s', async (status, then) => {
  await using server = await Server.open((request, response) => {
    if (request.url === '/a') response.writeHead(status, { location: 'b' }).end();
    else response.writeHead(200).end();
  });
  expect(await run({ url: `${server.origin}/a`, method: 'POST', body: 'body' })).toMatchObject({ outcome: 'succeeded' });
  expect(server.seen.map(({ method, path, body }) => `${method} ${path} ${body}`)).toEqual(['POST /a body', then]);
});

test('fails when redirects go round in circles', async () => {
  await using server = await Server.open((_, response) => void response.writeHead(302, { location: '/' }).end());
  expect((await run({ url: server.origin })).error?.message).toContain('redirects more than 20 times');
});

test('fails on another status, and shows it with the beginning of the body', async () => {
  await using server = await Server.open((_, response) => void response.writeHead(503).end(`out of\norder ${'x'.repeat(5_000)}`));
  const { outcome, error } = await run({ url: `${server.origin}/a?token=secret` });
  expect(outcome).toBe('failed');
  expect(error?.code).toBe('STEP_FAILED');
  expect(error?.message).toMatch(
    /^job call: http:\/\/127\.0\.0\.1:\d+\/a answered 503 Service Unavailable: out of order x{1000,1100}$/,
  );
});

test.each([
  ['JSON that is broken', '{"a":', 'a body that is not JSON'],
  ['JSON over 1 MiB', `"${'x'.repeat(1_100_000)}"`, 'JSON of more than 1048576 bytes'],
])('fails on %s', async (_, text, words) => {
  await using server = await Server.open((__, response) => json(response, text));
  const { outcome, error } = await run({ url: server.origin });
  expect(outcome).toBe('failed');
  expect(error?.message).toContain(words);
});

test('reads no more of a huge body than it may keep, and closes it', async () => {
  const block = Buffer.alloc(65_536, 'x');
  let sent = 0;
  await using server = await Server.open((_, response) => {
    response.writeHead(200, { 'content-type': 'text/plain' });
    const pour = (): void => {
      while (!response.destroyed && response.write(block)) sent += block.length;
    };
    response.on('drain', pour);
    pour();
  });
  expect(await run({ url: server.origin })).toMatchObject({ outcome: 'succeeded', result: undefined });
  await server.waitFor(() => server.broken === 1);
  expect(sent).toBeLessThan(64 * 1_048_576);
});

test('fails in one line when nobody listens', async () => {
  const server = await Server.open(() => undefined);
  await server[Symbol.asyncDispose]();
  const { outcome, error } = await run({ url: `${server.origin}/gone` });
  expect(outcome).toBe('failed');
  expect(error?.message).toMatch(/^job call: GET http:\/\/127\.0\.0\.1:\d+\/gone failed: .*ECONNREFUSED/);
});

test('keeps the value of a header that cannot be sent to itself', async () => {
  const { error } = await run({ url: 'http://127.0.0.1:9/', headers: { 'X-Api-Key': 'sec\nret' } });
  expect(error?.message).toBe(
    'job call: GET http://127.0.0.1:9/ failed: it cannot be sent as configured; check method, headers and body',
  );
});

test('fails when the answer breaks off', async () => {
  await using server = await Server.open((_, response) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('half', () => response.destroy());
  });
  const { outcome, error } = await run({ url: server.origin });
  expect(outcome).toBe('failed');
  expect(error?.message).toContain('broke off');
});

test.each(['file:///etc/passwd', 'not a url', 'data:text/plain,x'])('refuses the URL %s', async (url) => {
  const { outcome, error } = await run({ url });
  expect(outcome).toBe('failed');
  expect(error?.message).toMatch(/is not a URL|only http and https/);
});

test('refuses a Location that is not http', async () => {
  await using server = await Server.open((_, response) => void response.writeHead(202, { location: 'file:///etc/passwd' }).end());
  expect((await run({ url: server.origin })).error?.message).toContain('only http and https');
});

test('aborts a request without an answer when the budget ends, and the server sees it close', async () => {
  await using server = await Server.open(() => undefined);
  const end = await run({ url: server.origin }, { budgetMs: 200 });
  await server.waitFor(() => server.broken === 1);
  expect(end).toMatchObject({ outcome: 'timedOut', stop: { kind: 'budget' }, error: undefined });
});

test('aborts a body that trickles when it is cancelled, and the server sees it close', async () => {
  await using server = await Server.open((_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    const drip = setInterval(() => response.write(' '), 5);
    response.on('close', () => clearInterval(drip));
  });
  const attempt = start({ url: server.origin });
  await server.waitFor(() => server.seen.length === 1);
  attempt.stop({ kind: 'cancel', by: 'test' });
  const end = await attempt.ended;
  await server.waitFor(() => server.broken === 1);
  expect(end).toMatchObject({ outcome: 'cancelled', error: undefined });
});

test('stops waiting for the next poll when it is cancelled', async () => {
  await using server = await Server.open(
    (_, response) => void response.writeHead(202, { location: '/poll', 'retry-after': '3600' }).end(),
  );
  const attempt = start({ url: server.origin }, { budgetMs: 7_200_000 });
  await server.waitFor(() => server.seen.length === 1);
  attempt.stop({ kind: 'cancel', by: 'test' });
  expect((await attempt.ended).outcome).toBe('cancelled');
});
