import { expect, test } from 'vitest';
import { jobOf, MINUTE, SECOND, START, startEngine, takes } from './engine.ts';

test('nothing starts while the store fails, and one run catches up when it works again', async () => {
  const engine = await startEngine([jobOf('a')]);
  await engine.clock.advance(30 * SECOND);
  engine.store.isFailing = true;
  await engine.clock.advance(5 * MINUTE);
  expect(engine.orders).toEqual([]);
  engine.store.isFailing = false;
  await engine.clock.advance(2 * SECOND);
  expect((await engine.ticks('a')).map(({ outcome }) => outcome).toSorted()).toEqual([
    'folded',
    'folded',
    'folded',
    'folded',
    'ran',
  ]);
  expect(engine.orders.map(({ tick }) => tick)).toEqual([START + 5 * MINUTE]);
});

test('ticks that fell due while the store failed follow onMissed', async () => {
  const engine = await startEngine([jobOf('a', { onMissed: 'skip' })]);
  engine.store.isFailing = true;
  await engine.clock.advance(2 * MINUTE);
  engine.store.isFailing = false;
  await engine.clock.advance(2 * SECOND);
  expect((await engine.ticks('a')).map(({ outcome, reason }) => [outcome, reason])).toEqual([
    ['missed', 'down'],
    ['missed', 'down'],
  ]);
});

test('an outage is told once, and its end with how long it took', async () => {
  const engine = await startEngine([jobOf('a')]);
  engine.store.isFailing = true;
  await engine.clock.advance(MINUTE + 10_500);
  engine.store.isFailing = false;
  await engine.clock.advance(SECOND);
  expect(engine.of('storeFailed')).toHaveLength(1);
  expect(engine.of('storeRecovered')).toEqual([expect.objectContaining({ afterMs: 11 * SECOND })]);
});

test('an end that could not be written is written when the store works again, and the slot is taken until then', async () => {
  const engine = await startEngine([jobOf('a', { schedules: [] })], { script: () => takes(5 * SECOND) });
  await engine.clock.waitFor(engine.scheduler.trigger('a'));
  engine.store.isFailing = true;
  await engine.clock.advance(MINUTE);
  expect(engine.ends).toHaveLength(1);
  expect(engine.scheduler.statistics().live).toBe(1);
  expect(engine.of('runEnded')).toEqual([]);
  engine.store.isFailing = false;
  await engine.clock.advance(SECOND);
  expect(engine.of('runEnded')).toMatchObject([{ outcome: 'succeeded', endedAt: START + 5 * SECOND }]);
  expect(engine.scheduler.statistics().live).toBe(0);
});

test('a trigger that comes while the store fails is answered when it works again', async () => {
  const engine = await startEngine([jobOf('a', { schedules: [] })]);
  engine.store.isFailing = true;
  const triggered = engine.scheduler.trigger('a');
  await engine.clock.advance(MINUTE);
  engine.store.isFailing = false;
  expect(await engine.clock.waitFor(triggered)).toMatchObject({ kind: 'started' });
});

test('starts and ends of one turn share one commit', async () => {
  const jobs = Array.from({ length: 50 }, (_, index) => jobOf(`job-${index}`));
  const engine = await startEngine(jobs, { concurrency: 50, script: () => takes(5 * SECOND) });
  await engine.clock.advance(MINUTE);
  expect(engine.store.turns.map(({ claims }) => claims.length)).toEqual([50]);
  await engine.clock.advance(10 * SECOND);
  expect(engine.store.turns.length).toBeLessThanOrEqual(51);
  expect(engine.of('runEnded')).toHaveLength(50);
});

test('never gives the store a turn while it has another', async () => {
  const engine = await startEngine([jobOf('a'), jobOf('b', { schedules: [{ kind: 'every', everyMs: SECOND }] })]);
  await engine.clock.advance(500);
  engine.store.hold();
  await engine.clock.advance(10 * MINUTE);
  expect(engine.store.turns).toHaveLength(1);
  engine.store.letGo();
  await engine.clock.advance(SECOND);
  expect(engine.store.turns.length).toBeGreaterThan(1);
});
