import fc from 'fast-check';
import { expect, test } from 'vitest';
import { JOB_DEFAULTS, type Job, type NotifyRule } from '../../src/core/job.ts';
import { type Happening, NOTIFY_EVENTS } from '../../src/core/message.ts';
import { makePlanMessages, planAlarm, planMessages, targetOf } from '../../src/core/plan-messages.ts';
import { RUN_OUTCOMES, type RunOutcome } from '../../src/core/run.ts';
import type { EndWrite } from '../../src/core/store.ts';

const START = 1_767_225_600_000;
const HOOK: NotifyRule = {
  on: [...NOTIFY_EVENTS],
  webhook: 'https://example.com/hook/s3cret-path',
  secret: 'a-secret-of-a-rule',
};

function jobOf(...notify: NotifyRule[]): Job {
  return {
    ...JOB_DEFAULTS,
    name: 'report',
    task: { kind: 'command', command: ['/bin/report'], input: { token: 'in-put' } },
    notify,
  };
}

function ended(outcome: RunOutcome, own: { previous?: RunOutcome; end?: Partial<EndWrite> } = {}): Happening {
  const end: EndWrite = {
    job: 'report',
    runId: 'run-1',
    tick: START,
    fence: 3,
    outcome,
    startedAt: START + 5,
    endedAt: START + 1_250,
    steps: 2,
    attempts: 1,
    ...own.end,
  };
  return { kind: 'ended', end, previous: own.previous };
}

function told(happening: Happening, job = jobOf(HOOK)): unknown[] {
  return planMessages(happening, job).map(({ body }) => JSON.parse(body) as unknown);
}

test.each(['failed', 'killed', 'timedOut', 'lost'] as const)('a run that ends %s is told by its outcome', (outcome) => {
  expect(planMessages(ended(outcome), jobOf(HOOK))).toMatchObject([{ job: 'report', event: outcome, target: targetOf(HOOK) }]);
});

test.each(['succeeded', 'unfinished', 'cancelled'] as const)(
  'a run that ends %s after a good one is not worth a message',
  (outcome) => {
    expect(told(ended(outcome, { previous: 'succeeded' }))).toEqual([]);
    expect(told(ended(outcome))).toEqual([]);
  },
);

test.each(['succeeded', 'unfinished'] as const)('a run that ends %s after a bad one is told as a recovery from it', (outcome) => {
  for (const previous of ['failed', 'killed', 'timedOut', 'lost'] as const) {
    expect(told(ended(outcome, { previous }))).toMatchObject([{ event: 'recovered', outcome, recoveredFrom: previous }]);
  }
});

test('a recovery is told once, whatever the runs are', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...RUN_OUTCOMES), { maxLength: 30 }), (outcomes) => {
      const events = outcomes.flatMap((outcome, index) => told(ended(outcome, { previous: outcomes[index - 1] as RunOutcome })));
      const names = events.map((event) => (event as { event: string }).event);
      for (const [index, name] of names.entries()) if (name === 'recovered') expect(names[index - 1]).not.toBe('recovered');
    }),
  );
});

test('the body says which run, when, and what went wrong', () => {
  const error = { name: 'Error', message: 'no disk', code: 'STEP_FAILED', stack: 'Error: no disk\n at /a/b.ts' };
  expect(told(ended('failed', { end: { error, reason: 'budget', progress: { completed: 3, total: 9 } } }))).toEqual([
    {
      version: 1,
      event: 'failed',
      job: 'report',
      runId: 'run-1',
      tick: '2026-01-01T00:00:00.000Z',
      outcome: 'failed',
      reason: 'budget',
      error: { name: 'Error', message: 'no disk' },
      startedAt: '2026-01-01T00:00:00.005Z',
      endedAt: '2026-01-01T00:00:01.250Z',
      steps: 2,
      attempts: 1,
      progress: { completed: 3, total: 9 },
      at: '2026-01-01T00:00:01.250Z',
    },
  ]);
});

test('no draft holds an address, a signing secret, an input, a checkpoint or a result', () => {
  const end = { checkpoint: '"check-point"', result: '"re-sult"' };
  const drafts = JSON.stringify(
    planMessages(ended('failed', { end }), jobOf(HOOK, { on: ['failed'], command: ['/bin/tell', 'arg-u-ment'] })),
  );
  for (const secret of ['s3cret-path', 'a-secret', 'in-put', 'check-point', 're-sult', 'arg-u-ment'])
    expect(drafts).not.toContain(secret);
});

test('missed ticks are told together', () => {
  const happening: Happening = {
    kind: 'missed',
    job: 'report',
    reason: 'down',
    from: START,
    to: START + 60_000,
    count: undefined,
    at: START + 90_000,
  };
  expect(told(happening)).toEqual([
    {
      version: 1,
      event: 'missed',
      job: 'report',
      reason: 'down',
      from: '2026-01-01T00:00:00.000Z',
      to: '2026-01-01T00:01:00.000Z',
      at: '2026-01-01T00:01:30.000Z',
    },
  ]);
});

test('each rule that asks for the event has a message, and no other rule', () => {
  const other: NotifyRule = { on: ['killed', 'failed'], command: ['/bin/tell'] };
  const drafts = planMessages(ended('failed'), jobOf(HOOK, other, { on: ['lost'], webhook: 'https://example.com/lost' }));
  expect(drafts.map(({ target }) => target)).toEqual([targetOf(HOOK), targetOf(other)]);
});

test('a receiver that two rules name is told once', () => {
  expect(planMessages(ended('failed'), jobOf(HOOK, { ...HOOK, on: ['failed'], secret: 'another-secret-here' }))).toHaveLength(1);
});

test('the planner of a store knows the jobs as they are now, and cleans what it writes', () => {
  const jobs = new Map([['report', jobOf(HOOK)]]);
  const plan = makePlanMessages(
    (name) => jobs.get(name),
    (body) => body.replaceAll('hunter2', '[redacted]'),
  );
  const error = { name: 'Error', message: 'wrong password hunter2' };
  expect(plan(ended('failed', { end: { error } }))[0]?.body).toContain('wrong password [redacted]');
  jobs.delete('report');
  expect(plan(ended('failed'))).toEqual([]);
});

test('an alarm that is no end is told to whom it may concern', () => {
  const bodies = [
    planAlarm({ event: 'blocked', runId: 'run-1', tick: START, what: 'pid 7' }, jobOf(HOOK), START),
    planAlarm({ event: 'overdue', lastGoodEnd: undefined, dueBy: START }, jobOf(HOOK), START),
    planAlarm({ event: 'recovered', recoveredFrom: 'overdue' }, jobOf(HOOK), START),
  ].map(([draft]) => JSON.parse(draft?.body ?? '') as unknown);
  const at = '2026-01-01T00:00:00.000Z';
  expect(bodies).toEqual([
    { version: 1, event: 'blocked', job: 'report', runId: 'run-1', tick: at, what: 'pid 7', at },
    { version: 1, event: 'overdue', job: 'report', dueBy: at, at },
    { version: 1, event: 'recovered', job: 'report', recoveredFrom: 'overdue', at },
  ]);
  expect(planAlarm({ event: 'overdue', lastGoodEnd: START, dueBy: START }, jobOf({ ...HOOK, on: ['failed'] }), START)).toEqual(
    [],
  );
});

test('instants are written as the platform writes them', () => {
  fc.assert(
    fc.property(fc.integer({ min: Date.UTC(1, 0), max: Date.UTC(9999, 11, 31) }), (at) => {
      const [draft] = planAlarm({ event: 'recovered', recoveredFrom: 'blocked' }, jobOf(HOOK), at);
      expect(JSON.parse(draft?.body ?? '')).toMatchObject({ at: new Date(at).toISOString() });
    }),
  );
});
