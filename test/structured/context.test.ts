import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ChildContext } from '../../src/core/context.ts';
import { createRoot } from '../../src/structured/context.ts';
import { setup } from './setup.ts';

test('cancelling a parent cancels all that are below it, and keeps the reason', () => {
  using bundle = setup();
  const parent = bundle.context.withCancel();
  const child = parent.withValue('a', 1);
  const grandchild = child.withTimeout(1_000);
  const { signal } = grandchild;
  const reason = new Error('because');
  parent.cancel(reason);
  expect([parent.signal.reason, child.signal.reason, signal.reason]).toEqual([reason, reason, reason]);
  expect(bundle.clock.timers).toBe(0);
});

test('cancelling a child leaves its parent and its siblings alone', () => {
  using bundle = setup();
  const child = bundle.context.withCancel();
  const sibling = bundle.context.withCancel();
  child.cancel();
  expect(child.signal.reason).toMatchObject({ code: 'CONTEXT_CANCELLED' });
  expect([bundle.context.signal.aborted, sibling.signal.aborted]).toEqual([false, false]);
});

test('the first reason stays', () => {
  using bundle = setup();
  const child = bundle.context.withCancel();
  child.cancel('first');
  child.cancel('second');
  bundle.context.cancel('third');
  expect(child.signal.reason).toBe('first');
});

test('a child of a cancelled context is cancelled from its start', () => {
  using bundle = setup();
  bundle.context.cancel('over');
  expect(bundle.context.withTimeout(10).signal.reason).toBe('over');
  expect(bundle.clock.timers).toBe(0);
});

test('a listener never sees a child that is looser than its parent', () => {
  using bundle = setup();
  const child = bundle.context.withCancel();
  const { signal } = child;
  const seen: boolean[] = [];
  bundle.context.signal.addEventListener('abort', () => seen.push(signal.aborted, child.withCancel().signal.aborted));
  bundle.context.cancel();
  expect(seen).toEqual([false, true]);
});

test('a timeout ends its context with the deadline that was exceeded', async () => {
  using bundle = setup();
  const child = bundle.context.withTimeout(1_000);
  const { deadline } = child;
  expect([child.remainingMs(), deadline]).toEqual([1_000, bundle.clock.now() + 1_000]);
  await bundle.clock.advance(999);
  expect(child.signal.aborted).toBe(false);
  await bundle.clock.advance(1);
  expect(child.signal.reason).toMatchObject({ code: 'DEADLINE_EXCEEDED', facts: { deadline } });
  expect(child.remainingMs()).toBe(0);
});

test('a deadline that has passed cancels at once', () => {
  using bundle = setup();
  expect(bundle.context.withDeadline(bundle.clock.now() - 1).signal.reason).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
});

test('a step of the wall clock moves no deadline', async () => {
  using bundle = setup();
  const child = bundle.context.withDeadline(bundle.clock.now() + 1_000);
  bundle.clock.stepWall(-3_600_000);
  await bundle.clock.advance(1_000);
  expect(child.signal.aborted).toBe(true);
});

test('a deadline that is not a number is refused', () => {
  using bundle = setup();
  expect(() => bundle.context.withTimeout(Number.NaN)).toThrow(RangeError);
});

test('values are seen below, and not above or beside', () => {
  using bundle = setup();
  const child = bundle.context.withValue('key', 'outer');
  const grandchild = child.withCancel().withValue('key', 'inner');
  const sibling = bundle.context.withCancel();
  expect([bundle.context, child, grandchild, sibling].map(({ value }) => value('key'))).toEqual([
    undefined,
    'outer',
    'inner',
    undefined,
  ]);
});

test('a detached context keeps the values, and neither the deadline nor the cancellation', async () => {
  using bundle = setup();
  const child = bundle.context.withValue('key', 1).withTimeout(100);
  using detached = child.detached();
  await bundle.clock.advance(200);
  bundle.context.cancel();
  expect([detached.signal.aborted, detached.deadline, detached.value('key')]).toEqual([false, Infinity, 1]);
});

test('leaving the scope cancels what is still below, and takes the timer back', () => {
  using bundle = setup();
  let inner: ChildContext;
  {
    using child = bundle.context.withTimeout(1_000);
    inner = child.withTimeout(500);
    expect(bundle.clock.timers).toBe(2);
  }
  expect([inner.signal.aborted, bundle.clock.timers]).toEqual([true, 0]);
});

test('a sleep ends with its context, and leaves no timer', async () => {
  using bundle = setup();
  const child = bundle.context.withTimeout(100);
  await expect(bundle.clock.waitFor(child.sleep(1_000))).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  expect([bundle.clock.monotonic(), bundle.clock.timers]).toEqual([100, 0]);
});

test('its functions may be taken out of it', async () => {
  using bundle = setup();
  const { withTimeout, withValue, sleep, remainingMs } = bundle.context.withTimeout(1_000);
  await bundle.clock.waitFor(sleep(400));
  expect([remainingMs(), withTimeout(5_000).remainingMs(), withValue('a', 1).value('a')]).toEqual([600, 600, 1]);
});

test('a root follows a signal until it is disposed of', () => {
  using bundle = setup();
  const controller = new AbortController();
  const root = createRoot({ clock: bundle.clock, signal: controller.signal });
  const gone = createRoot({ clock: bundle.clock, signal: controller.signal });
  gone[Symbol.dispose]();
  controller.abort('stop');
  expect(root.signal.reason).toBe('stop');
  expect(gone.signal.reason).toMatchObject({ code: 'CONTEXT_CANCELLED' });
});

test('a chain of 100,000 contexts is cancelled, and its values found, without running out of stack', () => {
  using bundle = setup();
  let leaf: ChildContext = bundle.context.withValue('root', true);
  for (let depth = 0; depth < 100_000; depth++) leaf = leaf.withValue('depth', depth);
  expect(leaf.value('root')).toBe(true);
  bundle.context.cancel('all');
  expect(leaf.signal.reason).toBe('all');
});

type Act =
  | { readonly kind: 'derive'; readonly of: number; readonly timeoutMs: number | undefined }
  | { readonly kind: 'cancel'; readonly of: number }
  | { readonly kind: 'advance'; readonly ms: number };

const ACTS: fc.Arbitrary<Act[]> = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constant('derive' as const),
      of: fc.nat(1_000),
      timeoutMs: fc.option(fc.nat(1_000), { nil: undefined }),
    }),
    fc.record({ kind: fc.constant('cancel' as const), of: fc.nat(1_000) }),
    fc.record({ kind: fc.constant('advance' as const), ms: fc.nat(400) }),
  ),
  { maxLength: 40 },
);

/** What a tree of contexts should be: each node knows its path to the root and when its time is over. */
interface Model {
  readonly path: readonly number[];
  readonly end: number;
  cancelled: boolean;
}

test('any tree, in any course of events, is cancelled exactly where a parent, a deadline or a cancel says so', async () => {
  await fc.assert(
    fc.asyncProperty(ACTS, async (acts) => {
      using bundle = setup();
      const contexts: ChildContext[] = [bundle.context];
      const models: Model[] = [{ path: [0], end: Infinity, cancelled: false }];
      for (const act of acts) {
        if (act.kind === 'advance') await bundle.clock.advance(act.ms);
        const at = 'of' in act ? act.of % contexts.length : 0;
        if (act.kind === 'cancel') {
          contexts[at]!.cancel();
          for (const model of models) model.cancelled ||= model.path.includes(at);
        }
        if (act.kind === 'derive') {
          const [parent, above] = [contexts[at]!, models[at]!];
          contexts.push(act.timeoutMs === undefined ? parent.withCancel() : parent.withTimeout(act.timeoutMs));
          const end = Math.min(above.end, bundle.clock.monotonic() + (act.timeoutMs ?? Infinity));
          models.push({ path: [...above.path, models.length], end, cancelled: above.cancelled });
          expect(contexts.at(-1)!.deadline).toBeLessThanOrEqual(parent.deadline);
        }
        const now = bundle.clock.monotonic();
        for (const model of models) model.cancelled ||= model.end <= now;
        expect(contexts.map(({ signal }) => signal.aborted)).toEqual(models.map(({ cancelled }) => cancelled));
      }
      bundle.context.cancel();
      expect(bundle.clock.timers).toBe(0);
    }),
    { numRuns: 200 },
  );
});

test('100,000 derivations under a parent that lives for ever leave nothing behind', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  using bundle = setup();
  const { signal } = bundle.context;
  const derive = (count: number): void => {
    for (let at = 0; at < count; at++) {
      using child = bundle.context.withTimeout(60_000);
      using inner = child.withValue('at', at);
      if (inner.signal.aborted || signal.aborted) throw new Error('cancelled before its time');
    }
  };
  const heapUsed = (): number => {
    collect();
    collect();
    return process.memoryUsage().heapUsed;
  };
  derive(20_000);
  const before = heapUsed();
  derive(100_000);
  expect((heapUsed() - before) / 100_000).toBeLessThan(16);
  expect(bundle.clock.timers).toBe(0);
});
