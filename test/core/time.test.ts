import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatDuration, parseDuration } from '../../src/core/time.ts';

describe('a duration', () => {
  test.each([
    ['250ms', 250],
    ['30s', 30_000],
    ['5m', 300_000],
    ['2h', 7_200_000],
    ['1d', 86_400_000],
    ['1h30m', 5_400_000],
    ['1d2h3m4s5ms', 93_784_005],
    ['0s', 0],
    ['90s', 90_000],
  ])('%s is %d ms', (text, expected) => {
    expect(parseDuration(text)).toBe(expected);
  });

  test.each([
    '',
    '5',
    '5 m',
    '1.5h',
    '-1s',
    '5M',
    'm',
    '30m1h',
    '1s1s',
    '5min',
    ' 5s',
    '5s ',
    '1e3ms',
    '٣s',
    '36526d',
    '99999999999999999999ms',
  ])('is not "%s"', (text) => {
    expect(() => parseDuration(text)).toThrow(expect.objectContaining({ code: 'DURATION_INVALID' }));
  });

  test('is the same after it was written and read', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 100 * 365 * 86_400_000 }), (duration) => {
        expect(parseDuration(formatDuration(duration))).toBe(duration);
      }),
      { numRuns: 1_000 },
    );
  });

  test('is written in its largest units, fractions rounded', () => {
    expect([0, 0.4, 999.6, 5_400_000, -1_500].map(formatDuration)).toEqual(['0ms', '0ms', '1s', '1h30m', '-1s500ms']);
  });
});
