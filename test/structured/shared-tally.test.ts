import { expect, test } from 'vitest';
import { SharedTally } from '../../src/structured/shared-tally.ts';
import { startThread } from './thread.ts';

test('no update is lost when many threads report at once', async () => {
  const tally = new SharedTally(1_000);
  const order = { kind: 'tally', tally: tally.handle, each: 20_000, fails: 100 } as const;
  await Promise.all([1, 2, 3, 4].map(() => startThread(order).exited));
  const { succeeded, failed, errors, omitted } = tally.read();
  expect([succeeded, failed, errors.length, omitted]).toEqual([4 * 19_900, 400, 400, 0]);
  const messages = new Set(errors.map(({ message }) => message));
  expect(messages).toEqual(new Set(Array.from({ length: 100 }, (_, at) => `failure ${at}`)));
});

test('says how many errors it had no room for', () => {
  const tally = new SharedTally(2);
  for (const message of ['a', 'b', 'c', 'd']) tally.failed(new Error(message));
  expect(tally.read()).toEqual({
    succeeded: 0,
    failed: 4,
    errors: [
      { name: 'Error', message: 'a' },
      { name: 'Error', message: 'b' },
    ],
    omitted: 2,
  });
});

test('cuts a message to what there is room for, whatever it is made of', () => {
  const tally = new SharedTally(3);
  tally.failed(new Error('\u0000'.repeat(5_000)));
  tally.failed(Object.assign(new Error('x'.repeat(5_000)), { name: '\u0001'.repeat(500), code: '\u0001'.repeat(500) }));
  tally.failed({ toString: () => 'thrown' });
  const { errors } = tally.read();
  expect(errors).toHaveLength(3);
  expect(errors[0]?.message).toMatch(/^\0{10,}$/);
  expect(errors[2]?.message).toBe('thrown');
});

test('counts several at a time, and is one for all who open its handle', () => {
  const tally = new SharedTally();
  new SharedTally(tally.handle).succeeded(40);
  tally.succeeded(2);
  expect(tally.read().succeeded).toBe(42);
});
