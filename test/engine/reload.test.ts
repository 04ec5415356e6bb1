import { expect, test } from 'vitest';
import { createVirtualClock } from '../../src/testing/virtual-clock.ts';
import { HOUR, jobOf, memoryStore, MINUTE, SECOND, START, startEngine, takes } from './engine.ts';

test('a reload keeps the slot of a live run, which goes on under its old definition', async () => {
  const engine = await startEngine([jobOf('a')], { script: () => takes(30 * SECOND) });
  await engine.clock.advance(MINUTE + SECOND);
  await engine.scheduler.reload([jobOf('a', { budgetMs: SECOND, schedules: [{ kind: 'every', everyMs: 5 * SECOND }] })]);
  await engine.clock.advance(20 * SECOND);
  expect(engine.orders).toHaveLength(1);
  expect((await engine.ticks('a')).slice(1).map(({ outcome, reason }) => `${outcome} ${reason}`)).toEqual(
    Array(4).fill('skipped overlap'),
  );
  await engine.clock.advance(10 * SECOND);
  expect(engine.ends[0]?.outcome).toBe('succeeded');
});

test('a job that comes back by a reload has ticks from then on only', async () => {
  const engine = await startEngine([jobOf('a')]);
  await engine.clock.advance(MINUTE + 30 * SECOND);
  await engine.scheduler.reload([]);
  await engine.clock.advance(HOUR);
  await engine.scheduler.reload([jobOf('a')]);
  await engine.clock.advance(MINUTE);
  expect((await engine.ticks('a')).map(({ tick }) => tick - START)).toEqual([MINUTE, HOUR + 2 * MINUTE]);
});

test('a reload that takes a job away while its trigger waits for the store loses neither', async () => {
  const engine = await startEngine([jobOf('a')]);
  const triggered = engine.scheduler.trigger('a');
  await engine.scheduler.reload([]);
  const result = await engine.clock.waitFor(triggered);
  expect(result).toMatchObject({ kind: 'started' });
  await engine.clock.advance(HOUR);
  expect(engine.of('runEnded')).toMatchObject([{ job: 'a', outcome: 'succeeded' }]);
  expect(engine.scheduler.inspect('a')).toBeUndefined();
  expect(engine.scheduler.statistics().jobs).toBe(0);
});

test('a reload that takes a job away while the store grants it a run lets the run come to its end', async () => {
  const engine = await startEngine([jobOf('a')]);
  engine.store.hold();
  await engine.clock.advance(MINUTE);
  const reloaded = engine.scheduler.reload([]);
  await engine.clock.advance(1);
  engine.store.letGo();
  await engine.clock.waitFor(reloaded);
  await engine.clock.advance(HOUR);
  expect(engine.of('runEnded')).toMatchObject([{ job: 'a', outcome: 'succeeded' }]);
});

test('a tick that fell due before a reload is decided under the definition under which it fell due', async () => {
  const engine = await startEngine([jobOf('a'), jobOf('b', { schedules: [] })], { script: () => takes(SECOND) });
  engine.store.hold();
  const triggered = engine.scheduler.trigger('b');
  await engine.clock.advance(MINUTE);
  const reloaded = engine.scheduler.reload([jobOf('a', { schedules: [{ kind: 'every', everyMs: HOUR }] })]);
  engine.store.letGo();
  await engine.clock.waitFor(Promise.all([triggered, reloaded]));
  expect(await engine.ticks('a')).toMatchObject([{ tick: START + MINUTE, outcome: 'ran' }]);
});

test('a reload while the store fails is refused and changes nothing', async () => {
  const engine = await startEngine([jobOf('a')]);
  engine.store.isFailing = true;
  await engine.clock.advance(MINUTE);
  const reloaded = engine.scheduler.reload([jobOf('a', { paused: true })]);
  await expect(engine.clock.waitFor(reloaded)).rejects.toMatchObject({ code: 'STORE_UNUSABLE' });
  engine.store.isFailing = false;
  await engine.clock.advance(2 * SECOND);
  expect(engine.scheduler.inspect('a')?.isPaused).toBe(false);
  expect(await engine.ticks('a')).toMatchObject([{ tick: START + MINUTE, outcome: 'ran' }]);
});

test('a queued run whose job is unpaused by a reload starts', async () => {
  const engine = await startEngine([jobOf('a', { onOverlap: 'queue', schedules: [] })]);
  await engine.clock.waitFor(engine.scheduler.trigger('a'));
  await engine.clock.waitFor(engine.scheduler.trigger('a'));
  await engine.scheduler.reload([jobOf('a', { onOverlap: 'queue', schedules: [], paused: true })]);
  await engine.clock.advance(MINUTE);
  expect(engine.orders).toHaveLength(1);
  await engine.scheduler.reload([jobOf('a', { onOverlap: 'queue', schedules: [] })]);
  await engine.clock.advance(MINUTE);
  expect(engine.orders).toHaveLength(2);
});

test('a run that waits for a resource starts although a reload changed who holds it', async () => {
  const exclusive = ['disk'];
  const waiting = jobOf('b', { exclusive, onOverlap: 'queue', schedules: [] });
  const engine = await startEngine([jobOf('a', { exclusive, schedules: [] }), waiting]);
  await engine.clock.waitFor(engine.scheduler.trigger('a'));
  expect(await engine.clock.waitFor(engine.scheduler.trigger('b'))).toMatchObject({ kind: 'queued' });
  await engine.scheduler.reload([jobOf('a', { schedules: [] }), waiting]);
  await engine.clock.advance(9 * SECOND);
  expect(engine.live()).toEqual(['a']);
  await engine.clock.advance(2 * SECOND);
  expect(engine.live()).toEqual(['b']);
});

test('a run is carried out under the definition for which the store granted its slot and resources', async () => {
  const engine = await startEngine([jobOf('a', { schedules: [], exclusive: ['disk'] })]);
  engine.store.hold();
  const triggered = engine.scheduler.trigger('a');
  await engine.clock.advance(1);
  const reloaded = engine.scheduler.reload([jobOf('a', { schedules: [], exclusive: ['network'] })]);
  await engine.clock.advance(1);
  engine.store.letGo();
  await engine.clock.waitFor(Promise.all([triggered, reloaded]));
  expect(engine.orders[0]?.job.exclusive).toEqual(['disk']);
});

test('a job that comes back while the last run of its old self ends is not lost', async () => {
  const engine = await startEngine([jobOf('a')]);
  await engine.clock.advance(MINUTE + SECOND);
  await engine.scheduler.reload([]);
  engine.store.hold('all');
  const reloaded = engine.scheduler.reload([jobOf('a'), jobOf('new')]);
  await engine.clock.advance(MINUTE);
  engine.store.letGo();
  await engine.clock.waitFor(reloaded);
  expect(engine.scheduler.inspect('a')).toBeDefined();
  expect(engine.scheduler.inspect('new')).toBeDefined();
});

test('ticks missed by a job whose slot an earlier daemon’s run still holds are decided before a reload replaces it', async () => {
  const store = memoryStore();
  const first = await startEngine([jobOf('a')], { store, script: () => takes(HOUR) });
  await first.clock.advance(MINUTE + SECOND);
  const second = await startEngine([jobOf('a')], { store, clock: createVirtualClock({ start: START + 4 * MINUTE }) });
  expect(second.scheduler.inspect('a')?.nextTickAt).toBe(START + 2 * MINUTE);
  const every = jobOf('a', { schedules: [{ kind: 'every', everyMs: HOUR }] });
  await second.clock.waitFor(second.scheduler.reload([every]));
  const decided = (await second.ticks('a')).map(({ tick }) => tick - START);
  expect(decided.toSorted((x, y) => x - y)).toEqual([MINUTE, 2 * MINUTE, 3 * MINUTE, 4 * MINUTE]);
});
