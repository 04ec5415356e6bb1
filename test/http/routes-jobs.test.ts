import { describe, expect, test } from 'vitest';
import type { Task } from '../../src/core/job.ts';
import { jobOf, RUN, runOf, START } from './fake-control.ts';
import { problemIn, setup } from './setup.ts';

describe('jobs', () => {
  test('are listed as they stand', async () => {
    const api = setup();
    api.control.addJob(jobOf('walk', { task: { kind: 'shell', shell: 'walk' } }), {
      state: 'running',
      liveRun: runOf({ job: 'walk', state: 'running' }),
      lastRun: runOf({ job: 'walk', result: '1' }),
      queuedRuns: [RUN],
      nextTick: START,
    });
    const response = await api.get('/v1/jobs');
    expect(response.status).toBe(200);
    const { jobs } = (await response.json()) as { jobs: Record<string, unknown>[] };
    expect(jobs).toHaveLength(2);
    expect(jobs[1]).toMatchObject({
      name: 'walk',
      state: 'running',
      paused: false,
      schedules: [{ kind: 'cron', text: '* * * * *', timezone: 'UTC' }],
      task: { kind: 'shell' },
      budgetMs: 54_000,
      graceMs: 5_000,
      nextTick: '2026-01-01T00:00:00.000Z',
      queuedRuns: [RUN],
      liveRun: { id: RUN, state: 'running' },
      lastRun: { id: RUN, outcome: 'succeeded' },
    });
    expect(jobs[1]?.['lastRun']).not.toHaveProperty('result');
  });

  test('one is told of in detail, with why and the next ticks', async () => {
    const response = await setup().get('/v1/jobs/report');
    expect(response.status).toBe(200);
    const detail = (await response.json()) as { nextTicks: string[] };
    expect(detail).toMatchObject({ job: { name: 'report' }, why: ['it waits for its next tick'] });
    expect(detail.nextTicks).toHaveLength(10);
    expect(detail.nextTicks[1]).toBe('2026-01-01T00:01:00.000Z');
  });

  test.each<[Task, object]>([
    [
      { kind: 'command', command: ['/bin/tool', '--key=hunter2'], env: { KEY: 'hunter2' } },
      { kind: 'command', program: '/bin/tool' },
    ],
    [{ kind: 'shell', shell: 'tool hunter2', cwd: '/hunter2' }, { kind: 'shell' }],
    [
      { kind: 'module', module: '/jobs/a.ts', export: 'default', input: 'hunter2' },
      { kind: 'module', module: '/jobs/a.ts' },
    ],
    [
      {
        kind: 'http',
        url: 'https://ops:hunter2@example.org:8443/hunter2?k=hunter2',
        method: 'POST',
        headers: { k: 'hunter2' },
        body: 'hunter2',
      },
      { kind: 'http', host: 'example.org:8443' },
    ],
    [{ kind: 'function', target: () => 'hunter2', input: 'hunter2' }, { kind: 'function' }],
  ])('of a task no more is told than what it is: %j', async (task, told) => {
    const api = setup();
    const secret = { on: ['failed'], webhook: 'https://hunter2', secret: 'hunter2' } as const;
    api.control.addJob(jobOf('report', { task, ping: 'https://ping/hunter2', notify: [secret] }));
    for (const path of ['/v1/jobs', '/v1/jobs/report']) expect(await (await api.get(path)).text()).not.toContain('hunter2');
    expect(await (await api.post('/v1/jobs/report/pause')).json()).toMatchObject({ task: told });
  });

  test('are paused and resumed by name', async () => {
    const api = setup();
    const paused = await api.post('/v1/jobs/report/pause');
    expect(paused.status).toBe(200);
    expect(await paused.json()).toMatchObject({ name: 'report', state: 'paused', paused: true });
    expect(await (await api.post('/v1/jobs/report/resume')).json()).toMatchObject({ state: 'idle', paused: false });
    expect(api.control.steered).toEqual(['pause report by ops', 'resume report by ops']);
  });

  test.each(['', '/ticks'])('that nobody knows are 404: /v1/jobs/nobody%s', async (rest) => {
    const response = await setup().get(`/v1/jobs/nobody${rest}`);
    expect(response.status).toBe(404);
    expect(await problemIn(response)).toMatchObject({ code: 'JOB_NOT_FOUND' });
  });
});

test('ticks are listed newest first, between two instants', async () => {
  const api = setup();
  const tick = { job: 'report', decidedAt: START + 9, outcome: 'skipped', reason: 'overlap', runId: RUN } as const;
  api.control.tickList = [3, 2, 1].map((at) => ({ ...tick, tick: START + at }));
  const response = await api.get('/v1/jobs/report/ticks?from=2026-01-01T00:00:00.001Z&to=2026-01-01T00:00:00.003Z&limit=1');
  expect(await response.json()).toEqual({
    ticks: [
      {
        tick: '2026-01-01T00:00:00.002Z',
        outcome: 'skipped',
        reason: 'overlap',
        runId: RUN,
        decidedAt: '2026-01-01T00:00:00.009Z',
      },
    ],
  });
  expect((await api.get('/v1/jobs/report/ticks?limit=1001')).status).toBe(400);
});
