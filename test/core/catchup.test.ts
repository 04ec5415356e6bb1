import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { planCatchUp, windowStart } from '../../src/core/catchup.ts';
import { MISSED_POLICIES } from '../../src/core/job.ts';

const NOW = 1_000_000;
const policies = fc.record({
  onMissed: fc.constantFrom(...MISSED_POLICIES),
  missedWindowMs: fc.integer({ min: 0, max: 5_000 }),
  missedLimit: fc.integer({ min: 0, max: 6 }),
});
const missedTicks = fc
  .uniqueArray(fc.integer({ min: NOW - 6_000, max: NOW }), { maxLength: 20 })
  .map((ticks) => ticks.toSorted((one, other) => one - other));

describe('the plan for missed ticks', () => {
  test('holds each of them once, and nothing else', () => {
    fc.assert(
      fc.property(policies, missedTicks, (job, ticks) => {
        const plan = planCatchUp(job, ticks, NOW);
        const all = [...plan.missed.map((one) => one.tick), ...plan.folded, ...plan.run];
        expect(all.toSorted((one, other) => one - other)).toEqual(ticks);
      }),
    );
  });

  test('runs and folds nothing that is older than the window', () => {
    fc.assert(
      fc.property(policies, missedTicks, (job, ticks) => {
        const plan = planCatchUp(job, ticks, NOW);
        const oldest = windowStart(NOW, job.missedWindowMs);
        expect([...plan.run, ...plan.folded].every((tick) => tick >= oldest)).toBe(true);
        expect(plan.missed.filter((one) => one.reason === 'window').map((one) => one.tick)).toEqual(
          ticks.filter((tick) => tick < oldest),
        );
      }),
    );
  });

  test('runs no more than the policy allows, the newest, in their order', () => {
    fc.assert(
      fc.property(policies, missedTicks, (job, ticks) => {
        const { run } = planCatchUp(job, ticks, NOW);
        const inWindow = ticks.filter((tick) => tick >= windowStart(NOW, job.missedWindowMs));
        const most = { skip: 0, latest: 1, all: job.missedLimit }[job.onMissed];
        expect(run).toEqual(inWindow.slice(Math.max(0, inWindow.length - most)));
      }),
    );
  });

  test('folds only into a run', () => {
    fc.assert(
      fc.property(policies, missedTicks, (job, ticks) => {
        const { folded, run } = planCatchUp(job, ticks, NOW);
        expect(folded.length === 0 || run.length === 1).toBe(true);
      }),
    );
  });

  test.each([
    ['skip', { missed: ['1 window', '2 down', '3 down', '4 down'], folded: [], run: [] }],
    ['latest', { missed: ['1 window'], folded: [2, 3], run: [4] }],
    ['all', { missed: ['1 window', '2 limit'], folded: [], run: [3, 4] }],
  ] as const)('of policy %s is %o', (onMissed, expected) => {
    const plan = planCatchUp({ onMissed, missedWindowMs: 8, missedLimit: 2 }, [1, 2, 3, 4], 10);
    expect({ ...plan, missed: plan.missed.map(({ tick, reason }) => `${tick} ${reason}`) }).toEqual(expected);
  });
});
