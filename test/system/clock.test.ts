import { describe, expect, test, vi } from 'vitest';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Timer } from '../../src/core/ports.ts';
import { createSystemClock } from '../../src/system/clock.ts';

const clock = createSystemClock();

/** Resolves with the monotonic instant at which a timer for `at` fired. */
function fired(at: number): Promise<number> {
  return new Promise((resolve) => {
    clock.setTimer(at, () => resolve(clock.monotonic()));
  });
}

describe('the system clock', () => {
  test('tells wall time in whole milliseconds', () => {
    const before = Date.now();
    expect(clock.now()).toBeGreaterThanOrEqual(before);
    expect(Number.isInteger(clock.now())).toBe(true);
  });

  test('never goes back', () => {
    let last = clock.monotonic();
    for (let index = 0; index < 10_000; index++) {
      const now = clock.monotonic();
      expect(now >= last).toBe(true);
      last = now;
    }
  });
});

describe('a timer', () => {
  test('is never early', async () => {
    const instants = Array.from({ length: 400 }, (_, index) => clock.monotonic() + index * 0.37);
    const seen = await Promise.all(instants.map(fired));
    expect(seen.filter((at, index) => at < (instants[index] ?? 0))).toEqual([]);
  });

  test('looks again when setTimeout fires early', async () => {
    const real = globalThis.setTimeout;
    const early = vi
      .spyOn(globalThis, 'setTimeout')
      .mockImplementation(((callback: (timer: unknown) => void, ms: number, timer: unknown) =>
        real(callback, Math.max(0, ms - 3), timer)) as never);
    try {
      const at = clock.monotonic() + 8;
      expect(await fired(at)).toBeGreaterThanOrEqual(at);
      expect(early.mock.calls.length).toBeGreaterThan(1);
    } finally {
      early.mockRestore();
    }
  });

  test.each([-5, 0, Number.NEGATIVE_INFINITY, Number.NaN])(
    'of an instant that has passed fires soon, and not within the call (%d)',
    async (at) => {
      let within = true;
      const instant = await new Promise<boolean>((resolve) => {
        clock.setTimer(at, () => resolve(within));
        within = false;
      });
      expect(instant).toBe(false);
    },
  );

  test.each([2 ** 31, 2 ** 40, Number.POSITIVE_INFINITY])(
    'farther away than setTimeout reaches waits, asleep (%d ms)',
    async (distance) => {
      const armed = vi.spyOn(globalThis, 'setTimeout');
      let called = false;
      const timer = clock.setTimer(clock.monotonic() + distance, () => {
        called = true;
      });
      const delays = armed.mock.calls.map(([, delayMs]) => delayMs);
      armed.mockRestore();
      await fired(clock.monotonic() + 20);
      timer.cancel();
      expect(called).toBe(false);
      expect(delays).toEqual([2 ** 31 - 1]);
    },
  );

  test('calls nobody after cancel, even from a timer of the same turn', async () => {
    const at = clock.monotonic() + 5;
    let called = 0;
    clock.setTimer(at, () => second.cancel());
    const second = clock.setTimer(at, () => called++);
    await fired(at + 20);
    expect(called).toBe(0);
  });

  test('that is cancelled keeps nothing alive', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const { timer, reference } = armWithLuggage();
    timer.cancel();
    // A WeakRef holds its target until the turn in which it was made is over.
    await fired(clock.monotonic());
    collect();
    expect(reference.deref()).toBeUndefined();
    timer.cancel();
  });
});

function armWithLuggage(): { timer: Timer; reference: WeakRef<object> } {
  const luggage = { kept: 0 };
  const timer = clock.setTimer(clock.monotonic() + 3_600_000, () => luggage.kept++);
  return { timer, reference: new WeakRef(luggage) };
}

describe('defer', () => {
  test('calls back once, in a later turn and after the promises of this one', async () => {
    const order: string[] = [];
    await new Promise<void>((resolve) => {
      clock.defer(() => {
        order.push('deferred');
        resolve();
      });
      void Promise.resolve().then(() => order.push('promise'));
      order.push('now');
    });
    expect(order).toEqual(['now', 'promise', 'deferred']);
  });
});
