import { describe, expect, test } from 'vitest';
import type { SubmitResult } from '../../src/core/control.ts';
import { TickwiseError } from '../../src/core/errors.ts';
import { RUN, runOf } from './fake-control.ts';
import { problemIn, setup } from './setup.ts';

const PATH = '/v1/jobs/report/runs';

describe('submitting', () => {
  test('answers 202 with the place and the state of the run', async () => {
    const api = setup();
    const response = await api.post(PATH, { input: { day: 1 }, budget: '30s' });
    expect(response.status).toBe(202);
    expect(response.headers.get('location')).toBe(`/v1/runs/${RUN}`);
    expect(await response.json()).toEqual({ runId: RUN, state: 'running' });
    expect(api.control.submitted).toEqual([{ job: 'report', input: { day: 1 }, budgetMs: 30_000, by: 'ops' }]);
  });

  test('takes an empty body, with and without a type', async () => {
    const api = setup();
    expect((await api.get(PATH, { method: 'POST' })).status).toBe(202);
    expect((await api.post(PATH, '')).status).toBe(202);
    expect((await api.post(PATH, {})).status).toBe(202);
    expect(api.control.submitted.map(({ input }) => input)).toEqual([undefined, undefined, undefined]);
  });

  test('keeps null as an input of its own', async () => {
    const api = setup();
    await api.post(PATH, { input: null });
    expect(api.control.submitted[0]?.input).toBeNull();
  });

  test.each<[SubmitResult, string]>([
    [{ kind: 'queued', runId: RUN }, 'queued'],
    [{ kind: 'folded', runId: RUN }, 'stopping'],
  ])('answers 202 for %j', async (result, state) => {
    const api = setup();
    api.control.runList = [runOf({ state: 'stopping' })];
    api.control.nextResult = result;
    const response = await api.post(PATH);
    expect(response.status).toBe(202);
    expect(await response.json()).toEqual({ runId: RUN, state });
  });

  test.each([
    ['overlap', 409, 'JOB_BUSY'],
    ['exclusive', 409, 'RESOURCE_HELD'],
    ['unmatched', 409, 'NODE_UNMATCHED'],
    ['draining', 503, 'DRAINING'],
  ] as const)('a refusal for %s is %i %s', async (reason, status, code) => {
    const api = setup();
    api.control.nextResult = { kind: 'refused', reason, liveRunId: reason === 'overlap' ? RUN : undefined };
    const response = await api.post(PATH);
    expect(response.status).toBe(status);
    const body = await problemIn(response);
    expect(body).toMatchObject({ code, reason });
    expect(body['liveRunId']).toBe(reason === 'overlap' ? RUN : undefined);
  });

  test.each([
    ['INPUT_INVALID', 422],
    ['DRAINING', 503],
    ['STORE_UNUSABLE', 503],
  ] as const)('an error %s is %i', async (code, status) => {
    const api = setup();
    api.control.nextResult = new TickwiseError(code, 'input.day: must be a number');
    const response = await api.post(PATH);
    expect(response.status).toBe(status);
    expect(await problemIn(response)).toMatchObject({ code, detail: 'input.day: must be a number' });
  });

  test('a job that nobody knows is 404', async () => {
    const response = await setup().post('/v1/jobs/nobody/runs');
    expect(response.status).toBe(404);
    expect(await problemIn(response)).toMatchObject({ code: 'JOB_NOT_FOUND' });
  });
});

describe('an idempotency key', () => {
  test('is handed on, and a repeat says that it is one', async () => {
    const api = setup();
    api.control.runList = [runOf()];
    const first = await api.post(PATH, {}, { 'Idempotency-Key': 'order-17' });
    expect(first.headers.get('idempotency-replayed')).toBeNull();
    api.control.nextResult = { kind: 'repeated', runId: RUN };
    const second = await api.post(PATH, {}, { 'Idempotency-Key': 'order-17' });
    expect(second.status).toBe(202);
    expect(second.headers.get('idempotency-replayed')).toBe('true');
    expect(second.headers.get('location')).toBe(`/v1/runs/${RUN}`);
    expect(await second.json()).toEqual({ runId: RUN, state: 'succeeded' });
    expect(api.control.submitted.map((each) => each.idempotencyKey)).toEqual(['order-17', 'order-17']);
  });

  test('of another request is 422', async () => {
    const api = setup();
    api.control.nextResult = { kind: 'keyReused', runId: RUN };
    const response = await api.post(PATH, {}, { 'Idempotency-Key': 'order-17' });
    expect(response.status).toBe(422);
    expect(await problemIn(response)).toMatchObject({ code: 'KEY_REUSED', runId: RUN });
  });

  test.each([['two words'], [''], ['x'.repeat(256)], ['café']])('%j is refused', async (key) => {
    const api = setup();
    const response = await api.post(PATH, {}, { 'Idempotency-Key': key });
    expect(response.status).toBe(400);
    expect(await problemIn(response)).toMatchObject({ errors: [{ in: 'header', path: 'idempotency-key' }] });
    expect(api.control.submitted).toEqual([]);
  });

  test('of 255 visible characters is taken', async () => {
    const api = setup();
    expect((await api.post(PATH, {}, { 'Idempotency-Key': '~'.repeat(255) })).status).toBe(202);
  });
});

describe('a submission is refused', () => {
  test.each<[unknown, string]>([
    [{ command: ['rm'] }, 'command'],
    [{ input: 1, env: {}, module: 'x' }, 'env'],
    [{ budget: 30 }, 'budget'],
    [{ budget: '30' }, 'budget'],
    [{ budget: '0s' }, 'budget'],
    [{ budget: '367d' }, 'budget'],
    [{ budget: '99999999999999d' }, 'budget'],
    [[], ''],
    ['null', ''],
    ['7', ''],
  ])('%j, naming %j', async (body, path) => {
    const api = setup();
    const response = await api.post(PATH, body);
    expect(response.status).toBe(400);
    const { code, errors } = await problemIn(response);
    expect(code).toBe('REQUEST_INVALID');
    expect(errors).toContainEqual(expect.objectContaining({ in: 'body', path }));
    expect(api.control.submitted).toEqual([]);
  });

  test.each(['{', '{"input":}', '\u0000', '{"input":1}{}'])('%j, which is no JSON', async (body) => {
    const response = await setup().post(PATH, body);
    expect(response.status).toBe(400);
    expect(await problemIn(response)).toMatchObject({ code: 'REQUEST_INVALID', detail: 'the body is not JSON' });
  });

  test.each(['..%2F..%2Fetc', 'Report', '%00', 'a'.repeat(64), '-report', '%zz', 'report%0a'])('for the job %s', async (job) => {
    const api = setup();
    const response = await api.post(`/v1/jobs/${job}/runs`);
    expect(response.status).toBe(400);
    expect(await problemIn(response)).toMatchObject({ errors: [{ in: 'param', path: 'job' }] });
    expect(api.control.submitted).toEqual([]);
  });

  test('by a caller who may only read', async () => {
    const api = setup({ scopes: ['read'] });
    expect((await api.post(PATH)).status).toBe(403);
    expect((await api.post('/v1/jobs/report/pause')).status).toBe(403);
    expect((await api.post(`/v1/runs/${RUN}/cancel`)).status).toBe(403);
    expect(api.control.submitted).toEqual([]);
    expect(api.control.steered).toEqual([]);
  });
});

describe('cancelling', () => {
  test.each(['queued', 'running', 'stopping', 'blocked'] as const)('a run that is %s is 202', async (state) => {
    const api = setup();
    api.control.runList = [runOf({ state })];
    const response = await api.post(`/v1/runs/${RUN}/cancel`);
    expect(response.status).toBe(202);
    expect(await response.json()).toEqual({ runId: RUN, state });
    expect(api.control.steered).toEqual([`cancel ${RUN} by ops`]);
  });

  test.each(['succeeded', 'lost'] as const)('a run that has ended as %s is 409', async (state) => {
    const api = setup();
    api.control.runList = [runOf({ state })];
    const response = await api.post(`/v1/runs/${RUN}/cancel`);
    expect(response.status).toBe(409);
    expect(await problemIn(response)).toMatchObject({ code: 'RUN_ENDED', state });
  });

  test('an unknown run is 404', async () => {
    const response = await setup().post(`/v1/runs/${RUN}/cancel`);
    expect(response.status).toBe(404);
    expect(await problemIn(response)).toMatchObject({ code: 'RUN_NOT_FOUND' });
  });

  test('a job asks all its runs', async () => {
    const api = setup();
    const response = await api.post('/v1/jobs/report/cancel');
    expect(response.status).toBe(202);
    expect(await response.json()).toEqual({ runIds: [RUN] });
    expect((await api.post('/v1/jobs/nobody/cancel')).status).toBe(404);
  });
});
