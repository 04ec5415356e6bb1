import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Semaphore } from '../../src/structured/semaphore.ts';
import { setup } from './setup.ts';

test('never has more leases out than it was made with, and gives each back', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 5 }),
      fc.array(fc.record({ comesMs: fc.nat(50), holdsMs: fc.nat(50), patienceMs: fc.nat(100) }), { maxLength: 30 }),
      async (permits, visits) => {
        using bundle = setup();
        const { clock, context } = bundle;
        const semaphore = new Semaphore(permits);
        let [out, most] = [0, 0];
        const visit = async ({ comesMs, holdsMs, patienceMs }: (typeof visits)[number]): Promise<void> => {
          await context.sleep(comesMs);
          using own = context.withTimeout(patienceMs);
          using _lease = await semaphore.acquire(own);
          most = Math.max(most, ++out);
          await context.sleep(holdsMs);
          out--;
        };
        await clock.waitFor(Promise.allSettled(visits.map(visit)));
        expect(most).toBeLessThanOrEqual(permits);
        expect([out, semaphore.free, semaphore.waiting, clock.timers]).toEqual([0, permits, 0, 0]);
      },
    ),
    { numRuns: 100 },
  );
});

test('a lease that comes back goes to whoever waits, and not to whoever tries', async () => {
  const semaphore = new Semaphore(2);
  const leases = [semaphore.tryAcquire(), semaphore.tryAcquire()];
  const waiting = semaphore.acquire();
  leases[0]?.release();
  expect([semaphore.tryAcquire(), semaphore.free]).toEqual([undefined, 0]);
  await waiting;
});

test('takes a whole number of at least one', () => {
  for (const permits of [0, -1, 1.5, Number.NaN]) expect(() => new Semaphore(permits)).toThrow(RangeError);
});
