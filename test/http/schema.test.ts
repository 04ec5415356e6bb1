import { describe, expect, test } from 'vitest';
import type { RunView } from '../../src/core/control.ts';
import { jobDetailSchema, jobSchema, jobsSchema, ticksSchema } from '../../src/http/schema-job.ts';
import { logSchema, runPageSchema, runRefSchema, runRefsSchema, runSchema } from '../../src/http/schema-run.ts';
import { problemSchema } from '../../src/http/schema.ts';
import { jobOf, RUN, runOf, START } from './fake-control.ts';
import { setup } from './setup.ts';

/** With every field that a run may have. */
const FULL: RunView = runOf({
  state: 'blocked',
  by: 'ops',
  reason: 'budget',
  budgetMs: 1,
  graceMs: 0,
  progress: { completed: 1, total: 2, message: 'half' },
  checkpoint: 'null',
  result: '{"a":[]}',
  input: '1',
  error: { name: 'Error', message: 'm', code: 'C', stack: 's' },
  stalled: true,
  deadline: START,
  waitingFor: 'its end',
  process: { pid: 1, start: 1 },
  node: { id: 'n', host: 'h', bootId: 'b', pid: 1, pidStart: 1, startedAt: START },
});

function furnished(): ReturnType<typeof setup> {
  const api = setup();
  api.control.runList = [FULL, runOf({ id: RUN.replace('0', '1'), state: 'queued' })];
  api.control.lines = [{ seq: 1, at: START, attempt: 1, level: 'warn', source: 'task', text: 't', fields: '{"a":1}' }];
  api.control.tickList = [
    { job: 'report', tick: START, outcome: 'missed', reason: 'down', runId: RUN, decidedAt: START },
    { job: 'report', tick: START, outcome: 'ran', decidedAt: START },
  ];
  const window = { startAt: START, stopAt: START, jitterMs: 5 };
  api.control.addJob(
    jobOf('report', {
      schedules: [
        { kind: 'cron', pattern: '@daily', timezone: 'UTC', ...window },
        { kind: 'every', everyMs: 90_000, ...window },
        { kind: 'at', at: START },
      ],
      description: 'd',
      labels: { a: 'b' },
      stepTimeoutMs: 7,
      exclusive: ['x'],
      inputSchema: { type: 'object' },
      retry: { attempts: 2, delayMs: 1, factor: 1, maxDelayMs: 1, jitter: 0 },
    }),
    { state: 'blocked', nextTick: START, liveRun: FULL, lastRun: runOf(), queuedRuns: [RUN] },
  );
  return api;
}

describe('what is answered is what the document says', () => {
  test.each([
    [`/v1/runs/${RUN}`, runSchema],
    ['/v1/runs?limit=1', runPageSchema],
    ['/v1/runs', runPageSchema],
    [`/v1/runs/${RUN}/log`, logSchema],
    ['/v1/jobs', jobsSchema],
    ['/v1/jobs/report', jobDetailSchema],
    ['/v1/jobs/report/ticks', ticksSchema],
    ['/v1/jobs/nobody', problemSchema],
    ['/v1/jobs/NOBODY?a=b', problemSchema],
  ])('GET %s', async (path, schema) => {
    const body: unknown = await (await furnished().get(path)).json();
    expect(schema.parse(body)).toEqual(body);
  });

  test.each([
    ['/v1/jobs/report/runs', runRefSchema],
    ['/v1/jobs/report/cancel', runRefsSchema],
    [`/v1/runs/${RUN}/cancel`, runRefSchema],
    ['/v1/jobs/report/pause', jobSchema],
    ['/v1/jobs/report/resume', jobSchema],
    ['/v1/jobs/nobody/pause', problemSchema],
  ])('POST %s', async (path, schema) => {
    const body: unknown = await (await furnished().post(path)).json();
    expect(schema.parse(body)).toEqual(body);
  });
});
