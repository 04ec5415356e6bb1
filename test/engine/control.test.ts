import { expect, test } from 'vitest';
import { steer } from './control-setup.ts';
import { jobOf, MINUTE, SECOND, START } from './engine.ts';

test('a job that runs is shown with its live run, the ticks to come and the newest run that ended', async () => {
  await using steered = await steer([jobOf('a'), jobOf('b', { schedules: [] })]);
  const { engine, control, settle } = steered;
  await engine.clock.advance(2 * MINUTE + 3 * SECOND);
  const [a, b] = await settle(control.jobs());
  expect(a).toMatchObject({
    state: 'running',
    paused: false,
    budgetMs: 40 * SECOND,
    graceMs: SECOND,
    nextTick: START + 3 * MINUTE,
    queuedRuns: [],
    liveRun: { state: 'running', startedAt: START + 2 * MINUTE, deadline: START + 2 * MINUTE + 40 * SECOND, attempts: 1 },
    lastRun: { state: 'succeeded', endedAt: START + MINUTE + 10 * SECOND },
  });
  expect(b).toEqual({
    job: expect.objectContaining({ name: 'b' }),
    state: 'idle',
    paused: false,
    budgetMs: 40 * SECOND,
    graceMs: SECOND,
    queuedRuns: [],
  });
  expect(await settle(control.job('a'))).toEqual(a);
});
