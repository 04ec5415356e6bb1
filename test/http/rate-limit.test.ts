import { expect, test } from 'vitest';
import { RateLimit } from '../../src/http/rate-limit.ts';
import { createVirtualClock } from '../../src/testing/virtual-clock.ts';

test('lets a burst through, and then no more than its rate', async () => {
  const clock = createVirtualClock();
  const limit = new RateLimit(clock, { perSecond: 2, burst: 3 });
  expect([1, 2, 3, 4].map(() => limit.take('one'))).toEqual([0, 0, 0, 500]);
  await clock.advance(500);
  expect([limit.take('one'), limit.take('one')]).toEqual([0, 500]);
});

test('counts each key by itself', () => {
  const limit = new RateLimit(createVirtualClock(), { perSecond: 1, burst: 1 });
  expect(limit.take('one')).toBe(0);
  expect(limit.take('two')).toBe(0);
  expect(limit.take('one')).toBe(1_000);
});

test('never holds more than a burst', async () => {
  const clock = createVirtualClock();
  const limit = new RateLimit(clock, { perSecond: 1_000, burst: 2 });
  await clock.advance(60_000);
  expect([1, 2, 3].map(() => limit.take('one'))).toEqual([0, 0, 1]);
});

test('forgets only those who have behaved, in bounded memory', async () => {
  const clock = createVirtualClock();
  const limit = new RateLimit(clock, { perSecond: 1, burst: 1 }, 100);
  limit.take('guesser');
  for (let index = 0; index < 1_000; index++) limit.take(`address-${index}`);
  expect(limit.size).toBe(100);
  expect(limit.take('guesser')).toBeGreaterThan(0);
  await clock.advance(1_000);
  expect(limit.take('newcomer')).toBe(0);
  expect(limit.size).toBe(100);
});

test('lets newcomers share one bucket when there is no room', () => {
  const limit = new RateLimit(createVirtualClock(), { perSecond: 1, burst: 1 }, 1);
  limit.take('one');
  expect(limit.take('two')).toBe(0);
  expect(limit.take('three')).toBe(1_000);
});
