import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Lease } from '../../src/core/context.ts';
import { Mutex } from '../../src/structured/mutex.ts';
import { setup } from './setup.ts';

test('lets one at a time in, in the order of their coming', async () => {
  using bundle = setup();
  const mutex = new Mutex();
  const course: string[] = [];
  const visit = async (name: string): Promise<void> => {
    using _held = await mutex.lock(bundle.context);
    course.push(`${name} in`);
    await bundle.context.sleep(10);
    course.push(`${name} out`);
  };
  await bundle.clock.waitFor(Promise.all(['a', 'b', 'c'].map(visit)));
  expect(course).toEqual(['a in', 'a out', 'b in', 'b out', 'c in', 'c out']);
  expect(mutex.locked).toBe(false);
});

test('whoever runs out of time leaves the line at once, and the next gets the lock when it is free', async () => {
  using bundle = setup();
  const { clock, context } = bundle;
  const mutex = new Mutex();
  const held = await mutex.lock();
  const impatient = mutex.lock(context.withTimeout(100));
  const patient = mutex.lock(context);
  await expect(clock.waitFor(impatient)).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  expect([clock.monotonic(), mutex.waiting]).toEqual([100, 1]);
  held.release();
  (await patient).release();
  expect([mutex.locked, clock.timers]).toEqual([false, 0]);
});

test('three who want it with 0, 1 and 2 s of time: the third has it at 2 s, for nobody holds it in vain', async () => {
  using bundle = setup();
  const { clock, context } = bundle;
  const mutex = new Mutex();
  let id = -1;
  const request = async (at: number, timeoutMs: number | undefined): Promise<string> => {
    using own = timeoutMs === undefined ? context.withCancel() : context.withTimeout(timeoutMs);
    try {
      using _held = await mutex.lock(own);
      own.signal.throwIfAborted();
      await context.sleep(1_000);
      id = at;
      return `done at ${clock.monotonic()}`;
    } catch (error) {
      return `${(error as { code: string }).code} at ${clock.monotonic()}`;
    }
  };
  const ends = await clock.waitFor(Promise.all([request(0, undefined), request(1, 1_000), request(2, 2_000)]));
  expect(ends).toEqual(['done at 1000', 'DEADLINE_EXCEEDED at 1000', 'done at 2000']);
  expect(id).toBe(2);
});

test('a context that is cancelled asks for nothing', async () => {
  using bundle = setup();
  const mutex = new Mutex();
  bundle.context.cancel('over');
  await expect(mutex.lock(bundle.context)).rejects.toBe('over');
  expect(mutex.locked).toBe(false);
});

test('a lease that is given back twice frees the lock once', async () => {
  const mutex = new Mutex();
  const first = await mutex.lock();
  const second = mutex.lock();
  first.release();
  first[Symbol.dispose]();
  await second;
  expect([mutex.locked, mutex.tryLock()]).toEqual([true, undefined]);
});

test('does not wait when it is asked to try', async () => {
  const mutex = new Mutex();
  const lease = mutex.tryLock();
  expect([lease === undefined, mutex.tryLock()]).toEqual([false, undefined]);
  lease?.release();
  expect(mutex.locked).toBe(false);
});

type Act = { readonly kind: 'come' } | { readonly kind: 'giveUp'; readonly which: number } | { readonly kind: 'release' };

test('in any course of coming, giving up and going, it is first come, first served, and never two', async () => {
  const acts: fc.Arbitrary<Act[]> = fc.array(
    fc.oneof(
      { weight: 3, arbitrary: fc.constant({ kind: 'come' as const }) },
      { weight: 2, arbitrary: fc.constant({ kind: 'release' as const }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('giveUp' as const), which: fc.nat(50) }) },
    ),
    { maxLength: 50 },
  );
  await fc.assert(
    fc.asyncProperty(acts, async (course) => {
      using bundle = setup();
      const mutex = new Mutex();
      const holding = new Map<number, Lease>();
      const controllers: AbortController[] = [];
      let line: number[] = [];
      let holder: number | undefined;
      const next = (): void => {
        holder = line.shift();
      };
      for (const act of course) {
        if (act.kind === 'come') {
          const who = controllers.push(new AbortController()) - 1;
          mutex.lock(controllers[who]).then(
            (lease) => holding.set(who, lease),
            () => undefined,
          );
          line.push(who);
          if (holder === undefined) next();
        } else if (act.kind === 'giveUp' && controllers.length > 0) {
          const who = act.which % controllers.length;
          controllers[who]!.abort();
          line = line.filter((waiting) => waiting !== who);
        } else if (act.kind === 'release' && holder !== undefined) {
          holding.get(holder)!.release();
          holding.delete(holder);
          next();
        }
        await bundle.clock.advance(0);
        expect([...holding.keys()]).toEqual(holder === undefined ? [] : [holder]);
        expect(mutex.waiting).toBe(line.length);
      }
    }),
    { numRuns: 200 },
  );
});
