import fc from 'fast-check';
import { expect, test } from 'vitest';
import { suggest } from '../../src/config/suggest.ts';

const KEYS = ['budget', 'grace', 'schedule', 'onOverlap', 'onMissed', 'task'];

test.each([
  ['budgte', 'budget'],
  ['schedul', 'schedule'],
  ['onoverlap', 'onOverlap'],
  ['on_overlap', 'onOverlap'],
  ['tsk', 'task'],
])('takes %s for %s', (word, meant) => {
  expect(suggest(word, KEYS)).toBe(meant);
});

test.each(['', 'x', 'timeout', 'b'.repeat(65), 'overlapping'])('takes "%s" for nothing', (word) => {
  expect(suggest(word, KEYS)).toBeUndefined();
});

test('finds every word with one letter dropped, if it is no other word', () => {
  fc.assert(
    fc.property(fc.constantFrom(...KEYS), fc.nat(), (key, index) => {
      const at = index % key.length;
      expect(suggest(key.slice(0, at) + key.slice(at + 1), KEYS)).toBe(key);
    }),
  );
});
