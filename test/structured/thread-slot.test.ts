import { expect, test } from 'vitest';
import { threadSlot } from '../../src/structured/thread-slot.ts';
import { startThread } from './thread.ts';

test('a thread may take a slot twice, as two names of one slot do, and has it until both are given back', async () => {
  const [one, other] = [threadSlot('shared'), threadSlot('shared')];
  expect([one.take(), other.take()]).toEqual([true, true]);
  one.give();
  await using thread = startThread({ kind: 'hold', lock: 'shared' });
  let held = false;
  const said = thread.said().then(() => (held = true));
  await new Promise((resolve) => thread.worker.once('online', resolve));
  expect(held).toBe(false);
  other.give();
  await said;
  expect(one.take()).toBe(false);
});

test('what a thread held is free when it has exited, and not before', async () => {
  await using thread = startThread({ kind: 'hold', lock: 'until the exit' });
  await thread.said();
  const slot = threadSlot('until the exit');
  expect(slot.take()).toBe(false);
  await thread.worker.terminate();
  while (!slot.take()) await slot.waitForChange();
  slot.give();
});

test('whoever gives a slot back lets those who wait in other threads go first', async () => {
  const slot = threadSlot('in turns');
  expect(slot.take()).toBe(true);
  await using thread = startThread({ kind: 'hold', lock: 'in turns' });
  const said = thread.said();
  // Once the thread waits, giving back wakes it, and bars us for a moment.
  do {
    await new Promise((resolve) => setImmediate(resolve));
    slot.give();
  } while (slot.take());
  expect(await said).toBe('held');
});
