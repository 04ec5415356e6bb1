import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { onAbort } from '../../src/structured/on-abort.ts';
import { Semaphore } from '../../src/structured/semaphore.ts';
import { setup } from './setup.ts';

test('calls back once, in the order of the asking', () => {
  const controller = new AbortController();
  const course: string[] = [];
  for (const name of ['a', 'b', 'c']) onAbort(controller.signal, () => course.push(name));
  controller.abort();
  controller.abort();
  expect(course).toEqual(['a', 'b', 'c']);
});

test('however many listen, the signal has one listener, and none when they have left', () => {
  const { signal } = new AbortController();
  const leave = Array.from({ length: 10_000 }, () => onAbort(signal, () => undefined));
  expect(getEventListeners(signal, 'abort')).toHaveLength(1);
  for (const one of leave) one();
  expect(getEventListeners(signal, 'abort')).toHaveLength(0);
});

test('whoever has left is not called, not even by one who is called before', () => {
  const controller = new AbortController();
  const course: string[] = [];
  onAbort(controller.signal, () => {
    course.push('first');
    leave();
  });
  const leave = onAbort(controller.signal, () => course.push('second'));
  controller.abort();
  expect(course).toEqual(['first']);
});

test('whoever leaves twice takes nobody along', () => {
  const controller = new AbortController();
  const course: string[] = [];
  const leave = onAbort(controller.signal, () => course.push('gone'));
  leave();
  onAbort(controller.signal, () => course.push('there'));
  leave();
  controller.abort();
  expect(course).toEqual(['there']);
});

test('those who wait and those who sleep under one context leave nothing on its signal', async () => {
  using bundle = setup();
  const { clock, context } = bundle;
  const semaphore = new Semaphore(1);
  const visits = Array.from({ length: 100 }, async () => {
    using _lease = await semaphore.acquire(context);
    await context.sleep(1);
  });
  expect(getEventListeners(context.signal, 'abort')).toHaveLength(1);
  await clock.waitFor(Promise.all(visits));
  expect(getEventListeners(context.signal, 'abort')).toHaveLength(0);
});
