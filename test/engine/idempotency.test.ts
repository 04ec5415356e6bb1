import { expect, test } from 'vitest';
import type { Idempotency } from '../../src/core/store.ts';
import { HOUR, jobOf, memoryStore, MINUTE, SECOND, START, startEngine, takes, type Engine } from './engine.ts';

const LONG = { schedules: [], budgetMs: HOUR };

function keyOf(key: string, overrides: Partial<Idempotency> = {}): { readonly idempotency: Idempotency } {
  return { idempotency: { key, fingerprint: 'request', until: START + 24 * HOUR, ...overrides } };
}

/** A trigger of the job `a`, answered. */
function ask(engine: Engine, ...options: Parameters<typeof keyOf>): ReturnType<Engine['scheduler']['trigger']> {
  return engine.clock.waitFor(engine.scheduler.trigger('a', keyOf(...options)));
}

test('a key that comes again leads to the run that it started, live or ended, and changes nothing', async () => {
  const engine = await startEngine([jobOf('a', LONG)]);
  const first = await ask(engine, 'k');
  expect(first).toMatchObject({ kind: 'started' });
  const runId = 'runId' in first ? first.runId : '';
  const seen = async (): Promise<unknown> => [await engine.store.slots(), engine.told.length, engine.scheduler.statistics()];
  const before = await seen();

  expect(await ask(engine, 'k')).toEqual({ kind: 'repeated', runId });
  expect(await seen()).toEqual(before);

  await engine.clock.advance(MINUTE);
  expect(engine.of('runEnded')).toHaveLength(1);
  expect(await ask(engine, 'k')).toEqual({ kind: 'repeated', runId });
  await engine.clock.advance(MINUTE);
  expect(engine.orders).toHaveLength(1);
});

test('a key that comes with another request names the run of the first', async () => {
  const engine = await startEngine([jobOf('a', LONG)]);
  const first = await ask(engine, 'k');
  expect(await ask(engine, 'k', { fingerprint: 'other' })).toEqual({ ...first, kind: 'keyReused' });
});

test('a key does not stop the live run under onOverlap cancel, nor queue one', async () => {
  const engine = await startEngine([jobOf('a', { ...LONG, onOverlap: 'cancel' })], { script: () => takes(10 * MINUTE) });
  await ask(engine, 'k');
  await ask(engine, 'k');
  await engine.clock.advance(11 * MINUTE);
  expect(engine.of('runEnded')).toMatchObject([{ outcome: 'succeeded' }]);
  expect(engine.of('runQueued')).toEqual([]);
});

test('of 200 triggers at once under one key one starts a run', async () => {
  const engine = await startEngine([jobOf('a', LONG)]);
  const answers = await engine.clock.waitFor(
    Promise.all(Array.from({ length: 200 }, () => engine.scheduler.trigger('a', keyOf('k')))),
  );
  expect(answers.filter(({ kind }) => kind === 'started')).toHaveLength(1);
  expect(answers.filter(({ kind }) => kind === 'repeated')).toHaveLength(199);
  expect(new Set(answers.map((answer) => 'runId' in answer && answer.runId)).size).toBe(1);
});

test('a trigger that is refused uses up no key', async () => {
  const engine = await startEngine([jobOf('a', LONG)], { script: () => takes(20 * SECOND) });
  await ask(engine, 'first');
  expect(await ask(engine, 'second')).toMatchObject({ kind: 'refused', reason: 'overlap' });
  await engine.clock.advance(MINUTE);
  expect(await ask(engine, 'second')).toMatchObject({ kind: 'started' });
});

test('a key is known after a restart, until it expires', async () => {
  const store = memoryStore();
  const first = await startEngine([jobOf('a', LONG)], { store });
  const started = await ask(first, 'k');
  await first.clock.waitFor(first.scheduler.stop(MINUTE));
  const second = await startEngine([jobOf('a', LONG)], { store, clock: first.clock });
  expect(await ask(second, 'k')).toEqual({ ...started, kind: 'repeated' });
  await second.clock.advance(24 * HOUR);
  expect(await ask(second, 'k')).toMatchObject({ kind: 'started' });
});
