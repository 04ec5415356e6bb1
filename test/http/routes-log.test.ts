import { describe, expect, test } from 'vitest';
import { TickwiseError } from '../../src/core/errors.ts';
import type { LogLine } from '../../src/core/log-line.ts';
import { RUN, runOf, START } from './fake-control.ts';
import { problemIn, setup } from './setup.ts';
import { Frames } from './stream.ts';

const PATH = `/v1/runs/${RUN}/log`;

function lineOf(seq: number, own: Partial<LogLine> = {}): LogLine {
  return { seq, at: START + seq, attempt: 1, level: 'info', source: 'stdout', text: `line ${seq}`, ...own };
}

describe('the log of a run', () => {
  test('is a list of lines', async () => {
    const api = setup();
    api.control.runList = [runOf()];
    api.control.lines = [lineOf(1), lineOf(2, { level: 'error', source: 'task', fields: '{"rows":3}' }), lineOf(9)];
    const response = await api.get(`${PATH}?after=1&limit=1`);
    expect(await response.json()).toEqual({
      lines: [
        {
          seq: 2,
          at: '2026-01-01T00:00:00.002Z',
          attempt: 1,
          level: 'error',
          source: 'task',
          text: 'line 2',
          fields: { rows: 3 },
        },
      ],
    });
  });

  test('of an unknown run is 404, followed or not', async () => {
    for (const path of [PATH, `${PATH}?follow=true`]) {
      const response = await setup().get(path);
      expect(response.status).toBe(404);
      expect(await problemIn(response)).toMatchObject({ code: 'RUN_NOT_FOUND' });
    }
  });

  test.each(['after=-1', 'after=x', 'limit=0', 'limit=10001', 'follow=yes', 'follow', 'nope=1'])('refuses %s', async (query) => {
    const api = setup();
    api.control.runList = [runOf()];
    expect((await api.get(`${PATH}?${query}`)).status).toBe(400);
  });
});

describe('a log that is followed', () => {
  test('ends with the run, after its last line', async () => {
    const api = setup();
    api.control.runList = [runOf({ state: 'running' })];
    api.control.lines = [lineOf(1), lineOf(2)];
    const frames = new Frames(await api.get(`${PATH}?follow=true&after=1`));
    await frames.next();
    expect(await frames.next()).toBe(`id: 2\nevent: line\ndata: ${JSON.stringify(plain(2))}`);
    api.control.lines.push(lineOf(3));
    expect(await api.clock.waitFor(frames.next())).toContain('id: 3');
    api.control.lines.push(lineOf(4), lineOf(5));
    api.control.end(RUN, 'failed');
    const rest = await api.clock.waitFor(frames.rest());
    expect(rest.map((frame) => frame.split('\n')[0])).toEqual(['id: 4', 'id: 5', 'event: end']);
    expect(rest.at(-1)).toContain('{"state":"failed"}');
    expect(api.clock.timers).toBe(0);
  });

  test('goes on after the line that a browser names', async () => {
    const api = setup();
    api.control.runList = [runOf()];
    api.control.lines = [lineOf(1), lineOf(2), lineOf(3)];
    const response = await api.get(`${PATH}?follow=true&after=0`, { headers: { 'last-event-id': '2' } });
    const ids = (await new Frames(response).rest()).map((frame) => frame.split('\n')[0]);
    expect(ids).toEqual([': log', 'id: 3', 'event: end']);
  });

  test('comes whole, however long it is', async () => {
    const api = setup();
    api.control.runList = [runOf()];
    api.control.lines = Array.from({ length: 2_500 }, (_, index) => lineOf(index + 1));
    const frames = await new Frames(await api.get(`${PATH}?follow=true`)).rest();
    expect(frames).toHaveLength(2_502);
    expect(frames.at(-2)).toContain('id: 2500');
  });

  test('gives signs of life while the run is silent', async () => {
    const api = setup();
    api.control.runList = [runOf({ state: 'running' })];
    const frames = new Frames(await api.get(`${PATH}?follow=true`));
    await frames.next();
    const begun = api.clock.monotonic();
    expect(await api.clock.waitFor(frames.next())).toBe(': ');
    expect(api.clock.monotonic() - begun).toBe(14_500);
    await frames.cancel();
  });

  test('leaves nothing behind when its reader goes, and makes room for another', async () => {
    const api = setup({ mostStreams: 1 });
    api.control.runList = [runOf({ state: 'running' })];
    const frames = new Frames(await api.get(`${PATH}?follow=true`));
    await frames.next();
    expect((await api.get(`${PATH}?follow=true`)).status).toBe(503);
    const reading = frames.next();
    while (api.control.waiters.size === 0) await new Promise((resolve) => setImmediate(resolve));
    await frames.cancel();
    expect(await reading).toBeUndefined();
    expect(api.clock.timers).toBe(0);
    expect(api.control.waiters.size).toBe(0);
    expect((await api.get(`${PATH}?follow=true`)).status).toBe(200);
  });

  test('makes room for another when it has come to its end', async () => {
    const api = setup({ mostStreams: 1 });
    api.control.runList = [runOf()];
    for (let time = 0; time < 3; time++) {
      const response = await api.get(`${PATH}?follow=true`);
      expect(response.status).toBe(200);
      expect(await new Frames(response).rest()).toHaveLength(2);
    }
  });

  test('closes without an end when the ledger cannot be read', async () => {
    const faults: string[] = [];
    const api = setup({ mostStreams: 1, onFault: (error) => void faults.push(String(error)) });
    api.control.runList = [runOf({ state: 'running' })];
    api.control.lines = [lineOf(1)];
    const frames = new Frames(await api.get(`${PATH}?follow=true`));
    expect([await frames.next(), await frames.next()]).toEqual([': log', expect.stringContaining('id: 1')]);
    api.control.run = () => Promise.reject(new TickwiseError('STORE_UNUSABLE', 'the disk is gone'));
    expect(await api.clock.waitFor(frames.rest())).toEqual([]);
    expect(faults).toEqual(['TickwiseError: the disk is gone']);
  });

  test('has a head that opens nothing', async () => {
    const api = setup();
    api.control.runList = [runOf({ state: 'running' })];
    const response = await api.get(`${PATH}?follow=true`, { method: 'HEAD' });
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(api.clock.timers).toBe(0);
  });
});

function plain(seq: number): object {
  const { attempt, level, source, text } = lineOf(seq);
  return { seq, at: new Date(START + seq).toISOString(), attempt, level, source, text };
}
