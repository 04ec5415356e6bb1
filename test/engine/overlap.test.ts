import { expect, test } from 'vitest';
import { HOUR, jobOf, MINUTE, SECOND, START, startEngine, takes } from './engine.ts';

const LONG = { budgetMs: HOUR, graceMs: 5 * SECOND };

test('skips the tick while the previous run is alive', async () => {
  const engine = await startEngine([jobOf('a', LONG)], { script: () => takes(150 * SECOND) });
  await engine.clock.advance(4 * MINUTE);
  expect((await engine.ticks('a')).map(({ outcome, reason }) => [outcome, reason])).toEqual([
    ['ran', undefined],
    ['skipped', 'overlap'],
    ['skipped', 'overlap'],
    ['ran', undefined],
  ]);
});

test('queues one run and folds later ticks into it, by its id', async () => {
  const engine = await startEngine([jobOf('a', { ...LONG, onOverlap: 'queue' })], { script: () => takes(210 * SECOND) });
  await engine.clock.advance(5 * MINUTE);
  const ticks = await engine.ticks('a');
  expect(ticks.map(({ outcome }) => outcome)).toEqual(['ran', 'ran', 'folded', 'folded', 'ran']);
  expect(ticks[2]?.runId).toBe(ticks[1]?.runId);
  expect(ticks[3]?.runId).toBe(ticks[1]?.runId);
  expect(engine.orders.map(({ runId }) => runId)).toEqual([ticks[0]?.runId, ticks[1]?.runId]);
  expect(engine.orders[1]?.tick).toBe(START + 2 * MINUTE);
});

test('cancels the live run, waits for the proof of its end, and then starts', async () => {
  const engine = await startEngine([jobOf('a', { ...LONG, onOverlap: 'cancel' })], {
    script: () => ({ steps: [{ takesMs: HOUR }], stopDelayMs: 3 * SECOND, forceDelayMs: 0 }),
  });
  await engine.clock.advance(2 * MINUTE + 2 * SECOND);
  expect(engine.orders).toHaveLength(1);
  await engine.clock.advance(2 * SECOND);
  expect(engine.orders).toHaveLength(2);
  expect(engine.of('runEnded')).toMatchObject([{ outcome: 'cancelled', reason: 'cancelled by overlap' }]);
  expect(engine.of('runStarted')[1]?.startedAt).toBe(START + 2 * MINUTE + 3 * SECOND);
});

test('two jobs that share a resource are never live together', async () => {
  const exclusive = ['disk'];
  const engine = await startEngine([jobOf('a', { exclusive }), jobOf('b', { exclusive, onOverlap: 'queue' })]);
  await engine.clock.advance(MINUTE + SECOND);
  expect(engine.live()).toEqual(['a']);
  await engine.clock.advance(10 * SECOND);
  expect(engine.live()).toEqual(['b']);
});

test('a tick of policy skip that finds its resource held says so', async () => {
  const exclusive = ['disk'];
  const engine = await startEngine([jobOf('a', { exclusive }), jobOf('b', { exclusive })]);
  await engine.clock.advance(MINUTE);
  expect(await engine.ticks('b')).toMatchObject([{ outcome: 'skipped', reason: 'exclusive' }]);
});

test('no more runs are live than there are places, and those of higher priority go first', async () => {
  const jobs = [1, 3, 2, 5, 4].map((priority) => jobOf(`p${priority}`, { priority }));
  const engine = await startEngine(jobs, { concurrency: 2, script: () => takes(5 * SECOND) });
  await engine.clock.advance(MINUTE);
  expect([engine.live(), engine.scheduler.statistics()]).toMatchObject([['p5', 'p4'], { live: 5, waitingForPlace: 3 }]);
  await engine.clock.advance(30 * SECOND);
  expect(engine.orders.map(({ job }) => job.name)).toEqual(['p5', 'p4', 'p3', 'p2', 'p1']);
});

test('a tick that finds its run waiting for a place is skipped for capacity', async () => {
  const jobs = [jobOf('first', { ...LONG, priority: 1 }), jobOf('second')];
  const engine = await startEngine(jobs, { concurrency: 1, script: () => takes(3 * MINUTE) });
  await engine.clock.advance(2 * MINUTE);
  expect((await engine.ticks('second')).map(({ outcome, reason }) => [outcome, reason])).toEqual([
    ['ran', undefined],
    ['skipped', 'capacity'],
  ]);
});

test('a run that waits for a place is withdrawn when it is cancelled, and its slot is free', async () => {
  const jobs = [jobOf('first', { ...LONG, priority: 1 }), jobOf('second', { schedules: [] })];
  const engine = await startEngine(jobs, { concurrency: 1, script: () => takes(10 * MINUTE) });
  await engine.clock.advance(MINUTE);
  await engine.clock.waitFor(engine.scheduler.trigger('second'));
  expect(engine.scheduler.cancel('second', 'me')).toHaveLength(1);
  await engine.clock.advance(SECOND);
  expect(engine.of('runEnded')).toMatchObject([{ job: 'second', outcome: 'cancelled', steps: 0 }]);
  expect(await engine.clock.waitFor(engine.scheduler.trigger('second'))).toMatchObject({ kind: 'started' });
});

test('a queued run that is withdrawn while the store grants it is stopped like a live one', async () => {
  const engine = await startEngine([jobOf('a', { onOverlap: 'queue', schedules: [] })]);
  await engine.clock.waitFor(engine.scheduler.trigger('a'));
  const queued = await engine.clock.waitFor(engine.scheduler.trigger('a'));
  const turns = engine.store.turns.length;
  await engine.clock.runUntil(() => engine.of('runEnded').length === 1);
  engine.store.hold();
  await engine.clock.runUntil(() => engine.store.turns.slice(turns).some(({ promotions }) => promotions.length > 0));
  expect(engine.scheduler.cancel('a', 'me')).toHaveLength(1);
  engine.store.letGo();
  await engine.clock.advance(MINUTE);
  const runId = queued.kind === 'queued' ? queued.runId : '';
  expect(engine.of('runEnded').slice(1)).toMatchObject([{ runId, outcome: 'cancelled', reason: 'cancelled by me' }]);
  expect(await engine.runs('a')).toMatchObject([{ state: 'succeeded' }, { state: 'cancelled' }]);
});
