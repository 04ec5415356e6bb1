/** Attacks of many: floods, races and those who take their time. Nobody else is kept out by them, and no two runs are ever live. */
import type { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { submit, VICTIM } from './attacks/attack.ts';
import { signed, STEADY, startTarget, type Target } from './attacks/target.ts';
import { dial, hear, requestText } from './wire.ts';

const times = <Value>(count: number, make: (index: number) => Value): Value[] =>
  Array.from({ length: count }, (_, index) => make(index));

function statusesOf(answers: readonly { readonly status: number }[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

/** Somebody honest is served. */
async function expectService(target: Target): Promise<void> {
  expect((await target.ask({ target: '/v1/jobs' })).status).toBe(200);
  expect((await target.ask({ target: '/healthz' }, 'nobody')).status).toBe(200);
}

async function victimsRuns(target: Target): Promise<number> {
  return (await target.store.runs({ job: VICTIM, limit: 1_000 })).length;
}

/** Connections that say this and then nothing, on which nobody waits. */
function dialAll(target: Target, count: number, bytes: (index: number) => string | Buffer): Promise<Socket[]> {
  return Promise.all(
    times(count, async (index) => {
      const socket = await dial(target.server);
      socket.resume();
      socket.write(bytes(index));
      return socket;
    }),
  );
}

const FAST = { headersTimeoutMs: 1_000, requestTimeoutMs: 2_000, keepAliveTimeoutMs: 100 } as const;

test('starts one run for 200 triggers at once', async () => {
  await using target = await startTarget();
  const before = await victimsRuns(target);
  const answers = await Promise.all(times(200, () => target.ask(submit())));
  expect(statusesOf(answers)).toEqual({ 202: 1, 409: 199 });
  expect((await victimsRuns(target)) - before).toBe(1);
  expect(target.mostAtOnce()).toBe(1);
});

test('starts one run for 200 triggers with one key', async () => {
  await using target = await startTarget();
  const before = await victimsRuns(target);
  const answers = await Promise.all(times(200, () => target.ask(submit({ headers: { 'Idempotency-Key': 'one' } }))));
  expect(statusesOf(answers)).toEqual({ 202: 200 });
  expect(new Set(answers.map(({ headers }) => headers['location'])).size).toBe(1);
  expect((await victimsRuns(target)) - before).toBe(1);
});

test('takes a key for one request only', async () => {
  await using target = await startTarget();
  const key = { 'Idempotency-Key': 'mine' };
  expect((await target.ask(submit({ headers: key, body: '{"input":1}' }))).status).toBe(202);
  expect((await target.ask(submit({ headers: key, body: '{"input":2}' }))).status).toBe(422);
  expect((await target.ask({ ...submit({ headers: key, body: '{"input":1}' }), target: '/v1/jobs/strict/runs' })).status).toBe(
    422,
  );
  expect(target.mostAtOnce()).toBe(1);
});

test('keeps one run live while triggers, pauses, resumes and cancels come all at once', async () => {
  await using target = await startTarget();
  const verbs = ['runs', 'pause', 'resume', 'cancel'] as const;
  const answers = await Promise.all(
    times(200, (index) => target.ask({ method: 'POST', target: `/v1/jobs/${VICTIM}/${verbs[index % 4]}` })),
  );
  expect(Object.keys(statusesOf(answers)).filter((status) => !['200', '202', '409'].includes(status))).toEqual([]);
  expect(target.mostAtOnce()).toBeLessThanOrEqual(1);
  expect((await target.control.job(STEADY)).state).toBe('running');
});

test('takes no input that the job does not want', async () => {
  await using target = await startTarget();
  const before = await target.ledger();
  const inputs = [
    '1',
    '"x"',
    '[]',
    '{}',
    '{"name":"--help"}',
    '{"name":"../x"}',
    '{"name":"a","env":{}}',
    '{"name":"abcdefghijkl"}',
    '{"name":{"$ne":1}}',
  ];
  const answers = await Promise.all(
    inputs.map((input) => target.ask({ ...submit({ body: `{"input":${input}}` }), target: '/v1/jobs/strict/runs' })),
  );
  expect(statusesOf(answers)).toEqual({ 422: inputs.length });
  expect(await target.ledger()).toBe(before);
});

test('serves others while 300 send their heads a byte at a time', async () => {
  await using target = await startTarget({ limits: { ...FAST, connections: 100 } });
  const sockets = await dialAll(target, 300, () => 'POST /v1/jobs HTTP/1.1\r\nHost: ');
  for (let turn = 0; turn < 5; turn++) {
    for (const socket of sockets) socket.write('x');
    await expectService(target);
  }
  await Promise.all(
    sockets.map((socket) => new Promise<void>((resolve) => (socket.closed ? resolve() : socket.once('close', () => resolve())))),
  );
});

test('serves others while 50 with the right token send their bodies never', async () => {
  await using target = await startTarget({ limits: FAST });
  const before = await target.ledger();
  const bytes = requestText(target, signed(submit({ body: '', headers: { 'Content-Length': '10' } }), target.tokens.admin));
  const sockets = await dialAll(target, 50, () => bytes);
  await expectService(target);
  await Promise.all(
    sockets.map((socket) => new Promise<void>((resolve) => (socket.closed ? resolve() : socket.once('close', () => resolve())))),
  );
  expect(await target.ledger()).toBe(before);
});

test('serves others while 200 connections say nothing', async () => {
  await using target = await startTarget({ limits: { connections: 50 } });
  const sockets = await dialAll(target, 200, () => '');
  await expectService(target);
  for (const socket of sockets) socket.destroy();
});

test('gives one caller no more than their share of event streams, and others theirs', async () => {
  await using target = await startTarget({ limits: { readsPerCaller: 20 } });
  const bytes = requestText(target, signed({ target: '/v1/events' }, target.tokens.reader));
  const sockets = await Promise.all(times(60, () => dial(target.server)));
  const heard = sockets.map((socket) => hear(socket, '\r\n\r\n'));
  for (const socket of sockets) socket.write(bytes);
  const heads = await Promise.all(heard);
  expect(heads.filter((head) => head.startsWith('HTTP/1.1 200'))).toHaveLength(20);
  expect(heads.filter((head) => head.startsWith('HTTP/1.1 429'))).toHaveLength(40);
  await expectService(target);
  for (const socket of sockets) socket.destroy();
});

test('gives one caller no more than their share of long polls', async () => {
  await using target = await startTarget({ limits: { readsPerCaller: 10 } });
  const runId = (await target.control.job(STEADY)).liveRun?.id ?? '';
  const bytes = requestText(target, signed({ target: `/v1/runs/${runId}?wait=30s` }, target.tokens.reader));
  const sockets = await Promise.all(times(30, () => dial(target.server)));
  const refused = sockets.map((socket) =>
    hear(socket, 'HTTP/1.1 429').then(
      () => true,
      () => false,
    ),
  );
  for (const socket of sockets) socket.write(bytes);
  while ((await target.ask({ target: '/v1/jobs' }, 'reader')).status !== 429);
  await expectService(target);
  for (const socket of sockets) socket.destroy();
  expect((await Promise.all(refused)).filter((was) => was).length).toBe(20);
});

test('slows down 500 guesses of a token, and still serves who has one', async () => {
  await using target = await startTarget({ limits: { failuresPerSecond: 0.01 } });
  const before = await target.ledger();
  const guess = (index: number): ReturnType<Target['ask']> =>
    target.ask(submit({ headers: { Authorization: `Bearer tw_${index}` } }), 'nobody');
  const answers = [];
  for (let turn = 0; turn < 10; turn++) answers.push(...(await Promise.all(times(50, (index) => guess(turn * 50 + index)))));
  expect(statusesOf(answers)).toEqual({ 401: 20, 429: 480 });
  await expectService(target);
  expect(await target.ledger()).toBe(before);
  expect(target.lines.length).toBeLessThan(350);
});

test('slows down a caller who asks without end, and nobody else', async () => {
  await using target = await startTarget({ limits: { requestsPerSecond: 0.01, burst: 100 } });
  const answers = [];
  for (let turn = 0; turn < 10; turn++)
    answers.push(...(await Promise.all(times(30, () => target.ask({ target: '/v1/jobs' }, 'reader')))));
  expect(statusesOf(answers)).toEqual({ 200: 100, 429: 200 });
  await expectService(target);
});

test('outlives 200 that hang up in the middle of what they send', async () => {
  await using target = await startTarget();
  const before = await target.ledger();
  const whole = requestText(target, signed(submit({ body: '{"input":"abc"}' }), target.tokens.admin));
  const sockets = await dialAll(target, 200, (index) => whole.subarray(0, (index % (whole.length - 1)) + 1));
  for (const socket of sockets) socket.resetAndDestroy();
  await expectService(target);
  expect(await target.ledger()).toBe(before);
});

test('outlives 100 that hang up before they hear the answer', async () => {
  await using target = await startTarget();
  const bytes = requestText(target, signed({ target: '/v1/events' }, target.tokens.reader));
  const sockets = await dialAll(target, 100, () => bytes);
  for (const socket of sockets) socket.resetAndDestroy();
  await expectService(target);
});

test('answers 500 requests on one connection in their order', async () => {
  await using target = await startTarget();
  const socket = await dial(target.server);
  const piped = times(500, (index) =>
    requestText(
      target,
      signed(
        { target: `/v1/nothing${index}`, headers: { Connection: index === 499 ? 'close' : 'keep-alive' } },
        target.tokens.reader,
      ),
    ),
  );
  const heard = hear(socket, 'nothing-that-is-ever-said').catch((error: Error) => error.message);
  socket.write(Buffer.concat(piped));
  expect((await heard).match(/HTTP\/1\.1 404/g)).toHaveLength(500);
  await expectService(target);
});

test('refuses many at once that are each refused alone', async () => {
  await using target = await startTarget({ limits: { failureBurst: 1_000 } });
  const before = await target.ledger();
  const answers = await Promise.all(
    times(300, (index) =>
      [
        () => target.ask(submit({ headers: { Host: 'evil.example' } })),
        () => target.ask(submit({ headers: { Origin: 'https://evil.example' } })),
        () => target.ask(submit(), 'reader'),
        () => target.ask(submit(), 'nobody'),
        () => target.ask(submit({ body: '['.repeat(100_000) })),
      ][index % 5]!(),
    ),
  );
  expect(statusesOf(answers)).toEqual({ 400: 60, 401: 60, 403: 120, 421: 60 });
  expect(await target.ledger()).toBe(before);
  await expectService(target);
});
