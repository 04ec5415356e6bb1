import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createVirtualClock } from '../../src/testing/virtual-clock.ts';

test('stands still until it is driven', async () => {
  const clock = createVirtualClock({ start: 5_000 });
  clock.setTimer(1, () => expect.unreachable());
  await sleep(5);
  expect([clock.now(), clock.monotonic()]).toEqual([5_000, 0]);
});

test('jumps to each deadline in turn, whatever the order of setting', async () => {
  const clock = createVirtualClock({ start: 0 });
  const seen: number[] = [];
  for (const at of [300, 100, 200]) clock.setTimer(at, () => seen.push(clock.monotonic()));
  await clock.run();
  expect(seen).toEqual([100, 200, 300]);
});

test('fires equal deadlines in the order in which they were set', async () => {
  const clock = createVirtualClock();
  const seen: string[] = [];
  for (const name of ['a', 'b', 'c']) clock.setTimer(7, () => seen.push(name));
  await clock.run();
  expect(seen).toEqual(['a', 'b', 'c']);
});

test('fires timers as a sorted list would, with any of them cancelled', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.record({ at: fc.nat(50), cancelled: fc.boolean() }), { maxLength: 60 }), async (wanted) => {
      const clock = createVirtualClock();
      const fired: number[] = [];
      const timers = wanted.map(({ at }, index) => clock.setTimer(at, () => fired.push(index)));
      wanted.forEach(({ cancelled }, index) => cancelled && timers[index]?.cancel());
      await clock.run();
      const expected = wanted
        .map(({ at, cancelled }, index) => ({ at, cancelled, index }))
        .filter(({ cancelled }) => !cancelled)
        .toSorted((a, b) => a.at - b.at || a.index - b.index);
      expect(fired).toEqual(expected.map(({ index }) => index));
      expect(clock.timers).toBe(0);
    }),
  );
});

test('lets promise chains of any depth go on before time moves', async () => {
  const clock = createVirtualClock();
  const seen: string[] = [];
  clock.setTimer(10, () => {
    let chain = Promise.resolve();
    for (let depth = 0; depth < 10_000; depth++) chain = chain.then(() => {});
    void chain.then(() => seen.push(`chain at ${clock.monotonic()}`));
  });
  clock.setTimer(11, () => seen.push(`timer at ${clock.monotonic()}`));
  await clock.run();
  expect(seen).toEqual(['chain at 10', 'timer at 11']);
});

test('runs deferred calls before any timer, one turn each', async () => {
  const clock = createVirtualClock();
  const seen: string[] = [];
  clock.setTimer(0, () => seen.push('timer'));
  clock.defer(() => {
    seen.push('first');
    void Promise.resolve().then(() => seen.push('its promise'));
    clock.defer(() => seen.push('third'));
  });
  clock.defer(() => seen.push('second'));
  await clock.run();
  expect(seen).toEqual(['first', 'its promise', 'second', 'third', 'timer']);
});

test('advances both clocks by exactly what was asked', async () => {
  const clock = createVirtualClock({ start: 1_000 });
  let fired = 0;
  for (const at of [10, 20, 21]) clock.setTimer(at, () => fired++);
  await clock.advance(20);
  expect([fired, clock.now(), clock.monotonic(), clock.timers]).toEqual([2, 1_020, 20, 1]);
});

test('steps the wall clock alone', async () => {
  const clock = createVirtualClock({ start: 1_000 });
  clock.stepWall(-400);
  expect([clock.now(), clock.monotonic()]).toEqual([600, 0]);
});

test('lets what fell due while it was held come late', async () => {
  const clock = createVirtualClock();
  let firedAt = -1;
  clock.setTimer(10, () => (firedAt = clock.monotonic()));
  clock.hold(500);
  await clock.run();
  expect(firedAt).toBe(500);
});

test('waits for a promise that its own timers settle', async () => {
  const clock = createVirtualClock();
  const promise = new Promise<string>((resolve) => clock.setTimer(3_600_000, () => resolve('in an hour')));
  expect(await clock.waitFor(promise)).toBe('in an hour');
});

test('says so when what is waited for can never happen', async () => {
  await expect(createVirtualClock().waitFor(new Promise(() => {}))).rejects.toThrow('nothing is left to do');
});

test('does not jump while real work is under way, when asked to wait for it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tickwise-clock-'));
  const clock = createVirtualClock({ waitForRealWork: true });
  const seen: string[] = [];
  clock.setTimer(60_000, () => seen.push('a minute later'));
  const work = (async () => {
    for (let index = 0; index < 20; index++) await writeFile(join(folder, `${index}`), await readFile(import.meta.filename));
    seen.push('written');
  })();
  await clock.run();
  await work;
  await rm(folder, { recursive: true });
  expect(seen).toEqual(['written', 'a minute later']);
});
