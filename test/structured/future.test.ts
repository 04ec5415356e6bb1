import { expect, test } from 'vitest';
import { Future } from '../../src/structured/future.ts';
import { setup } from './setup.ts';

test('settles exactly once: the first counts, the others are told', async () => {
  const future = new Future<string>();
  expect([future.settled, future.resolve('first'), future.resolve('second'), future.reject(new Error('third'))]).toEqual([
    false,
    true,
    false,
    false,
  ]);
  expect([await future.wait(), await future.wait(), future.settled]).toEqual(['first', 'first', true]);
});

test('all who wait get the one result', async () => {
  const future = new Future<number>();
  const waiting = Promise.all([future.wait(), future.wait(), future.wait()]);
  future.resolve(7);
  expect(await waiting).toEqual([7, 7, 7]);
});

test('whoever gives up is out, and the future does not mind', async () => {
  using bundle = setup();
  const future = new Future<number>();
  const impatient = future.wait(bundle.context.withTimeout(10));
  await expect(bundle.clock.waitFor(impatient)).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  expect([future.resolve(1), await future.wait(), bundle.clock.timers]).toEqual([true, 1, 0]);
});

test('a failed task never leaves its waiter hanging, be it at once or later', async () => {
  const atOnce = Future.of((): number => {
    throw new Error('at once');
  });
  await expect(atOnce.wait()).rejects.toThrow('at once');
  await expect(Future.of(Promise.reject(new Error('later'))).wait()).rejects.toThrow('later');
  await expect(Future.of(async () => 3).wait()).resolves.toBe(3);
});

test('a failure that nobody awaits harms nobody', async () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown): void => void unhandled.push(reason);
  process.on('unhandledRejection', note);
  new Future<never>().reject(new Error('alone'));
  await new Promise((resolve) => setImmediate(resolve));
  process.off('unhandledRejection', note);
  expect(unhandled).toEqual([]);
});

test('a value of undefined is a value', async () => {
  const future = new Future<undefined>();
  future.resolve(undefined);
  expect([await future.wait(), future.tryTake()]).toEqual([undefined, { done: false, value: undefined }]);
});
