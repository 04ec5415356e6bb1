import { expect, test } from 'vitest';
import { startSmallServer } from './small-server.ts';
import { dial, hear, requestText } from './wire.ts';

const SUBMIT = { method: 'POST', target: '/v1/jobs/a/runs', headers: { 'Content-Type': 'application/json' }, body: '{}' };
const bearer = (token: string): { Authorization: string } => ({ Authorization: `Bearer ${token}` });

test('lets in whoever reaches an address that needs no token, as local', async () => {
  await using small = await startSmallServer();
  expect((await small.ask(SUBMIT)).status).toBe(202);
  expect(small.reached).toEqual(['a by local']);
});

test('hands the body on as it came', async () => {
  await using small = await startSmallServer();
  await small.ask({ ...SUBMIT, body: '{"input": {"name": "Ä", "n": [1, 2]}}' });
  expect(small.bodies).toEqual([{ input: { name: 'Ä', n: [1, 2] } }]);
});

test('answers to the names of loopback and to no other', async () => {
  await using small = await startSmallServer();
  const statusOf = async (host: string): Promise<number> =>
    (await small.ask({ target: '/v1/jobs', headers: { Host: host } })).status;
  expect(await statusOf(`localhost:${small.port}`)).toBe(200);
  expect(await statusOf(`LOCALHOST:${small.port}`)).toBe(200);
  expect(await statusOf(`[::1]:${small.port}`)).toBe(200);
  expect(await statusOf('localhost')).toBe(421);
  expect(await statusOf(`evil.example:${small.port}`)).toBe(421);
});

test('answers to further names with any port or none', async () => {
  await using small = await startSmallServer({ hosts: ['cron.example.org'] });
  for (const host of ['cron.example.org', 'Cron.Example.Org:443', `cron.example.org:${small.port}`]) {
    expect((await small.ask({ target: '/v1/jobs', headers: { Host: host } })).status).toBe(200);
  }
});

test('lets a page of its own origin in, and of no other', async () => {
  await using small = await startSmallServer();
  const statusOf = async (headers: Record<string, string>): Promise<number> =>
    (await small.ask({ target: '/v1/jobs', headers })).status;
  expect(await statusOf({ Origin: `http://127.0.0.1:${small.port}`, 'Sec-Fetch-Site': 'same-origin' })).toBe(200);
  expect(await statusOf({ 'Sec-Fetch-Site': 'none' })).toBe(200);
  expect(await statusOf({ Origin: `https://127.0.0.1:${small.port}` })).toBe(403);
  expect(await statusOf({ Origin: 'null' })).toBe(403);
  expect(await statusOf({ 'Sec-Fetch-Site': 'same-site' })).toBe(403);
});

test('lets a link from elsewhere lead to the page, and to nothing else', async () => {
  await using small = await startSmallServer();
  const headers = { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'document' };
  expect((await small.ask({ headers })).status).toBe(200);
  expect((await small.ask({ headers: { ...headers, 'Sec-Fetch-Dest': 'iframe' } })).status).toBe(403);
  expect((await small.ask({ target: '/v1/jobs', headers })).status).toBe(403);
});

test('believes a proxy that the page came by TLS', async () => {
  await using small = await startSmallServer({ behindProxy: true, hosts: ['cron.example.org'] });
  const headers = { Host: 'cron.example.org', Origin: 'https://cron.example.org' };
  expect((await small.ask({ ...SUBMIT, headers: { ...SUBMIT.headers, ...headers } })).status).toBe(202);
});

test('says which methods a path has', async () => {
  await using small = await startSmallServer();
  const answer = await small.ask({ method: 'DELETE', target: '/v1/jobs' });
  expect(answer.status).toBe(405);
  expect(answer.headers['allow']).toBe('GET, HEAD');
  expect((await small.ask({ target: '/v1/jobs/a/runs' })).headers['allow']).toBe('POST');
});

test('answers HEAD without a body', async () => {
  await using small = await startSmallServer();
  const answer = await small.ask({ method: 'HEAD', target: '/v1/jobs' });
  expect([answer.status, answer.body]).toEqual([200, '']);
});

test('needs no content type where there is no body', async () => {
  await using small = await startSmallServer();
  expect((await small.ask({ method: 'POST', target: '/v1/reload' })).status).toBe(200);
});

test('takes a body of 1 MiB and refuses one byte more, whatever its head says', async () => {
  await using small = await startSmallServer();
  const body = (bytes: number): string => JSON.stringify('x'.repeat(bytes - 2));
  expect((await small.ask({ ...SUBMIT, body: body(1024 * 1024) })).status).toBe(202);
  expect((await small.ask({ ...SUBMIT, body: body(1024 * 1024 + 1) })).status).toBe(413);
  const chunk = `${(1024 * 1024 + 1).toString(16)}\r\n${body(1024 * 1024 + 1)}\r\n0\r\n\r\n`;
  const chunked = { ...SUBMIT.headers, 'Transfer-Encoding': 'chunked' };
  expect((await small.ask({ ...SUBMIT, headers: chunked, body: chunk })).status).toBe(413);
  expect(small.reached).toHaveLength(1);
});

test('takes JSON of 100 levels and refuses one more', async () => {
  await using small = await startSmallServer();
  const nested = (depth: number): string => `${'['.repeat(depth)}"]}[{"${']'.repeat(depth)}`;
  expect((await small.ask({ ...SUBMIT, body: nested(100) })).status).toBe(202);
  expect((await small.ask({ ...SUBMIT, body: nested(101) })).status).toBe(400);
});

test('knows a token, and asks those for one who have none', async () => {
  await using small = await startSmallServer({ withTokens: true });
  const answer = await small.ask({ target: '/v1/jobs' });
  expect(answer.status).toBe(401);
  expect(answer.headers['www-authenticate']).toBe('Bearer realm="tickwise"');
  expect((await small.ask({ target: '/v1/jobs', headers: bearer('tw_wrong') })).body).toBe(answer.body);
  expect((await small.ask({ target: '/v1/jobs', headers: bearer(small.tokens.read) })).status).toBe(200);
  expect(small.reached).toEqual(['jobs by reader']);
});

test('names the scope that a token lacks', async () => {
  await using small = await startSmallServer({ withTokens: true });
  const answer = await small.ask({ ...SUBMIT, headers: { ...SUBMIT.headers, ...bearer(small.tokens.read) } });
  expect(answer.status).toBe(403);
  expect(JSON.parse(answer.body)).toMatchObject({ code: 'SCOPE_MISSING', scope: 'run' });
});

test('lets each scope do what those below it may', async () => {
  await using small = await startSmallServer({ withTokens: true });
  const statusOf = async (method: string, target: string, token: string): Promise<number> =>
    (await small.ask({ method, target, headers: bearer(token) })).status;
  const { read, run, admin } = small.tokens;
  const calls = [
    ['GET', '/metrics'],
    ['POST', '/v1/jobs/a/runs'],
    ['POST', '/v1/reload'],
  ] as const;
  const table = await Promise.all(
    [read, run, admin].map((token) => Promise.all(calls.map(([method, target]) => statusOf(method, target, token)))),
  );
  expect(table).toEqual([
    [200, 403, 403],
    [200, 202, 403],
    [200, 202, 200],
  ]);
});

test('needs no token for probes and for the page', async () => {
  await using small = await startSmallServer({ withTokens: true });
  expect((await small.ask({ target: '/' })).status).toBe(200);
  expect((await small.ask({ target: '/healthz' })).body).toBe('{"caller":"nobody"}');
  expect((await small.ask({ target: '/metrics' })).status).toBe(401);
});

test('reads no body of somebody whom it does not know', async () => {
  await using small = await startSmallServer({ withTokens: true });
  const headers = { ...SUBMIT.headers, 'Content-Length': '1000000' };
  // The body never comes, and yet there is an answer.
  expect((await small.ask({ ...SUBMIT, headers, body: '' })).status).toBe(401);
});

test('slows down a caller who asks too often, and nobody else', async () => {
  await using small = await startSmallServer({ withTokens: true, limits: { requestsPerSecond: 0.01, burst: 2 } });
  const statusOf = async (token: string): Promise<number> =>
    (await small.ask({ target: '/v1/jobs', headers: bearer(token) })).status;
  expect([await statusOf(small.tokens.read), await statusOf(small.tokens.read)]).toEqual([200, 200]);
  const refused = await small.ask({ target: '/v1/jobs', headers: bearer(small.tokens.read) });
  expect([refused.status, refused.headers['retry-after']]).toEqual([429, '100']);
  expect(await statusOf(small.tokens.run)).toBe(200);
});

test('slows down an address that sends wrong tokens, and lets the right one in from there', async () => {
  await using small = await startSmallServer({ withTokens: true, limits: { failuresPerSecond: 0.01, failureBurst: 3 } });
  const statusOf = async (token: string): Promise<number> =>
    (await small.ask({ target: '/v1/jobs', headers: bearer(token) })).status;
  const guesses = [];
  for (let guess = 0; guess < 5; guess++) guesses.push(await statusOf(`tw_${guess}`));
  expect(guesses).toEqual([401, 401, 401, 429, 429]);
  expect(await statusOf(small.tokens.read)).toBe(200);
});

test('bounds the reads that a caller has under way, and still lets them steer', async () => {
  await using small = await startSmallServer({ limits: { readsPerCaller: 1 } });
  const listener = await dial(small.server);
  listener.write(requestText(small.server, { target: '/v1/events' }));
  await hear(listener, 'hello');
  expect((await small.ask({ target: '/v1/jobs' })).status).toBe(429);
  expect((await small.ask(SUBMIT)).status).toBe(202);
  listener.destroy();
  await small.streamCancelled;
  expect((await small.ask({ target: '/v1/jobs' })).status).toBe(200);
});

test('tells nothing of a fault within', async () => {
  await using small = await startSmallServer();
  const answer = await small.ask({ target: '/v1/throws' });
  expect(answer.status).toBe(500);
  expect(answer.raw).not.toContain('42');
  expect(small.lines.map(({ message }) => message)).toContain('a request failed');
});

test('sends the headers that keep browsers strict, with refusals too, and none of CORS', async () => {
  await using small = await startSmallServer();
  const answers = [await small.ask({ target: '/v1/jobs' }), await small.ask({ target: '/v1/jobs', headers: { Host: 'evil' } })];
  for (const { headers } of answers) {
    expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' });
    expect(headers['content-security-policy']).toContain("default-src 'self'");
    expect(headers['content-security-policy']).toContain("frame-ancestors 'none'");
    expect(Object.keys(headers).filter((name) => /^(access-control-|server$|x-powered-by)/.test(name))).toEqual([]);
  }
});

test('writes down who has changed what, without what they sent', async () => {
  await using small = await startSmallServer({ withTokens: true });
  await small.ask({
    ...SUBMIT,
    target: '/v1/jobs/a/runs?secret=1',
    headers: { ...SUBMIT.headers, ...bearer(small.tokens.run) },
    body: '{"input":"hush"}',
  });
  await small.ask({ target: '/v1/jobs', headers: bearer(small.tokens.read) });
  await small.ask({ ...SUBMIT, headers: { ...SUBMIT.headers, ...bearer('tw_wrong') } });
  expect(small.lines).toEqual([
    {
      message: 'audit',
      fields: {
        who: 'runer',
        from: '127.0.0.1',
        method: 'POST',
        path: '/v1/jobs/a/runs',
        status: 202,
        job: 'a',
        runId: '0abc-1',
      },
    },
    { message: 'audit', fields: { who: '-', from: '127.0.0.1', method: 'POST', path: '/v1/jobs/a/runs', status: 401, job: 'a' } },
  ]);
});

test('writes down that somebody guesses', async () => {
  await using small = await startSmallServer({ withTokens: true });
  await small.ask({ target: '/v1/jobs', headers: bearer('tw_guess') });
  expect(small.lines.map(({ fields }) => fields)).toMatchObject([{ who: '-', method: 'GET', status: 401 }]);
});

test('writes control characters down as their codes', async () => {
  await using small = await startSmallServer({ behindProxy: true });
  await small.ask({ ...SUBMIT, headers: { ...SUBMIT.headers, 'X-Forwarded-For': '1.2.3.4\x9b2J\x85audit' } });
  expect(small.lines.map(({ fields }) => fields['from'])).toEqual(['1.2.3.4\\u009b2J\\u0085audit']);
});

test('tells callers behind a proxy apart by the address that the proxy saw', async () => {
  await using small = await startSmallServer({ withTokens: true, behindProxy: true });
  await small.ask({ ...SUBMIT, headers: { ...SUBMIT.headers, 'X-Forwarded-For': '1.2.3.4, 203.0.113.9' } });
  expect(small.lines.map(({ fields }) => fields['from'])).toEqual(['203.0.113.9']);
});

test('tells a client that its body is too large before it has sent it', async () => {
  await using small = await startSmallServer();
  const sent = fetch(`${small.server.address}/v1/jobs/a/runs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: Buffer.alloc(20 * 1024 * 1024, ' '),
  });
  expect((await sent).status).toBe(413);
});
