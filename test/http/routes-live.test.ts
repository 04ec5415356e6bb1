import type { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import type { TaskContext } from '../../src/core/task.ts';
import { FakeControl, RUN, runOf } from './fake-control.ts';
import { type LiveServer, serve, startLiveServer } from './live-server.ts';
import { Frames } from './stream.ts';
import { dial } from './wire.ts';

/** A task that goes on until it is let go or asked to stop. */
function gate(): { readonly task: (context: TaskContext) => Promise<void>; readonly open: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  const task = ({ signal }: TaskContext): Promise<void> =>
    new Promise((end) => {
      void promise.then(end);
      signal.addEventListener('abort', () => end(), { once: true });
    });
  return { task, open: resolve };
}

async function submit(server: LiveServer, job: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${server.url}/v1/jobs/${job}/runs`, { method: 'POST', headers });
}

async function json(response: Response): Promise<Record<string, unknown>> {
  return (await response.json()) as Record<string, unknown>;
}

describe('over real sockets and a real scheduler', () => {
  test('a second submission of a busy job is 409, with the run that is live', async () => {
    const work = gate();
    await using server = await startLiveServer({ work: work.task });
    const { runId } = await json(await submit(server, 'work'));
    const refused = await submit(server, 'work');
    expect(refused.status).toBe(409);
    expect(await json(refused)).toMatchObject({ code: 'JOB_BUSY', liveRunId: runId });
    const waiting = fetch(`${server.url}/v1/runs/${String(runId)}?wait=20s`);
    work.open();
    expect(await json(await waiting)).toMatchObject({ outcome: 'succeeded' });
    expect((await submit(server, 'work')).status).toBe(202);
  });

  test('a cancelled run ends, and its end is seen', async () => {
    await using server = await startLiveServer({ work: gate().task });
    const { runId } = await json(await submit(server, 'work'));
    const path = `${server.url}/v1/runs/${String(runId)}`;
    expect((await fetch(`${path}/cancel`, { method: 'POST' })).status).toBe(202);
    expect(await json(await fetch(`${path}?wait=20s`))).toMatchObject({ outcome: 'cancelled', reason: 'cancelled by local' });
    expect((await fetch(`${path}/cancel`, { method: 'POST' })).status).toBe(409);
  });

  test('one key is one run, however many send it at once', async () => {
    let runs = 0;
    await using server = await startLiveServer({ work: async () => void runs++ }, { onOverlap: 'queue' });
    const answers = await Promise.all(
      Array.from({ length: 50 }, () =>
        submit(server, 'work', { 'idempotency-key': 'once' }).then(async (response) => ({
          status: response.status,
          replayed: response.headers.get('idempotency-replayed'),
          runId: (await json(response))['runId'],
        })),
      ),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
    const ids = new Set(answers.map(({ runId }) => runId));
    expect(ids.size).toBe(1);
    expect(answers.filter(({ replayed }) => replayed === 'true')).toHaveLength(49);
    await fetch(`${server.url}/v1/runs/${String([...ids][0])}?wait=20s`);
    expect(runs).toBe(1);
  });

  test.each(['', 'job=one', 'outcome=succeeded'])(
    'pages hold each run of the first page once, while new ones come in: %s',
    async (query) => {
      const quick = async (): Promise<void> => undefined;
      await using server = await startLiveServer({ one: quick, two: quick, three: quick });
      for (let round = 0; round < 8; round++) for (const job of ['one', 'two', 'three']) await runOnce(server, job);
      const pageAt = async (rest: string): Promise<{ runs: { id: string }[]; cursor?: string }> =>
        (await (await fetch(`${server.url}/v1/runs?${query}&${rest}`)).json()) as { runs: { id: string }[]; cursor?: string };
      const whole = (await pageAt('limit=500')).runs.map(({ id }) => id);
      const seen: string[] = [];
      for (let page = await pageAt('limit=5'); ; page = await pageAt(`limit=5&cursor=${page.cursor}`)) {
        seen.push(...page.runs.map(({ id }) => id));
        if (page.cursor === undefined) break;
        await runOnce(server, 'one');
      }
      expect(seen).toEqual(whole);
      expect(whole).toHaveLength(query === 'job=one' ? 8 : 24);
    },
  );

  test('a log is followed to the end of its run', async () => {
    const work = gate();
    await using server = await startLiveServer({
      work: async (context) => {
        context.log.info('begun', { row: 1 });
        await work.task(context);
        context.log.warn('over');
      },
    });
    const { runId } = await json(await submit(server, 'work'));
    const frames = new Frames(await fetch(`${server.url}/v1/runs/${String(runId)}/log?follow=true`));
    expect(await frames.next()).toBe(': log');
    expect(await frames.next()).toMatch(/^id: 1\nevent: line\ndata: .*"text":"begun","fields":\{"row":1\}/);
    work.open();
    expect(await frames.next()).toMatch(/^id: 2\nevent: line\ndata: .*"level":"warn".*"text":"over"/);
    expect(await frames.next()).toBe('event: end\ndata: {"state":"succeeded"}');
    expect(await frames.next()).toBeUndefined();
  });

  test('a listener that comes back hears all that it has missed, once', async () => {
    await using server = await startLiveServer({ work: async () => undefined });
    const first = new Frames(await fetch(`${server.url}/v1/events?job=work`));
    await first.next();
    await runOnce(server);
    const started = await first.next();
    expect(started).toContain('event: runStarted');
    await first.cancel();
    await runOnce(server);
    const last = /^id: (.*)$/m.exec(started ?? '')?.[1] ?? '';
    const again = new Frames(await fetch(`${server.url}/v1/events?job=work`, { headers: { 'last-event-id': last } }));
    await again.next();
    const types = [await again.next(), await again.next(), await again.next()].map(
      (frame) => /event: (\w+)/.exec(frame ?? '')?.[1],
    );
    expect(types).toEqual(['runEnded', 'runStarted', 'runEnded']);
    await again.cancel();
  });

  test('closing ends whoever waits, follows and listens', async () => {
    const work = gate();
    const server = await startLiveServer({ work: work.task });
    const { runId } = await json(await submit(server, 'work'));
    const paths = ['/v1/events', `/v1/runs/${String(runId)}/log?follow=true`];
    const streams = await Promise.all(paths.map(async (path) => new Frames(await fetch(server.url + path))));
    for (const stream of streams) await stream.next();
    const waiting = fetch(`${server.url}/v1/runs/${String(runId)}?wait=5m`);
    work.open();
    expect(await json(await waiting)).toMatchObject({ outcome: 'succeeded' });
    await server[Symbol.asyncDispose]();
    for (const stream of streams) await stream.rest();
  });
});

describe('a caller who goes away', () => {
  test('is waited for no more', async () => {
    const control = new FakeControl();
    control.runList = [runOf({ state: 'running' })];
    await using server = await serve(control);
    const caller = new AbortController();
    const answer = fetch(`${server.address}/v1/runs/${RUN}?wait=5m`, { signal: caller.signal });
    await until(() => control.waiters.size === 1);
    caller.abort();
    await expect(answer).rejects.toThrow(/abort/);
    await until(() => control.waiters.size === 0);
  });

  test('listens no more', async () => {
    const control = new FakeControl();
    await using server = await serve(control);
    const sockets = await Promise.all([listener(server.port), listener(server.port)]);
    expect(control.listeners.size).toBe(1);
    for (const socket of sockets) socket.destroy();
    await until(() => control.listeners.size === 0);
  });
});

test('a listener that does not read is hung up on, and nobody else waits for it', async () => {
  const control = new FakeControl();
  await using server = await serve(control);
  const slow = await listener(server.port);
  const quick = await listener(server.port);
  slow.pause();
  let heard = 0;
  let tail = '';
  quick.on('data', (chunk: Buffer) => {
    heard += chunk.length;
    tail = chunk.toString('latin1').slice(-200);
  });
  const closed = new Promise((resolve) => slow.once('close', resolve));
  // More than the buffers of the kernel and of the server hold.
  const text = 'x'.repeat(65_536);
  for (let told = 0; told < 256; told++) {
    control.tell('runLine', { text });
    await until(() => heard >= (told + 1) * text.length);
  }
  slow.resume();
  await closed;
  control.tell('runEnded', {});
  await until(() => tail.includes('event: runEnded'));
  quick.destroy();
});

async function runOnce(server: LiveServer, job = 'work'): Promise<void> {
  const { runId } = await json(await submit(server, job));
  await (await fetch(`${server.url}/v1/runs/${String(runId)}?wait=20s`)).text();
}

/** A connection that listens to all events. */
async function listener(port: number): Promise<Socket> {
  const socket = await dial({ port });
  socket.write(`GET /v1/events HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
  await new Promise((resolve) => socket.once('data', resolve));
  return socket;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
