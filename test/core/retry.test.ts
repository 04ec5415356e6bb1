import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RetryPolicy } from '../../src/core/job.ts';
import { retryDelay } from '../../src/core/retry.ts';

const POLICY: RetryPolicy = { attempts: 4, delayMs: 100, factor: 2, maxDelayMs: 300, jitter: 0 };

const policy: fc.Arbitrary<RetryPolicy> = fc.record({
  attempts: fc.integer({ min: 1, max: 1_000 }),
  delayMs: fc.integer({ min: 0, max: 60_000 }),
  factor: fc.double({ min: 1, max: 10, noNaN: true }),
  maxDelayMs: fc.integer({ min: 0, max: 3_600_000 }),
  jitter: fc.double({ min: 0, max: 1, noNaN: true }),
});
const share = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe('the delay before another attempt', () => {
  test('grows by the factor up to its limit, and ends with the attempts', () => {
    expect([1, 2, 3, 4, 5].map((attempt) => retryDelay(POLICY, attempt, 1e9, 0))).toEqual([100, 200, 300, undefined, undefined]);
  });

  test('stays at nothing for a policy without delay, however many attempts', () => {
    const rules = { ...POLICY, attempts: 10_000, delayMs: 0 };
    expect([1, 1_024, 1_025, 9_999].map((attempt) => retryDelay(rules, attempt, 1, 0))).toEqual([0, 0, 0, 0]);
  });

  test('is none without a policy', () => {
    expect(retryDelay(undefined, 1, 1e9, 0)).toBeUndefined();
  });

  test('is none where it would spend the budget', () => {
    expect(retryDelay(POLICY, 1, 100, 0)).toBeUndefined();
    expect(retryDelay(POLICY, 1, 101, 0)).toBe(100);
  });

  test('is a whole number between nothing and its limit, within the budget and the share left to chance', () => {
    fc.assert(
      fc.property(
        policy,
        fc.integer({ min: 1, max: 1_000 }),
        fc.integer({ min: 0, max: 7_200_000 }),
        share,
        (rules, attempt, remainingMs, random) => {
          const delay = retryDelay(rules, attempt, remainingMs, random);
          const full = Math.min(rules.maxDelayMs, rules.delayMs === 0 ? 0 : rules.delayMs * rules.factor ** (attempt - 1));
          const legal = attempt < rules.attempts;
          const least = Math.floor(full * (1 - rules.jitter));
          const isGivenUp = delay === undefined && (!legal || full >= remainingMs - 1);
          const isWithin = delay !== undefined && delay >= least && delay <= Math.round(full) && delay < remainingMs;
          expect(isGivenUp || (legal && isWithin && Number.isInteger(delay))).toBe(true);
        },
      ),
      { numRuns: 1_000 },
    );
  });
});
