import { execFileSync } from 'node:child_process';
import { existsSync, linkSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { answers, startSmallServer } from './small-server.ts';
import { answerOf, dial, hear, hearAll, requestText, speak } from './wire.ts';

interface Room extends Disposable {
  readonly path: string;
  file(name: string): string;
}

function openRoom(): Room {
  const path = mkdtempSync(join(tmpdir(), 'tickwise-http-'));
  return { path, file: (name) => join(path, name), [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

const GET = 'GET /v1/jobs HTTP/1.1\r\nHost: any\r\nConnection: close\r\n\r\n';

test('says where it listens', async () => {
  await using small = await startSmallServer();
  expect(small.server.address).toBe(`http://127.0.0.1:${small.server.port}`);
});

test('refuses a port in use in one line', async () => {
  await using small = await startSmallServer();
  const listen = { kind: 'tcp', host: '127.0.0.1', port: small.port } as const;
  await expect(startSmallServer({ listen })).rejects.toMatchObject({
    code: 'LISTEN_FAILED',
    message: `listen: 127.0.0.1:${small.port} is in use: stop who uses it, or name another port`,
  });
});

test('opens no address beyond loopback without tokens, and none in plain text', async () => {
  const listen = { kind: 'tcp', host: '0.0.0.0', port: 0 } as const;
  await expect(startSmallServer({ listen })).rejects.toMatchObject({ message: expect.stringContaining('needs tokens') });
  await expect(startSmallServer({ listen, withTokens: true })).rejects.toMatchObject({
    message: expect.stringContaining('needs TLS'),
  });
});

test('serves a unix socket that only its owner can open, and takes it away', async () => {
  using room = openRoom();
  const path = room.file('api.sock');
  {
    await using small = await startSmallServer({ listen: { kind: 'unix', path } });
    expect(small.server.address).toBe(`unix:${path}`);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(room.path)).toEqual(['api.sock']);
    expect((await speak({ path }, GET)).status).toBe(200);
  }
  expect(readdirSync(room.path)).toEqual([]);
});

test('never lets a socket be seen that others can open, whatever the umask', async () => {
  using room = openRoom();
  const path = room.file('api.sock');
  const modes = new Set<number>();
  const look = (): void => {
    for (const name of readdirSync(room.path)) modes.add(statSync(room.file(name)).mode & 0o077);
  };
  const before = process.umask(0);
  try {
    const starting = startSmallServer({ listen: { kind: 'unix', path } });
    look();
    await using _small = await starting;
    look();
  } finally {
    process.umask(before);
  }
  expect([...modes]).toEqual([0]);
});

test('leaves the socket of a live server alone', async () => {
  using room = openRoom();
  const path = room.file('api.sock');
  await using first = await startSmallServer({ listen: { kind: 'unix', path } });
  await expect(startSmallServer({ listen: { kind: 'unix', path } })).rejects.toMatchObject({
    code: 'LISTEN_FAILED',
    message: `listen: unix:${path} belongs to a daemon that runs: stop it, or name another path`,
  });
  expect((await speak({ path }, GET)).status).toBe(200);
  expect(first.reached).toEqual(['jobs by local']);
});

test('takes the place of a dead server', async () => {
  using room = openRoom();
  const path = room.file('api.sock');
  const dead = createServer();
  await new Promise<void>((resolve) => dead.listen(room.file('born.sock'), resolve));
  linkSync(room.file('born.sock'), path);
  await new Promise((resolve) => dead.close(resolve));
  expect(existsSync(path)).toBe(true);
  await using _small = await startSmallServer({ listen: { kind: 'unix', path } });
  expect((await speak({ path }, GET)).status).toBe(200);
});

test('replaces no file that is not a socket', async () => {
  using room = openRoom();
  const path = room.file('precious');
  writeFileSync(path, 'data');
  await expect(startSmallServer({ listen: { kind: 'unix', path } })).rejects.toMatchObject({ code: 'LISTEN_FAILED' });
  expect(readdirSync(room.path)).toEqual(['precious']);
});

test('leaves one server of many that start at once on the socket of a dead one', async () => {
  using room = openRoom();
  const path = room.file('api.sock');
  const dead = createServer();
  await new Promise<void>((resolve) => dead.listen(room.file('born.sock'), resolve));
  linkSync(room.file('born.sock'), path);
  await new Promise((resolve) => dead.close(resolve));
  const started = await Promise.allSettled(
    Array.from({ length: 10 }, () => startSmallServer({ listen: { kind: 'unix', path } })),
  );
  const winners = started.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  expect(winners).toHaveLength(1);
  expect((await speak({ path }, GET)).status).toBe(200);
  await winners[0]?.[Symbol.asyncDispose]();
});

test('speaks TLS', async () => {
  using room = openRoom();
  await using small = await startSmallServer({ tls: makeCertificate(room) });
  expect(small.server.address).toMatch(/^https:/);
  expect(await statusByTls(small.port)).toBe(200);
});

test('lets newcomers in by TLS when connections that never speak it fill it', async () => {
  using room = openRoom();
  await using small = await startSmallServer({ tls: makeCertificate(room), limits: { connections: 2 } });
  const idle = [await dial(small.server), await dial(small.server)];
  for (let turn = 0; turn < 3; turn++) expect(await statusByTls(small.port)).toBe(200);
  for (const socket of idle) socket.destroy();
});

test('hangs up on those who send their request too slowly, and not on those who wait for an answer', async () => {
  await using small = await startSmallServer({
    limits: { headersTimeoutMs: 500, requestTimeoutMs: 1_000, keepAliveTimeoutMs: 100 },
  });
  const waiting = await dial(small.server);
  waiting.write(requestText(small.server, { target: '/v1/poll?as=slow' }));
  const listening = await dial(small.server);
  listening.write(requestText(small.server, { target: '/v1/events' }));
  await hear(listening, 'hello');
  const slowHead = await dial(small.server);
  slowHead.write('GET / HTTP/1.1\r\nHost: ');
  const slowBody = await dial(small.server);
  slowBody.write(
    `POST /v1/jobs/a/runs HTTP/1.1\r\nHost: localhost:${small.port}\r\nContent-Type: application/json\r\nContent-Length: 5\r\n\r\n{`,
  );
  expect(answerOf(await hearAll(slowHead)).status).toBe(408);
  expect(answerOf(await hearAll(slowBody)).status).toBe(408);
  const answered = hearAll(waiting);
  answers.get('slow')?.();
  expect(answerOf(await answered).body).toBe('answered');
  expect(listening.destroyed).toBe(false);
  listening.destroy();
});

test('hangs up when nothing moves for too long', async () => {
  await using small = await startSmallServer({ limits: { silenceTimeoutMs: 50 } });
  expect((await small.ask({ target: '/v1/poll?as=silent' })).status).toBe(0);
});

test('keeps a connection for the next request when it has refused one', async () => {
  await using small = await startSmallServer({ withTokens: true });
  const socket = await dial(small.server);
  for (let turn = 0; turn < 3; turn++) {
    const heard = hear(socket, '"UNAUTHENTICATED"}');
    socket.write(requestText(small.server, { target: '/v1/jobs', headers: { Connection: 'keep-alive' } }));
    expect(answerOf(await heard).headers['connection']).toBe('keep-alive');
  }
  socket.destroy();
});

test('lets newcomers in when idle connections fill it, and cuts off nobody who is at work', async () => {
  await using small = await startSmallServer({ limits: { connections: 3 } });
  const listening = await dial(small.server);
  listening.write(requestText(small.server, { target: '/v1/events' }));
  await hear(listening, 'hello');
  const idle = [await dial(small.server), await dial(small.server)];
  const ends = idle.map((socket) => hearAll(socket));
  for (let turn = 0; turn < 5; turn++) expect((await small.ask({ target: '/v1/jobs' })).status).toBe(200);
  expect(await ends[0]).toBe('');
  expect(listening.destroyed).toBe(false);
  listening.destroy();
  for (const socket of idle) socket.destroy();
});

test('ends event streams and idle connections when it closes, and answers what is in flight', async () => {
  const small = await startSmallServer();
  const listening = await dial(small.server);
  listening.write(requestText(small.server, { target: '/v1/events', headers: { Connection: 'keep-alive' } }));
  await hear(listening, 'hello');
  const idle = await dial(small.server);
  const waiting = await dial(small.server);
  waiting.write(requestText(small.server, { target: '/v1/poll?as=closing', headers: { Connection: 'keep-alive' } }));
  while (!small.reached.includes('poll')) await small.ask({ target: '/v1/jobs' });
  const heard = [listening, idle, waiting].map((socket) => hearAll(socket));
  const closed = small.server[Symbol.asyncDispose]();
  await Promise.all(heard.slice(0, 2));
  await small.streamCancelled;
  await expect(dial(small.server)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  answers.get('closing')?.();
  expect(answerOf((await heard[2]) ?? '').body).toBe('answered');
  await closed;
});

test('cuts off what is not answered in time when it closes', async () => {
  const small = await startSmallServer({ limits: { closeGraceMs: 50 } });
  const waiting = await dial(small.server);
  waiting.write(requestText(small.server, { target: '/v1/poll?as=never' }));
  while (!small.reached.includes('poll')) await small.ask({ target: '/v1/jobs' });
  const heard = hearAll(waiting);
  await small.server[Symbol.asyncDispose]();
  await small.server[Symbol.asyncDispose]();
  expect(await heard).toBe('');
});

test('leaves the globals of the program that it is part of alone', async () => {
  const before = [globalThis.Request, globalThis.Response];
  await using _small = await startSmallServer();
  expect([globalThis.Request, globalThis.Response]).toEqual(before);
});

test('names a certificate that cannot be read', async () => {
  using room = openRoom();
  const tls = { certPath: room.file('no.pem'), keyPath: room.file('no.pem') };
  await expect(startSmallServer({ tls })).rejects.toMatchObject({ code: 'LISTEN_FAILED' });
});

function makeCertificate(room: Room): { certPath: string; keyPath: string } {
  const [keyPath, certPath] = [room.file('key.pem'), room.file('cert.pem')];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
  const files = ['-nodes', '-keyout', keyPath, '-out', certPath];
  execFileSync('openssl', ['req', '-x509', ...curve, ...files, ...subject], { stdio: 'ignore' });
  return { certPath, keyPath };
}

/** The status of a request whose page came by TLS as well. */
function statusByTls(port: number): Promise<number | undefined> {
  const headers = { origin: `https://localhost:${port}` };
  return new Promise((resolve, reject) => {
    request({ port, path: '/v1/jobs', agent: false, rejectUnauthorized: false, headers }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    })
      .on('error', reject)
      .end();
  });
}
