import { describe, expect, test } from 'vitest';
import { runIdOf } from '../../src/core/tick.ts';
import { type FakeControl, RUN, runOf, START } from './fake-control.ts';
import { problemIn, setup } from './setup.ts';

const MINUTE = 60_000;

describe('a run', () => {
  test('is shown in full when it has ended', async () => {
    const api = setup();
    api.control.runList = [
      runOf({
        state: 'failed',
        by: 'ops',
        reason: 'budget',
        budgetMs: 54_000,
        graceMs: 5_000,
        progress: { completed: 3, total: 9 },
        checkpoint: '{"row":3}',
        result: '[1,null]',
        input: '{"secret":1}',
        error: { name: 'Error', message: 'no rows', code: 'E_ROWS', stack: 'at secret.ts:1' },
      }),
    ];
    const response = await api.get(`/v1/runs/${RUN}`);
    expect(response.status).toBe(200);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(await response.json()).toEqual({
      id: RUN,
      job: 'report',
      tick: '2026-01-01T00:00:00.000Z',
      cause: 'tick',
      state: 'failed',
      outcome: 'failed',
      fence: 7,
      attempts: 1,
      steps: 3,
      progress: { completed: 3, total: 9 },
      checkpoint: { row: 3 },
      result: [1, null],
      error: { name: 'Error', message: 'no rows', code: 'E_ROWS' },
      reason: 'budget',
      by: 'ops',
      queuedAt: '2026-01-01T00:00:00.000Z',
      startedAt: '2026-01-01T00:00:00.005Z',
      endedAt: '2026-01-01T00:00:01.005Z',
      budgetMs: 54_000,
      graceMs: 5_000,
    });
  });

  test('has no outcome while it is live, and a deadline', async () => {
    const api = setup();
    api.control.runList = [runOf({ state: 'blocked', deadline: START + MINUTE, waitingFor: 'process 17 is alive' })];
    const run = (await (await api.get(`/v1/runs/${RUN}`)).json()) as Record<string, unknown>;
    expect(run).toMatchObject({ state: 'blocked', deadline: '2026-01-01T00:01:00.000Z', waitingFor: 'process 17 is alive' });
    expect(run).not.toHaveProperty('outcome');
  });

  test('keeps what its task left as it is, however deep', async () => {
    const api = setup();
    const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;
    api.control.runList = [runOf({ result: deep, checkpoint: '{"a": 1e400, "a": "é"}' })];
    const response = await api.get(`/v1/runs/${RUN}`);
    expect(response.status).toBe(200);
    expect(await response.text()).toMatch(/^\{"id":.*,"checkpoint":\{"a": 1e400, "a": "é"\},"result":\[{200000}\]{200000}\}$/);
  });

  test('that nobody knows is 404, and what is no id is 400', async () => {
    const api = setup();
    expect(await problemIn(await api.get(`/v1/runs/${RUN}`))).toMatchObject({ status: 404, code: 'RUN_NOT_FOUND' });
    for (const id of ['nope', '..%2f..%2fetc', `${RUN}0`, RUN.toUpperCase(), '%', "'%20or%201=1"]) {
      const response = await api.get(`/v1/runs/${id}`);
      expect(response.status).toBe(400);
      expect(await problemIn(response)).toMatchObject({ errors: [{ in: 'param', path: 'id' }] });
    }
  });

  test('shows no secret of the configuration', async () => {
    const api = setup({ redact: (text) => text.replaceAll('hunter2', '[redacted]') });
    api.control.runList = [runOf({ result: '"hunter2"', error: { name: 'Error', message: 'hunter2 is wrong' } })];
    const text = await (await api.get(`/v1/runs/${RUN}`)).text();
    expect(text).not.toContain('hunter2');
    expect(JSON.parse(text)).toMatchObject({ result: '[redacted]' });
  });
});

describe('waiting for the end', () => {
  test('answers when the run has ended', async () => {
    const api = setup();
    api.control.runList = [runOf({ state: 'running' })];
    const answer = api.get(`/v1/runs/${RUN}?wait=5m`);
    await waiting(api.control);
    api.control.end(RUN, 'succeeded');
    expect(await (await answer).json()).toMatchObject({ state: 'succeeded', outcome: 'succeeded' });
    expect(api.clock.timers).toBe(0);
  });

  test('answers with the live run when the time is over', async () => {
    const api = setup();
    api.control.runList = [runOf({ state: 'running' })];
    const begun = api.clock.monotonic();
    const response = await api.clock.waitFor(api.get(`/v1/runs/${RUN}?wait=1m30s`));
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ state: 'running' });
    expect(api.clock.monotonic() - begun).toBe(90_000);
    expect(api.control.waiters.size).toBe(0);
  });

  test('leaves nothing behind when the caller goes away', async () => {
    const api = setup();
    api.control.runList = [runOf({ state: 'running' })];
    const caller = new AbortController();
    const answer = api.get(`/v1/runs/${RUN}?wait=5m`, { signal: caller.signal });
    await waiting(api.control);
    caller.abort();
    await answer;
    expect(api.control.waiters.size).toBe(0);
    expect(api.clock.timers).toBe(0);
  });

  test('is not for a head', async () => {
    const api = setup();
    api.control.runList = [runOf({ state: 'running' })];
    expect((await api.get(`/v1/runs/${RUN}?wait=5m`, { method: 'HEAD' })).status).toBe(200);
    expect(api.clock.timers).toBe(0);
  });

  test('does not wait for a run that has ended', async () => {
    const api = setup();
    api.control.runList = [runOf()];
    expect(await (await api.get(`/v1/runs/${RUN}?wait=5m`)).json()).toMatchObject({ outcome: 'succeeded' });
  });

  test.each(['5m1ms', '6m', '30', '-1s', '', 'PT30S', '999999999999d', '1s1m'])('a wait of %j is refused', async (wait) => {
    const api = setup();
    api.control.runList = [runOf({ state: 'running' })];
    const response = await api.get(`/v1/runs/${RUN}?wait=${wait}`);
    expect(response.status).toBe(400);
    expect(await problemIn(response)).toMatchObject({ errors: [{ in: 'query', path: 'wait' }] });
  });
});

describe('the ledger', () => {
  test('comes in pages that neither skip nor repeat a run, while new ones come in', async () => {
    const api = setup();
    api.control.runList = history(25);
    const seen: string[] = [];
    let cursor: string | undefined;
    let pages = 0;
    do {
      const page = await pageOf(api, `/v1/runs?limit=10${cursor === undefined ? '' : `&cursor=${cursor}`}`);
      seen.push(...page.runs.map((run) => run.id));
      cursor = page.cursor;
      pages++;
      api.control.runList.unshift(runOf({ id: runIdOf('later', START + pages) }));
    } while (cursor !== undefined);
    expect(seen).toEqual(history(25).map((run) => run.id));
    expect(pages).toBe(3);
  });

  test('has no cursor when the last page is full', async () => {
    const api = setup();
    api.control.runList = history(10);
    expect((await pageOf(api, '/v1/runs?limit=10')).cursor).toBeUndefined();
  });

  test('leaves checkpoints and results to the single run', async () => {
    const api = setup();
    api.control.runList = [runOf({ checkpoint: '1', result: '2' })];
    const { runs } = await pageOf(api, '/v1/runs');
    expect(runs[0]).not.toHaveProperty('checkpoint');
    expect(runs[0]).not.toHaveProperty('result');
  });

  test('is sifted by job, state, outcome and time', async () => {
    const api = setup();
    api.control.runList = [
      runOf({ id: runIdOf('a', 3), job: 'a', tick: START + 3, state: 'running' }),
      runOf({ id: runIdOf('b', 2), job: 'b', tick: START + 2, state: 'failed' }),
      runOf({ id: runIdOf('b', 1), job: 'b', tick: START + 1, state: 'succeeded' }),
    ];
    const idsOf = async (query: string): Promise<string[]> => (await pageOf(api, `/v1/runs?${query}`)).runs.map((run) => run.id);
    expect(await idsOf('job=a')).toEqual([runIdOf('a', 3)]);
    expect(await idsOf('state=running')).toEqual([runIdOf('a', 3)]);
    expect(await idsOf('outcome=failed')).toEqual([runIdOf('b', 2)]);
    expect(await idsOf('from=2026-01-01T00:00:00.002Z&to=2026-01-01T01:00:00.003%2B01:00')).toEqual([runIdOf('b', 2)]);
  });

  test.each([
    ['limit=0', 'limit'],
    ['limit=501', 'limit'],
    ['limit=1e2', 'limit'],
    ['limit=5&limit=6', 'limit'],
    ['state=done', 'state'],
    ['outcome=running', 'outcome'],
    ['state=failed&outcome=failed', 'outcome'],
    ['from=yesterday', 'from'],
    ['from=2026-01-01T00:00:00', 'from'],
    ['to=2026-02-30T00:00:00Z', 'to'],
    ['job=..', 'job'],
    ['order=asc', 'order'],
    ['__proto__=1', '__proto__'],
  ])('refuses %s', async (query, path) => {
    const response = await setup().get(`/v1/runs?${query}`);
    expect(response.status).toBe(400);
    expect(await problemIn(response)).toMatchObject({ code: 'REQUEST_INVALID', errors: [{ in: 'query', path }] });
  });

  test('refuses a cursor that was changed, made up, or made for another query', async () => {
    const api = setup();
    api.control.runList = history(3);
    const { cursor = '' } = await pageOf(api, '/v1/runs?limit=1');
    const changed = Buffer.from(cursor, 'base64url');
    changed.writeUInt8(changed.readUInt8(20) ^ 1, 20);
    const others = [
      changed.toString('base64url'),
      Buffer.from(RUN).toString('base64url'),
      `${cursor}A`,
      cursor.slice(1),
      '',
      '%00',
    ];
    for (const other of others) {
      const response = await api.get(`/v1/runs?limit=1&cursor=${other}`);
      expect(response.status).toBe(400);
      expect(await problemIn(response)).toMatchObject({ code: 'CURSOR_INVALID' });
    }
    expect((await api.get(`/v1/runs?limit=1&job=report&cursor=${cursor}`)).status).toBe(400);
    expect((await api.get(`/v1/runs?limit=2&cursor=${cursor}`)).status).toBe(200);
  });
});

interface Page {
  readonly runs: readonly { readonly id: string }[];
  readonly cursor?: string;
}

async function pageOf(api: ReturnType<typeof setup>, path: string): Promise<Page> {
  const response = await api.get(path);
  expect(response.status).toBe(200);
  return (await response.json()) as Page;
}

function history(count: number): ReturnType<typeof runOf>[] {
  return Array.from({ length: count }, (_, index) => {
    const tick = START - index * MINUTE;
    return runOf({ id: runIdOf('report', tick), tick });
  });
}

/** Until somebody waits for an end. */
async function waiting(control: FakeControl): Promise<void> {
  while (control.waiters.size === 0) await new Promise((resolve) => setImmediate(resolve));
}
