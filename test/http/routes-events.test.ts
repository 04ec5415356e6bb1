import { describe, expect, test } from 'vitest';
import { problemIn, setup } from './setup.ts';
import { Frames } from './stream.ts';

async function listen(api: ReturnType<typeof setup>, query = '', headers: Record<string, string> = {}): Promise<Frames> {
  const response = await api.get(`/v1/events${query}`, { headers });
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
  const frames = new Frames(response);
  expect(await frames.next()).toMatch(/^: /);
  return frames;
}

describe('a listener', () => {
  test('hears what happens from now on', async () => {
    const api = setup();
    api.control.tell('runStarted', { job: 'before' });
    const frames = await listen(api);
    api.control.tell('runEnded', { job: 'report', outcome: 'failed' });
    expect(await frames.next()).toBe('id: e-2\nevent: runEnded\ndata: {"job":"report","outcome":"failed"}');
  });

  test.each([
    ['its query', '?after=e-1', {}],
    ['its header', '', { 'Last-Event-ID': 'e-1' }],
    ['its header rather than its query', '?after=e-3', { 'Last-Event-ID': 'e-1' }],
  ])('goes on from where it was, by %s', async (_, query, headers) => {
    const api = setup();
    for (let count = 0; count < 3; count++) api.control.tell('runStarted', { count });
    const frames = await listen(api, query, headers);
    api.control.tell('runEnded', {});
    const ids = [await frames.next(), await frames.next(), await frames.next()].map((frame) => frame?.split('\n')[0]);
    expect(ids).toEqual(['id: e-2', 'id: e-3', 'id: e-4']);
  });

  test('is told when it must read the ledger', async () => {
    const api = setup();
    const frames = await listen(api, '?after=other-9');
    api.control.tell('runEnded', {});
    expect(await frames.next()).toBe('event: gap\ndata: {"after":"other-9"}');
    expect(await frames.next()).toMatch(/^id: e-1\n/);
  });

  test('hears of one job, or of some types, when it asks for that', async () => {
    const api = setup();
    api.control.tell('runStarted', { job: 'a' });
    const ofJob = await listen(api, '?job=a&after=e-0x');
    const ofTypes = await listen(api, '?type=runEnded,storeFailed');
    const ofBoth = await listen(api, '?type=runEnded&job=a');
    api.control.tell('runStarted', { job: 'b' });
    api.control.tell('storeFailed', {});
    api.control.tell('runEnded', { job: 'b' });
    api.control.tell('runEnded', { job: 'a' });
    expect(await ofJob.next()).toContain('event: gap');
    expect(await ofJob.next()).toContain('id: e-5');
    expect([await ofTypes.next(), await ofTypes.next(), await ofTypes.next()].map((frame) => frame?.slice(4, 7))).toEqual([
      'e-3',
      'e-4',
      'e-5',
    ]);
    expect(await ofBoth.next()).toContain('id: e-5');
  });

  test('sees a sign of life every 15 s, by one timer for all', async () => {
    const api = setup();
    const all = await Promise.all(Array.from({ length: 120 }, () => listen(api)));
    expect(api.clock.timers).toBe(1);
    await api.clock.advance(45_000);
    for (const frames of all) for (let beat = 0; beat < 3; beat++) expect(await frames.next()).toBe(': ');
    expect(api.clock.timers).toBe(1);
  });

  test('leaves nothing behind when it goes', async () => {
    const api = setup();
    const [one, other] = [await listen(api), await listen(api)];
    expect(api.control.listeners.size).toBe(1);
    await one.cancel();
    expect(api.control.listeners.size).toBe(1);
    await other.cancel();
    expect(api.control.listeners.size).toBe(0);
    expect(api.clock.timers).toBe(0);
    expect((await listen(api)).next()).toBeInstanceOf(Promise);
    expect(api.control.listeners.size).toBe(1);
  });

  test('that does not read is cut off when more than 1 MiB waits, and the others hear on', async () => {
    const api = setup();
    const slow = await listen(api);
    const quick = await listen(api);
    const text = 'x'.repeat(65_536);
    for (let count = 1; count <= 17; count++) {
      api.control.tell('runLine', { count, text });
      expect(await quick.next()).toContain(`"count":${count}`);
    }
    const heard = await slow.rest();
    expect(heard.length).toBeLessThan(18);
    expect(heard.length).toBeGreaterThan(14);
    api.control.tell('runEnded', {});
    expect(await quick.next()).toContain('event: runEnded');
  });

  test('is told where it is before it hears anything, so that it misses nothing when its connection breaks then', async () => {
    const api = setup();
    api.control.tell('runStarted', {});
    const first = await new Frames(await api.get('/v1/events')).next();
    expect(first).toMatch(/^: .*\nid: e-1$/);
    api.control.tell('runEnded', {});
    const again = new Frames(await api.get('/v1/events?after=e-1'));
    await again.next();
    expect(await again.next()).toContain('event: runEnded');
  });

  test('gets a backlog of any size', async () => {
    const api = setup();
    for (let count = 1; count <= 40; count++) api.control.tell('runLine', { count, text: 'x'.repeat(65_536) });
    const frames = await listen(api, '?after=e-1');
    api.control.tell('runStarted', {});
    api.control.tell('runEnded', {});
    for (let count = 2; count <= 40; count++) expect(await frames.next()).toContain(`"count":${count}`);
    expect(await frames.next()).toContain('event: runStarted');
    expect(await frames.next()).toContain('event: runEnded');
  });

  test('hears no secret of the configuration', async () => {
    const api = setup({ redact: (text) => text.replaceAll('hunter2', '[redacted]') });
    const frames = await listen(api);
    api.control.tell('runLine', { text: 'key=hunter2' });
    expect(await frames.next()).toContain('key=[redacted]');
  });
});

describe('many listeners', () => {
  test('are told what happens within a moment as one piece, in order', async () => {
    const api = setup();
    const all = await Promise.all(Array.from({ length: 400 }, () => api.get('/v1/events')));
    const readers = all.map((response) => response.body!.getReader());
    for (const reader of readers) await reader.read();
    for (let count = 1; count <= 3; count++) api.control.tell('runLine', { count });
    await api.clock.advance(49);
    api.control.tell('runLine', { count: 4 });
    await api.clock.advance(1);
    for (const reader of readers) {
      const { value } = await reader.read();
      expect(
        Buffer.from(value ?? [])
          .toString()
          .match(/"count":\d/g),
      ).toEqual([1, 2, 3, 4].map((count) => `"count":${count}`));
    }
    expect(api.clock.timers).toBe(1);
  });

  test('hear each event once, those too who come while others are told', async () => {
    const api = setup();
    const heard: string[][] = [];
    const join = async (query = ''): Promise<void> => {
      const frames = await listen(api, query);
      const own: string[] = [];
      heard.push(own);
      void (async () => {
        for (let frame = await frames.next(); frame !== undefined; frame = await frames.next()) {
          if (frame.startsWith('id')) own.push(frame.slice(4, frame.indexOf('\n')));
        }
      })();
    };
    api.control.tell('runStarted', {});
    await Promise.all(Array.from({ length: 120 }, () => join()));
    for (let count = 2; count <= 30; count++) {
      api.control.tell('runLine', { count });
      await join();
      await join('?after=e-1');
      if (count % 3 === 0) await api.clock.step();
    }
    await api.clock.advance(1_000);
    const ids = (from: number): string[] => Array.from({ length: 31 - from }, (_, index) => `e-${from + index}`);
    expect(heard.slice(0, 120)).toEqual(Array.from({ length: 120 }, () => ids(2)));
    for (let count = 2; count <= 30; count++) {
      expect(heard[120 + (count - 2) * 2]).toEqual(ids(count + 1));
      expect(heard[121 + (count - 2) * 2]).toEqual(ids(2));
    }
  });

  test('that leave while others are told end nothing but their own listening', async () => {
    const api = setup();
    const all = await Promise.all(Array.from({ length: 200 }, () => listen(api)));
    api.control.tell('runEnded', {});
    await api.clock.step();
    for (const frames of all.slice(100)) await frames.cancel();
    await api.clock.advance(1_000);
    for (const frames of all.slice(0, 100)) expect(await frames.next()).toContain('event: runEnded');
    for (const frames of all.slice(0, 100)) await frames.cancel();
    expect(api.clock.timers).toBe(0);
    expect(api.control.listeners.size).toBe(0);
  });
});

test('an event is written out once, however many hear it', async () => {
  let written = 0;
  const api = setup({
    redact: (text) => {
      written++;
      return text;
    },
  });
  api.control.tell('runStarted', {});
  const all = await Promise.all(Array.from({ length: 100 }, () => listen(api)));
  api.control.tell('runEnded', {});
  for (const frames of all) expect(await api.clock.waitFor(frames.next())).toContain('runEnded');
  const late = await listen(api, '?after=e-1');
  expect(await late.next()).toContain('runEnded');
  expect(written).toBe(1);
});

test('what the daemon keeps to itself is not told', async () => {
  const api = setup();
  const frames = await listen(api);
  api.control.tell('storeCommitted', { forMs: 1 });
  api.control.tell('stepsFinished', { job: 'report' });
  api.control.tell('runEnded', { job: 'report' });
  expect(await frames.next()).toContain('event: runEnded');
});

test('only so many listen at once', async () => {
  const api = setup({ mostStreams: 2 });
  const [one] = [await listen(api), await listen(api)];
  const response = await api.get('/v1/events');
  expect(response.status).toBe(503);
  expect(await problemIn(response)).toMatchObject({ code: 'TOO_MANY_LISTENERS' });
  await one.cancel();
  await listen(api);
});

test('a head opens no stream', async () => {
  const api = setup();
  const response = await api.get('/v1/events', { method: 'HEAD' });
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
  expect(api.control.listeners.size).toBe(0);
});

test.each([
  '?after=a%20b',
  '?after=',
  '?type=',
  '?type=runEnded,',
  '?type=runEnded%0a',
  '?type=storeCommitted',
  '?type=toString',
  '?job=..',
  '?nope=1',
  `?after=${'x'.repeat(129)}`,
])('what is asked is looked at: %s', async (query) => {
  const api = setup();
  expect((await api.get(`/v1/events${query}`)).status).toBe(400);
  expect(api.control.listeners.size).toBe(0);
});
