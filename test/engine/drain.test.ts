import { expect, test } from 'vitest';
import { HOUR, jobOf, memoryStore, MINUTE, SECOND, startEngine, takes } from './engine.ts';

const STEPWISE = {
  steps: Array.from({ length: 10 }, (_, index) => ({ takesMs: 3 * SECOND, checkpoint: index })),
  forceDelayMs: 0,
};

test('a drain lets the step under way finish, and the run goes on at the next start', async () => {
  const engine = await startEngine([jobOf('a')], { script: () => STEPWISE });
  await engine.clock.advance(MINUTE + SECOND);
  expect(await engine.clock.waitFor(engine.scheduler.stop(25 * SECOND))).toEqual([]);
  expect(engine.clock.monotonic()).toBe(MINUTE + 3 * SECOND);
  expect(await engine.runs('a')).toMatchObject([{ state: 'unfinished', reason: 'shutdown', steps: 1, checkpoint: '0' }]);
});

test('a drain asks what is left after its grace to stop', async () => {
  const engine = await startEngine([jobOf('a')], { script: () => takes(HOUR) });
  await engine.clock.advance(MINUTE);
  await engine.clock.waitFor(engine.scheduler.stop(5 * SECOND));
  expect(engine.clock.monotonic()).toBe(MINUTE + 5 * SECOND);
  expect(await engine.runs('a')).toMatchObject([{ state: 'cancelled', reason: 'shutdown' }]);
});

test('a drain in a hurry stops and forces at once', async () => {
  const engine = await startEngine([jobOf('a')], { script: () => ({ steps: [{ takesMs: HOUR }], forceDelayMs: 0 }) });
  await engine.clock.advance(MINUTE);
  await engine.clock.waitFor(engine.scheduler.stop(25 * SECOND, AbortSignal.abort()));
  expect(engine.clock.monotonic()).toBe(MINUTE);
  expect(await engine.runs('a')).toMatchObject([{ state: 'killed' }]);
});

test('a drain names the inline runs that ignore their stop, and waits for no other', async () => {
  const engine = await startEngine([jobOf('a', { isolation: 'inline' })], { script: () => ({ steps: [{ takesMs: HOUR }] }) });
  await engine.clock.advance(MINUTE);
  const runId = engine.orders[0]?.runId;
  expect(await engine.clock.waitFor(engine.scheduler.stop(SECOND))).toEqual([runId]);
  expect(engine.clock.monotonic()).toBe(MINUTE + 2 * SECOND);
});

test('ticks and triggers that come while it drains find it draining', async () => {
  const engine = await startEngine([jobOf('a'), jobOf('b', { schedules: [{ kind: 'every', everyMs: 50 * SECOND }] })], {
    script: ({ job }) => takes(job.name === 'a' ? 50 * SECOND : SECOND),
  });
  await engine.clock.advance(MINUTE);
  engine.told.length = 0;
  const stopped = engine.scheduler.stop(HOUR);
  expect(await engine.clock.waitFor(engine.scheduler.trigger('b'))).toMatchObject({ kind: 'refused', reason: 'draining' });
  await engine.clock.waitFor(stopped);
  expect(engine.of('tickDecided').filter(({ job }) => job === 'b')).toMatchObject([{ outcome: 'skipped', reason: 'draining' }]);
});

test('a queued run stays queued through the restart and starts then', async () => {
  const store = memoryStore();
  const job = jobOf('a', { onOverlap: 'queue', schedules: [] });
  const first = await startEngine([job], { store });
  await first.clock.waitFor(first.scheduler.trigger('a'));
  const queued = await first.clock.waitFor(first.scheduler.trigger('a'));
  expect(queued.kind).toBe('queued');
  await first.clock.waitFor(first.scheduler.stop(HOUR));
  expect((await first.runs('a')).map(({ state }) => state)).toEqual(['succeeded', 'queued']);
  const second = await startEngine([job], { store, clock: first.clock });
  await second.clock.advance(MINUTE);
  expect(second.orders.map(({ runId }) => runId)).toEqual([queued.kind === 'queued' ? queued.runId : '']);
});

test('a queued run whose promotion was about to be written when the drain began stays queued', async () => {
  const engine = await startEngine([jobOf('a', { onOverlap: 'queue', schedules: [] })]);
  await engine.clock.waitFor(engine.scheduler.trigger('a'));
  await engine.clock.waitFor(engine.scheduler.trigger('a'));
  await engine.clock.runUntil(() => engine.of('runEnded').length === 1);
  await engine.clock.waitFor(engine.scheduler.stop(HOUR));
  expect((await engine.runs('a')).map(({ state }) => state)).toEqual(['succeeded', 'queued']);
});

test('a stopped scheduler leaves no timer behind', async () => {
  const engine = await startEngine([jobOf('a'), jobOf('b', { schedules: [{ kind: 'every', everyMs: 7 * SECOND }] })]);
  await engine.clock.advance(7 * SECOND);
  engine.store.hold();
  await engine.clock.advance(MINUTE);
  const stopped = engine.scheduler.stop(0);
  engine.store.letGo();
  await engine.clock.waitFor(stopped);
  await engine.clock.advance(50);
  expect(engine.clock.timers).toBe(0);
});

test('a stopped scheduler refuses triggers instead of leaving them without an answer', async () => {
  const engine = await startEngine([jobOf('a')]);
  await engine.clock.waitFor(engine.scheduler.stop(0));
  expect(await engine.scheduler.trigger('a')).toMatchObject({ kind: 'refused', reason: 'draining' });
});

test('a trigger that waits for a store which fails to the very end is refused', async () => {
  const engine = await startEngine([jobOf('a')]);
  engine.store.isFailing = true;
  const triggered = engine.scheduler.trigger('a');
  await engine.clock.waitFor(engine.scheduler.stop(0));
  expect(await triggered).toMatchObject({ kind: 'refused', reason: 'draining' });
  expect(engine.clock.timers).toBe(0);
});

test('a store that begins to fail with the last write does not keep the process', async () => {
  const engine = await startEngine([jobOf('a')]);
  void engine.scheduler.trigger('a');
  engine.store.isFailing = true;
  await engine.clock.waitFor(engine.scheduler.stop(0));
  expect(engine.clock.monotonic()).toBe(0);
});

test('a run whose end cannot be written is not said to ignore its stop', async () => {
  const engine = await startEngine([jobOf('a')], { script: () => takes(5 * SECOND) });
  await engine.clock.advance(MINUTE);
  engine.store.isFailing = true;
  await engine.clock.advance(10 * SECOND);
  expect(await engine.clock.waitFor(engine.scheduler.stop(0))).toEqual([]);
});

test('two stops at once both come to their end', async () => {
  const engine = await startEngine([jobOf('a')]);
  await engine.clock.advance(MINUTE);
  await engine.clock.waitFor(Promise.all([engine.scheduler.stop(HOUR), engine.scheduler.stop(HOUR)]));
  expect(await engine.runs('a')).toMatchObject([{ state: 'succeeded' }]);
});

test('a run that was blocked and comes back while the last writes are under way is not said to ignore its stop', async () => {
  const engine = await startEngine([jobOf('a', { isolation: 'inline', schedules: [] }), jobOf('b', { schedules: [] })], {
    script: () => ({ steps: [{ takesMs: 3 * SECOND }] }),
  });
  await engine.clock.waitFor(engine.scheduler.trigger('a'));
  engine.scheduler.cancel('a', 'me');
  await engine.clock.advance(2 * SECOND);
  engine.store.hold();
  void engine.scheduler.trigger('b');
  await engine.clock.advance(1);
  const stopped = engine.scheduler.stop(0);
  await engine.clock.advance(2 * SECOND);
  engine.store.letGo();
  expect(await engine.clock.waitFor(stopped)).toEqual([]);
  expect(await engine.runs('a')).toMatchObject([{ state: 'cancelled' }]);
});
