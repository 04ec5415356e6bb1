import { expect, test } from 'vitest';
import { allTicks, HOUR, jobOf, memoryStore, MINUTE, SECOND, START, startEngine, takes } from './engine.ts';

test('fires each tick at its instant', async () => {
  const engine = await startEngine([jobOf('a')]);
  await engine.clock.advance(3 * MINUTE);
  expect(engine.of('runStarted').map(({ startedAt, delayMs }) => [startedAt - START, delayMs])).toEqual([
    [MINUTE, 0],
    [2 * MINUTE, 0],
    [3 * MINUTE, 0],
  ]);
});

test('fences grow by one with each run', async () => {
  const engine = await startEngine([jobOf('a')]);
  await engine.clock.advance(4 * MINUTE);
  expect(engine.orders.map(({ fence }) => fence)).toEqual([1, 2, 3, 4]);
});

test('a wall clock that steps forward makes no burst: one run catches up', async () => {
  const engine = await startEngine([jobOf('a')]);
  await engine.clock.advance(MINUTE + 30 * SECOND);
  engine.clock.stepWall(20 * MINUTE);
  await engine.clock.advance(30 * SECOND);
  expect(engine.of('clockStepped')).toEqual([expect.objectContaining({ byMs: 20 * MINUTE })]);
  const ticks = await engine.ticks('a');
  expect(ticks).toHaveLength(22);
  expect(ticks.filter(({ outcome }) => outcome === 'ran')).toHaveLength(2);
  expect(ticks.filter(({ outcome }) => outcome === 'folded')).toHaveLength(20);
});

test('a held event loop is told, and its late ticks make no burst', async () => {
  const engine = await startEngine([jobOf('a')]);
  await engine.clock.advance(30 * SECOND);
  engine.clock.hold(5 * MINUTE);
  await engine.clock.advance(SECOND);
  expect(engine.of('loopStalled')).toHaveLength(1);
  expect(engine.orders).toHaveLength(1);
  expect((await engine.ticks('a')).map(({ outcome }) => outcome)).toEqual(['ran', 'skipped', 'skipped', 'skipped', 'skipped']);
});

test('a start that comes late in the life of its process is no stall', async () => {
  const engine = await startEngine([]);
  expect(engine.of('loopStalled')).toEqual([]);
});

test('ticks of a downtime follow onMissed, and what a restart finds decided is decided', async () => {
  const store = memoryStore();
  const jobs = [jobOf('latest'), jobOf('all', { onMissed: 'all', missedLimit: 3 }), jobOf('skip', { onMissed: 'skip' })];
  const first = await startEngine(jobs, { store, script: () => takes(SECOND) });
  await first.clock.advance(MINUTE + 30 * SECOND);
  await first.clock.waitFor(first.scheduler.stop(0));
  await first.clock.advance(5 * MINUTE);
  const second = await startEngine(jobs, { store, clock: first.clock, script: () => takes(SECOND) });
  await second.clock.advance(20 * SECOND);
  const outcomes = async (job: string): Promise<string[]> =>
    (await second.ticks(job)).toSorted((a, b) => a.tick - b.tick).map(({ outcome, reason }) => reason ?? outcome);
  expect(await outcomes('latest')).toEqual(['ran', 'folded', 'folded', 'folded', 'folded', 'ran']);
  expect(await outcomes('all')).toEqual(['ran', 'limit', 'limit', 'ran', 'ran', 'ran']);
  expect(await outcomes('skip')).toEqual(['ran', 'down', 'down', 'down', 'down', 'down']);
  expect(second.orders.filter(({ job }) => job.name === 'all')).toHaveLength(3);
});

test('ticks of a paused job are skipped, a live run goes on, and a trigger is heeded', async () => {
  const engine = await startEngine([jobOf('a')], { script: () => takes(30 * SECOND) });
  await engine.clock.advance(MINUTE + SECOND);
  await engine.scheduler.pause('a');
  await engine.clock.advance(MINUTE);
  expect(engine.ends[0]?.outcome).toBe('succeeded');
  expect((await engine.ticks('a'))[1]).toMatchObject({ outcome: 'skipped', reason: 'paused' });
  expect(await engine.clock.waitFor(engine.scheduler.trigger('a'))).toMatchObject({ kind: 'started' });
  await engine.scheduler.resume('a');
  await engine.clock.advance(MINUTE);
  expect((await engine.ticks('a'))[2]).toMatchObject({ outcome: 'ran' });
});

test('a queued run of a paused job waits for the resume', async () => {
  const engine = await startEngine([jobOf('a', { onOverlap: 'queue', schedules: [] })]);
  await engine.clock.waitFor(engine.scheduler.trigger('a'));
  await engine.clock.waitFor(engine.scheduler.trigger('a'));
  await engine.scheduler.pause('a');
  await engine.clock.advance(MINUTE);
  expect(engine.orders).toHaveLength(1);
  await engine.scheduler.resume('a');
  await engine.clock.advance(SECOND);
  expect(engine.orders).toHaveLength(2);
});

test('a restart starts no queued run of a paused job', async () => {
  const store = memoryStore();
  const job = jobOf('a', { onOverlap: 'queue', schedules: [] });
  const first = await startEngine([job], { store });
  await first.clock.waitFor(first.scheduler.trigger('a'));
  await first.clock.waitFor(first.scheduler.trigger('a'));
  await first.scheduler.pause('a');
  await first.clock.waitFor(first.scheduler.stop(HOUR));
  const second = await startEngine([job], { store, clock: first.clock });
  await second.clock.advance(MINUTE);
  expect(second.orders).toEqual([]);
  await second.scheduler.resume('a');
  await second.clock.advance(SECOND);
  expect(second.orders).toHaveLength(1);
});

test('a job that this node does not match is skipped, and its trigger refused', async () => {
  const engine = await startEngine([jobOf('a')], { matches: () => false });
  await engine.clock.advance(MINUTE);
  expect(await engine.ticks('a')).toMatchObject([{ outcome: 'skipped', reason: 'unmatched' }]);
  expect(await engine.clock.waitFor(engine.scheduler.trigger('a'))).toMatchObject({ kind: 'refused', reason: 'unmatched' });
});

test('a trigger is started, queued, folded, or refused with the live run', async () => {
  const engine = await startEngine([jobOf('skip', { schedules: [] }), jobOf('queue', { schedules: [], onOverlap: 'queue' })]);
  const trigger = (job: string, input?: string): Promise<unknown> =>
    engine.clock.waitFor(engine.scheduler.trigger(job, { input }));
  expect(await trigger('skip')).toMatchObject({ kind: 'started' });
  expect(await trigger('skip')).toMatchObject({ kind: 'refused', reason: 'overlap', liveRunId: engine.orders[0]?.runId });
  expect(await trigger('queue')).toMatchObject({ kind: 'started' });
  const queued = await trigger('queue');
  expect(queued).toMatchObject({ kind: 'queued' });
  expect(await trigger('queue')).toEqual({ ...(queued as object), kind: 'folded' });
  expect(await trigger('queue', '{"own":1}')).toMatchObject({ kind: 'refused', reason: 'overlap' });
  await expect(engine.scheduler.trigger('nobody')).rejects.toMatchObject({ code: 'JOB_NOT_FOUND' });
});

test("a trigger brings its own input, and a budget that is never above the job's", async () => {
  const engine = await startEngine([jobOf('a', { schedules: [] })], { script: () => takes(SECOND) });
  await engine.clock.waitFor(engine.scheduler.trigger('a', { input: '{"n":1}', budgetMs: 2 * SECOND }));
  await engine.clock.advance(5 * SECOND);
  await engine.clock.waitFor(engine.scheduler.trigger('a', { budgetMs: HOUR }));
  expect(engine.orders.map(({ input, budgetEnd }) => [input, budgetEnd])).toEqual([
    [{ n: 1 }, 2 * SECOND],
    [undefined, 45 * SECOND],
  ]);
});

test('whoever waits for the end of a run is told when it is durable', async () => {
  const engine = await startEngine([jobOf('a', { schedules: [] })]);
  const triggered = await engine.clock.waitFor(engine.scheduler.trigger('a'));
  const runId = triggered.kind === 'started' ? triggered.runId : '';
  expect(await engine.clock.waitFor(engine.scheduler.waitForEnd(runId))).toMatchObject({ runId, outcome: 'succeeded' });
  expect(engine.clock.monotonic()).toBe(10 * SECOND);
  await expect(engine.scheduler.waitForEnd(runId)).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' });
});

test('a listener that throws harms nobody, and is told of', async () => {
  const engine = await startEngine([jobOf('a')]);
  using _listener = engine.scheduler.events.on('runStarted', () => {
    throw new Error('careless');
  });
  await engine.clock.advance(2 * MINUTE);
  expect(engine.orders).toHaveLength(2);
  expect(engine.of('listenerFailed')).toMatchObject([{ event: 'runStarted' }, { event: 'runStarted' }]);
});

test('ten thousand ticks of a long downtime are decided as ranges, each once', async () => {
  const store = memoryStore();
  const job = jobOf('a', { missedWindowMs: 10 * MINUTE });
  const first = await startEngine([job], { store });
  await first.clock.waitFor(first.scheduler.stop(0));
  first.clock.stepWall(10_000 * MINUTE);
  const second = await startEngine([job], { store, clock: first.clock });
  await second.clock.advance(SECOND);
  const rows = await allTicks(store, 'a');
  expect(new Set(rows.map(({ tick }) => tick)).size).toBe(10_000);
  expect(rows.filter(({ reason }) => reason === 'window')).toHaveLength(9_989);
  expect(rows.filter(({ outcome }) => outcome === 'folded')).toHaveLength(10);
  expect(second.orders).toHaveLength(1);
});
