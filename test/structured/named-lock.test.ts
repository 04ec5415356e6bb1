import { expect, test } from 'vitest';
import { createContext } from '../../src/structured/kit.ts';
import { setup } from './setup.ts';
import { startThread } from './thread.ts';

test('one name is one lock, first come, first served; another name is another', async () => {
  using bundle = setup();
  const { clock, context } = bundle;
  const course: string[] = [];
  const visit = async (name: string, who: string): Promise<void> => {
    using _held = await context.lock(name);
    course.push(`${who} in at ${clock.monotonic()}`);
    await context.sleep(100);
  };
  await clock.waitFor(Promise.all([visit('db', 'a'), visit('db', 'b'), visit('files', 'c')]));
  expect(course).toEqual(['a in at 0', 'c in at 0', 'b in at 100']);
});

test('whoever runs out of time has left the line, and nothing is held at the end', async () => {
  using bundle = setup();
  const { clock, context } = bundle;
  const held = await context.lock('db');
  const impatient = context.withTimeout(50).lock('db');
  const patient = context.lock('db');
  await expect(clock.waitFor(impatient)).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  held.release();
  (await clock.waitFor(patient)).release();
  using _free = await context.lock('db');
  expect(clock.timers).toBe(0);
});

test('threads of one process exclude each other', async () => {
  const memory = new SharedArrayBuffer(4);
  const order = { kind: 'count', lock: 'count', memory, times: 200 } as const;
  await Promise.all([1, 2, 3].map(() => startThread(order).exited));
  expect(new Int32Array(memory)[0]).toBe(600);
});

test('a thread that is stopped by force while it holds the lock does not hold it for ever', async () => {
  using context = createContext();
  await using thread = startThread({ kind: 'hold', lock: 'held by force' });
  await thread.said();
  const waiting = context.withTimeout(20_000).lock('held by force');
  await thread.worker.terminate();
  using held = await waiting;
  expect(held).toBeDefined();
});

test('a thread that holds the lock is waited for no longer than the time there is, by however many', async () => {
  using context = createContext();
  await using thread = startThread({ kind: 'hold', lock: 'held' });
  await thread.said();
  for (let at = 0; at < 3; at++)
    await expect(context.withTimeout(30).lock('held')).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  const patient = context.withTimeout(20_000).lock('held');
  await thread.worker.terminate();
  (await patient).release();
});

test('a thread that gave up does not take the lock when it becomes free, and another gets it', async () => {
  using context = createContext();
  await using holder = startThread({ kind: 'hold', lock: 'left' });
  await holder.said();
  await expect(context.withTimeout(30).lock('left')).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  await holder.worker.terminate();
  await using next = startThread({ kind: 'hold', lock: 'left' });
  expect(await next.said()).toBe('held');
});
