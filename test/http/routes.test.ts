import { describe, expect, test } from 'vitest';
import { RUN, runOf } from './fake-control.ts';
import { problemIn, setup } from './setup.ts';

describe('every path', () => {
  test.each(['/nope', '/index.html', '/v1', '/v1/', '/v1/jobs/', '/v1/jobs/report/nope', '/v2/jobs', '/metrics/'])(
    'that is not known is 404: %s',
    async (path) => {
      const response = await setup().get(path);
      expect(response.status).toBe(404);
      expect(await problemIn(response)).toMatchObject({ code: 'NO_SUCH_PATH' });
    },
  );

  test.each([
    ['/v1/jobs', 'GET, HEAD'],
    ['/v1/jobs/report/runs', 'POST'],
    ['/v1/jobs/report/pause', 'POST'],
    [`/v1/runs/${RUN}`, 'GET, HEAD'],
    [`/v1/runs/${RUN}/cancel`, 'POST'],
    ['/v1/events', 'GET, HEAD'],
    ['/metrics', 'GET, HEAD'],
  ])('has methods of its own: %s takes %s', async (path, allow) => {
    const api = setup();
    for (const method of ['DELETE', 'PUT', 'PATCH', 'OPTIONS', 'PROPFIND', allow === 'POST' ? 'GET' : 'POST']) {
      const response = await api.get(path, { method });
      expect(response.status).toBe(405);
      expect(response.headers.get('allow')).toBe(allow);
      expect(await problemIn(response)).toMatchObject({ code: 'METHOD_NOT_ALLOWED' });
    }
    expect(api.control.steered).toEqual([]);
  });

  test.each(['/v1/jobs', '/v1/jobs/report', '/v1/runs', `/v1/runs/${RUN}`, '/metrics', '/healthz', '/readyz', '/openapi.json'])(
    'that can be read has a head: %s',
    async (path) => {
      const api = setup();
      api.control.runList = [runOf()];
      const [head, full] = [await api.get(path, { method: 'HEAD' }), await api.get(path)];
      expect(head.status).toBe(200);
      expect(await head.text()).toBe('');
      expect(head.headers.get('content-type')).toBe(full.headers.get('content-type'));
    },
  );

  test.each(['/v1/jobs', '/v1/jobs/report', `/v1/runs/${RUN}`, '/metrics', '/healthz', '/readyz', '/openapi.json'])(
    'refuses a query that it does not know: %s',
    async (path) => {
      const response = await setup().get(`${path}?nope=1`);
      expect(response.status).toBe(400);
      expect(await problemIn(response)).toMatchObject({ errors: [{ in: 'query', path: 'nope', message: 'not known here' }] });
    },
  );
});

describe('a fault of the daemon', () => {
  test('is told to its own log, and not to the caller', async () => {
    const faults: string[] = [];
    const api = setup({ onFault: (error, request) => void faults.push(`${request}: ${String(error)}`) });
    api.control.jobs = () => Promise.reject(new Error('hunter2 at /srv/secret'));
    const response = await api.get('/v1/jobs');
    expect(response.status).toBe(500);
    expect(JSON.stringify(await problemIn(response))).not.toMatch(/hunter2|srv/);
    expect(faults).toEqual(['GET /v1/jobs: Error: hunter2 at /srv/secret']);
  });
});

describe('machines', () => {
  test('read metrics as they come', async () => {
    const response = await setup().get('/metrics');
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(await response.text()).toBe('tickwise_runs_live 0\n');
  });

  test('learn whether the loop moves', async () => {
    const api = setup();
    expect(await (await api.get('/healthz')).json()).toEqual({ status: 'alive', loopMovedMsAgo: 12 });
    api.control.wellness = { loopMovedMsAgo: 61_000, alive: false, ready: false, faults: ['the loop stands still'] };
    const response = await api.get('/healthz');
    expect(response.status).toBe(503);
    expect(await problemIn(response)).toMatchObject({ code: 'NOT_ALIVE', loopMovedMsAgo: 61_000 });
  });

  test('learn whether work is taken, and what is amiss', async () => {
    const api = setup();
    expect(await (await api.get('/readyz')).json()).toEqual({ status: 'ready' });
    api.control.wellness = { loopMovedMsAgo: 1, alive: true, ready: false, faults: ['the store is full'] };
    const response = await api.get('/readyz');
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('5');
    expect(await problemIn(response)).toMatchObject({ code: 'NOT_READY', faults: ['the store is full'] });
  });

  test('learn without a token whether, and not why', async () => {
    const api = setup({ scopes: [] });
    expect((await api.get('/healthz')).status).toBe(200);
    expect((await api.get('/openapi.json')).status).toBe(200);
    expect((await api.get('/metrics')).status).toBe(401);
    api.control.wellness = { loopMovedMsAgo: 1, alive: true, ready: false, faults: ['/srv/store.db is full'] };
    expect(await problemIn(await api.get('/readyz'))).not.toHaveProperty('faults');
  });
});
