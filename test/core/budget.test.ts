import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { boundsOf } from '../../src/core/budget.ts';

describe('the bounds of a run', () => {
  test.each([
    ['a job each minute', 60_000, { budgetMs: 54_000, graceMs: 5_000 }],
    ['a job each second', 1_000, { budgetMs: 800, graceMs: 100 }],
    ['a job each hour', 3_600_000, { budgetMs: 3_594_000, graceMs: 5_000 }],
    ['a job without a schedule', undefined, { budgetMs: 3_600_000, graceMs: 5_000 }],
  ])('of %s', (_, gapMs, bounds) => {
    expect(boundsOf({}, gapMs)).toEqual(bounds);
  });

  test('end before the next tick, whatever the gap from 10 ms', () => {
    fc.assert(
      fc.property(fc.integer({ min: 10, max: 10 * 366 * 86_400_000 }), (gapMs) => {
        const { budgetMs, graceMs } = boundsOf({}, gapMs);
        expect(budgetMs).toBeGreaterThan(0);
        expect(graceMs).toBeGreaterThan(0);
        expect(budgetMs + graceMs).toBeLessThan(gapMs);
      }),
    );
  });

  test('are positive even where the gap leaves no room', () => {
    for (const gapMs of [1, 2, 5, 9]) expect(boundsOf({}, gapMs).budgetMs).toBeGreaterThan(0);
  });

  test('are what the job says, where it says so', () => {
    expect(boundsOf({ budgetMs: 7, graceMs: 9 }, 60_000)).toEqual({ budgetMs: 7, graceMs: 9 });
    expect(boundsOf({ budgetMs: 7, graceMs: 9 }, undefined)).toEqual({ budgetMs: 7, graceMs: 9 });
  });

  test('leave room before the next tick for a grace that the job sets', () => {
    fc.assert(
      fc.property(fc.integer({ min: 100, max: 86_400_000 }), fc.double({ min: 0, max: 0.8, noNaN: true }), (gapMs, share) => {
        const graceMs = Math.floor(gapMs * share);
        expect(boundsOf({ graceMs }, gapMs).budgetMs + graceMs).toBeLessThan(gapMs);
      }),
    );
  });
});
