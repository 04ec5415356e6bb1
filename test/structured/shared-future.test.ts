import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { createContext } from '../../src/structured/kit.ts';
import { select } from '../../src/structured/select.ts';
import { SharedFuture } from '../../src/structured/shared-future.ts';
import { startThread } from './thread.ts';

test('is set in one thread and awaited in another', async () => {
  const future = new SharedFuture<Map<string, Date>>();
  const value = new Map([['at', new Date(5)]]);
  await using _thread = startThread({ kind: 'resolve', future: future.handle, value });
  expect(await future.wait()).toEqual(value);
  expect(future.settled).toBe(true);
});

test('is awaited in a thread and set here, and by that one in the next', async () => {
  const [there, back] = [new SharedFuture<number>(), new SharedFuture<number>()];
  await using _thread = startThread({ kind: 'relay', from: there.handle, to: back.handle });
  there.resolve(7);
  expect(await back.wait()).toBe(7);
});

test('a failure comes out with its name and message', async () => {
  const future = new SharedFuture<number>();
  await using _thread = startThread({ kind: 'reject', future: future.handle, value: undefined });
  const failure = await future.wait().catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(Error);
  expect(failure).toMatchObject({ name: 'RangeError', message: 'too far' });
});

test('of many threads that set it, one does', async () => {
  const future = new SharedFuture<number>();
  const threads = [0, 1, 2, 3].map((value) => startThread({ kind: 'race', future: future.handle, value }));
  const won = await Promise.all(threads.map((thread) => thread.said()));
  await Promise.all(threads.map((thread) => thread.exited));
  expect(won.filter(Boolean)).toHaveLength(1);
  expect(await future.wait()).toBe(won.indexOf(true));
});

test('a thread that ends without setting it leaves nobody hanging', async () => {
  const future = new SharedFuture<number>();
  await using thread = startThread({ kind: 'exit' });
  future.settleWith(thread.worker);
  await expect(future.wait()).rejects.toMatchObject({ code: 'RUN_CRASHED', message: expect.stringContaining('code 3') });
});

test('whoever gives up is out, and the future does not mind', async () => {
  using context = createContext();
  const future = new SharedFuture<string>();
  const other = new SharedFuture<string>(future.handle);
  const impatient = future.wait(context.withTimeout(10));
  await expect(impatient).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  expect([other.resolve('late'), future.resolve('later'), await future.wait()]).toEqual([true, false, 'late']);
});

test('is a source of select', async () => {
  using context = createContext();
  const future = new SharedFuture<string>();
  expect(await select(context, { future }, { orElse: 'none' })).toMatchObject({ source: 'none' });
  await using _thread = startThread({ kind: 'resolve', future: future.handle, value: 'chosen' });
  expect(await select(context, { future })).toEqual({ source: 'future', done: false, value: 'chosen' });
});

test('takes a large value, and refuses one that is too large', async () => {
  const future = new SharedFuture<string>();
  expect(() => future.resolve('x'.repeat(17 * 1024 * 1024))).toThrow(RangeError);
  future.resolve('x'.repeat(1024 * 1024));
  expect(await new SharedFuture<string>(future.handle).wait()).toHaveLength(1024 * 1024);
});

test('a process that has given up waiting ends', () => {
  const program = `
    import { createContext, SharedFuture } from ${JSON.stringify(import.meta.resolve('../../src/structured/kit.ts'))};
    using context = createContext();
    await new SharedFuture().wait(context.withTimeout(20)).catch((error) => console.log(error.code));
  `;
  const { status, stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
    timeout: 20_000,
  });
  expect([status, stdout]).toEqual([0, 'DEADLINE_EXCEEDED\n']);
});
