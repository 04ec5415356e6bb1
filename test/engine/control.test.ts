import { getEventListeners } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { TaskContext } from '../../src/core/task.ts';
import type { AttemptScript } from '../../src/testing/script.ts';
import { createInlineRunner } from '../../src/runner/inline.ts';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import { NODE, steer } from './control-setup.ts';
import { HOUR, jobOf, memoryStore, MINUTE, SECOND, START, startEngine, takes } from './engine.ts';

/** Comes back only by force, and then after so long. */
function stubborn(forceDelayMs?: number): AttemptScript {
  return { steps: [{ takesMs: Infinity }], forceDelayMs };
}

const BY_HAND = { schedules: [] };

test('a job that runs is shown with its live run, the tick to come and the newest run that ended', async () => {
  await using steered = await steer([jobOf('a'), jobOf('b', BY_HAND)]);
  const { engine, control, settle } = steered;
  await engine.clock.advance(2 * MINUTE + 3 * SECOND);
  const [a, b] = await settle(control.jobs());
  expect(a).toMatchObject({
    state: 'running',
    paused: false,
    budgetMs: 40 * SECOND,
    graceMs: SECOND,
    nextTick: START + 3 * MINUTE,
    queuedRuns: [],
    liveRun: {
      state: 'running',
      startedAt: START + 2 * MINUTE,
      deadline: START + 2 * MINUTE + 40 * SECOND,
      attempts: 1,
    },
    lastRun: { state: 'succeeded', endedAt: START + MINUTE + 10 * SECOND },
  });
  expect(b).toEqual({
    job: expect.objectContaining({ name: 'b' }),
    state: 'idle',
    paused: false,
    budgetMs: 40 * SECOND,
    graceMs: SECOND,
    queuedRuns: [],
  });
  expect(await settle(control.job('a'))).toEqual(a);
  await expect(control.job('c')).rejects.toMatchObject({ code: 'JOB_NOT_FOUND' });
});

test('budget and grace that a job leaves open are those that follow from its ticks', async () => {
  await using steered = await steer([jobOf('a', { budgetMs: undefined, graceMs: undefined })]);
  expect(await steered.settle(steered.control.job('a'))).toMatchObject({ budgetMs: 54 * SECOND, graceMs: 5 * SECOND });
});

test('a list leaves input, checkpoint and result out, and a single job shows them', async () => {
  const runner = (clock: Parameters<typeof createInlineRunner>[0]) =>
    createInlineRunner(clock, () => () => ({ done: true, checkpoint: [1], result: 'r' }));
  const task = { kind: 'function', target: undefined } as const;
  await using steered = await steer([jobOf('a', { ...BY_HAND, task })], { runner });
  const { engine, control, settle } = steered;
  await settle(control.submit({ job: 'a', input: { x: 1 }, by: 'alice' }));
  await engine.clock.advance(SECOND);
  const [listed] = await settle(control.jobs());
  expect(listed?.lastRun).toMatchObject({ state: 'succeeded', by: 'alice' });
  expect(listed?.lastRun).not.toHaveProperty('input');
  expect(listed?.lastRun).not.toHaveProperty('result');
  expect((await settle(control.job('a'))).lastRun).toMatchObject({ input: '{"x":1}' });
});

test('the newest run that ended is known anew after each end, and asked for once', async () => {
  const store = memoryStore();
  let asked = 0;
  const runs = store.runs.bind(store);
  store.runs = (query) => {
    asked++;
    return runs(query);
  };
  await using steered = await steer([jobOf('a'), jobOf('b', BY_HAND)], { store });
  const { engine, control, settle } = steered;
  await settle(control.jobs());
  await settle(control.jobs());
  expect(asked).toBe(2);
  await engine.clock.advance(MINUTE + 20 * SECOND);
  expect((await settle(control.jobs()))[0]?.lastRun?.tick).toBe(START + MINUTE);
  await engine.clock.advance(MINUTE);
  expect((await settle(control.jobs()))[0]?.lastRun?.tick).toBe(START + 2 * MINUTE);
  expect(asked).toBe(4);
});

test('the last runs of very many jobs take few questions, and the event loop is not held for them', async () => {
  const store = memoryStore();
  let asked = 0;
  const runs = store.runs.bind(store);
  store.runs = (query) => {
    asked++;
    return runs(query);
  };
  const jobs = Array.from({ length: 3_000 }, (_, index) => jobOf(`job-${index}`, index % 3 === 0 ? {} : BY_HAND));
  await using steered = await steer(jobs, { store, concurrency: 1_000, script: () => takes(SECOND) });
  const { engine, control, settle } = steered;
  await engine.clock.advance(MINUTE + 5 * SECOND);
  const views = await settle(control.jobs());
  expect(views.filter(({ lastRun }) => lastRun?.tick === START + MINUTE)).toHaveLength(1_000);
  expect(views.filter(({ lastRun }) => lastRun === undefined)).toHaveLength(2_000);
  expect(asked).toBeLessThanOrEqual(5);
  expect(views.map(({ job }) => job.name)).toEqual(jobs.map(({ name }) => name).sort());
});

test('a job whose last run is long past is asked for by itself among many', async () => {
  const jobs = Array.from({ length: 60 }, (_, index) => jobOf(`job-${index}`));
  await using steered = await steer([...jobs, jobOf('old', BY_HAND)], { script: () => takes(SECOND), concurrency: 100 });
  const { engine, control, settle } = steered;
  await settle(control.submit({ job: 'old', by: 'test' }));
  await engine.clock.advance(20 * MINUTE);
  const old = (await settle(control.jobs())).find(({ job }) => job.name === 'old');
  expect(old?.lastRun).toMatchObject({ state: 'succeeded', by: 'test' });
});

test('a live run shows its progress, steps, attempt and newest checkpoint', async () => {
  const script = (): AttemptScript => ({
    steps: [{ takesMs: SECOND, checkpoint: { at: 1 }, progress: { completed: 1, total: 2 } }, { takesMs: 30 * SECOND }],
  });
  await using steered = await steer([jobOf('a')], { script });
  const { engine, control, settle } = steered;
  await engine.clock.advance(MINUTE + 5 * SECOND);
  const { liveRun } = await settle(control.job('a'));
  const shown = { steps: 1, attempts: 1, checkpoint: '{"at":1}', progress: { completed: 1, total: 2 }, budgetMs: 40 * SECOND };
  expect(liveRun).toMatchObject({ state: 'running', ...shown });
  expect(await settle(control.run(liveRun?.id ?? ''))).toEqual(liveRun);
});

test('a run that was asked to stop is stopping, and says why', async () => {
  await using steered = await steer([jobOf('a', { graceMs: 10 * SECOND })], { script: () => stubborn() });
  const { engine, control, settle } = steered;
  await engine.clock.advance(MINUTE + SECOND);
  const id = engine.orders[0]?.runId ?? '';
  expect(await settle(control.cancelRun(id, 'alice'))).toBe('running');
  expect(await settle(control.run(id))).toMatchObject({
    state: 'stopping',
    waitingFor: 'its end: it was asked to stop (cancelled by alice)',
  });
  expect((await settle(control.job('a'))).state).toBe('stopping');
  expect(await settle(control.cancelRun(id, 'bob'))).toBe('stopping');
});

test('a run whose end is not proved is blocked, says on what, and is a fault of the daemon', async () => {
  await using steered = await steer([jobOf('a')], { script: () => stubborn() });
  const { engine, control, settle } = steered;
  await engine.clock.advance(MINUTE + 45 * SECOND);
  const id = engine.orders[0]?.runId ?? '';
  expect(await settle(control.run(id))).toMatchObject({ state: 'blocked', waitingFor: 'there is no force' });
  expect((await settle(control.job('a'))).state).toBe('blocked');
  expect(control.health().faults).toEqual([`run ${id} of job a is blocked: there is no force`]);
  expect(control.health()).toMatchObject({ alive: true, ready: true });
});

test('a run that waits for a place is queued', async () => {
  await using steered = await steer([jobOf('a'), jobOf('b')], { concurrency: 1, script: () => takes(20 * SECOND) });
  const { engine, control, settle } = steered;
  await engine.clock.advance(MINUTE + SECOND);
  expect((await settle(control.jobs())).map(({ state }) => state).sort()).toEqual(['queued', 'running']);
  const [waiting] = await settle(control.runs({ state: 'queued', limit: 10 }));
  expect(waiting).toMatchObject({ state: 'queued', waitingFor: 'one of the places of this node' });
  expect(await settle(control.runs({ state: 'running', limit: 10 }))).toHaveLength(1);
});

test('runs are listed by the states that the ledger does not know, page by page', async () => {
  const jobs = ['a', 'b', 'c'].map((name) => jobOf(name, { ...BY_HAND, graceMs: MINUTE }));
  await using steered = await steer(jobs, { script: () => stubborn() });
  const { engine, control, settle } = steered;
  for (const { name } of jobs) await settle(control.submit({ job: name, by: 'test' }));
  await engine.clock.advance(SECOND);
  await settle(control.cancelJob('a', 'test'));
  await settle(control.cancelJob('c', 'test'));
  const [first] = await settle(control.runs({ state: 'stopping', limit: 1 }));
  const rest = await settle(control.runs({ state: 'stopping', limit: 10, after: first?.id ?? '' }));
  expect([first, ...rest].map((run) => run?.job)).toEqual(['c', 'a']);
  expect((await settle(control.runs({ state: 'running', limit: 10 }))).map(({ job }) => job)).toEqual(['b']);
  expect(await settle(control.runs({ state: 'blocked', limit: 10 }))).toEqual([]);
  expect((await settle(control.runs({ limit: 10 }))).map(({ state }) => state)).toEqual(['stopping', 'running', 'stopping']);
});

test('a job that is paused says so, and one that is resumed no longer', async () => {
  await using steered = await steer([jobOf('a'), jobOf('b', { paused: true })]);
  const { control, settle } = steered;
  const told: unknown[] = [];
  using _feed = control.follow(undefined, ({ type, data }) => told.push([type, JSON.parse(data)]));
  await settle(control.pause('a', 'alice'));
  expect(told).toContainEqual(['jobPaused', expect.objectContaining({ job: 'a', by: 'alice' })]);
  expect((await settle(control.jobs())).map(({ state, paused }) => [state, paused])).toEqual([
    ['paused', true],
    ['paused', true],
  ]);
  await settle(control.resume('a', 'alice'));
  expect(await settle(control.job('a'))).toMatchObject({ state: 'idle', paused: false });
});

test('cancelling a job asks its live run to stop and withdraws its queued one', async () => {
  await using steered = await steer([jobOf('a', { ...BY_HAND, onOverlap: 'queue' })]);
  const { engine, control, settle } = steered;
  const first = await settle(control.submit({ job: 'a', by: 'test' }));
  const second = await settle(control.submit({ job: 'a', by: 'test' }));
  const ids = [first, second].map((result) => ('runId' in result ? result.runId : ''));
  expect((await settle(control.job('a'))).queuedRuns).toEqual([ids[1]]);
  expect([...(await settle(control.cancelJob('a', 'alice')))].sort()).toEqual([...ids].sort());
  await engine.clock.advance(SECOND);
  for (const id of ids) expect(await settle(control.run(id))).toMatchObject({ state: 'cancelled', by: 'alice' });
  expect(await settle(control.cancelRun(ids[0] ?? '', 'bob'))).toBe('cancelled');
});

test('a job that is named as a run of another one is is not cancelled with it', async () => {
  await using steered = await steer([jobOf('a')], { script: () => takes(30 * SECOND) });
  const { engine, control, settle } = steered;
  await engine.clock.advance(MINUTE + SECOND);
  const id = engine.orders[0]?.runId ?? '';
  await settle(engine.scheduler.reload([jobOf('a'), jobOf(id, BY_HAND)]));
  await settle(control.submit({ job: id, by: 'test' }));
  await settle(control.cancelRun(id, 'alice'));
  expect((await settle(control.job(id))).state).toBe('running');
  expect(await settle(control.cancelJob(id, 'alice'))).toHaveLength(1);
});

test('nobody knows a run by a part of its id, or by nonsense', async () => {
  await using steered = await steer([jobOf('a')]);
  const { engine, control, settle } = steered;
  await engine.clock.advance(MINUTE + SECOND);
  const id = engine.orders[0]?.runId ?? '';
  for (const unknown of ['', id.slice(0, 12), '000000000-00000000000000', '../..', `${id}x`]) {
    expect(await settle(control.run(unknown))).toBeUndefined();
    expect(await settle(control.cancelRun(unknown, 'test'))).toBeUndefined();
    expect(await settle(control.log(unknown, { limit: 1 }))).toBeUndefined();
  }
});

test('a wait is over with the run, with its signal, or at once for a run that is not live', async () => {
  await using steered = await steer([jobOf('a')]);
  const { engine, control, settle } = steered;
  await engine.clock.advance(MINUTE + SECOND);
  const id = engine.orders[0]?.runId ?? '';
  const never = new AbortController().signal;
  const giveUp = new AbortController();
  const given = control.waitForEnd(id, giveUp.signal);
  giveUp.abort();
  await given;
  await settle(control.waitForEnd(id, never));
  expect(engine.clock.now()).toBe(START + MINUTE + 10 * SECOND);
  expect(await settle(control.run(id))).toMatchObject({ state: 'succeeded' });
  await control.waitForEnd(id, never);
  await control.waitForEnd('nonsense', never);
  await control.waitForEnd(id, giveUp.signal);
});

test('a wait for a run that an earlier daemon left behind is over when its death is written down', async () => {
  const store = memoryStore();
  const first = await startEngine([jobOf('a', BY_HAND)], { store, script: () => takes(HOUR) });
  await first.clock.waitFor(first.scheduler.trigger('a'));
  const [left] = await store.liveRuns();
  await using steered = await steer([jobOf('a', BY_HAND)], { store });
  const { engine, control, settle } = steered;
  const waiting = control.waitForEnd(left?.id ?? '', new AbortController().signal);
  if (left !== undefined) engine.scheduler.bury(left);
  await settle(waiting);
  expect(await settle(control.run(left?.id ?? ''))).toMatchObject({ state: 'lost' });
});

test('a wait that is over leaves nothing behind at its signal', async () => {
  await using steered = await steer([jobOf('a')]);
  const { engine, control, settle } = steered;
  await engine.clock.advance(MINUTE + SECOND);
  const { signal } = new AbortController();
  const waiting = control.waitForEnd(engine.orders[0]?.runId ?? '', signal);
  expect(getEventListeners(signal, 'abort')).toHaveLength(1);
  await settle(waiting);
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});

test('ticks and ticks to come are listed', async () => {
  await using steered = await steer([jobOf('a'), jobOf('b', BY_HAND)]);
  const { engine, control, settle } = steered;
  await engine.clock.advance(2 * MINUTE + SECOND);
  expect((await settle(control.ticks({ job: 'a', limit: 9 }))).map(({ tick }) => tick - START)).toEqual([2 * MINUTE, MINUTE]);
  expect((await settle(control.nextTicks('a', 2))).map((tick) => tick - START)).toEqual([3 * MINUTE, 4 * MINUTE]);
  expect(await settle(control.nextTicks('b', 2))).toEqual([]);
  await expect(control.ticks({ job: 'c', limit: 1 })).rejects.toMatchObject({ code: 'JOB_NOT_FOUND' });
});

test('a daemon is ready between its start and its drain, while its store works', async () => {
  await using steered = await steer([jobOf('a')]);
  const { engine, control, settle } = steered;
  expect(control.health()).toEqual({ loopMovedMsAgo: 0, alive: true, ready: true, faults: [] });
  engine.store.isFailing = true;
  await engine.clock.advance(MINUTE + 5 * SECOND);
  expect(control.health()).toMatchObject({
    alive: true,
    ready: false,
    faults: ['the store has failed for 5s: this store fails, for the test asked it to'],
  });
  engine.store.isFailing = false;
  await engine.clock.advance(2 * SECOND);
  expect(control.health().ready).toBe(true);
  await settle(engine.scheduler.stop(MINUTE));
  expect(control.health()).toMatchObject({ ready: false, faults: ['the daemon is shutting down'] });
});

test('a daemon is alive while its loop moves each 30 s, and dead 5 s later', async () => {
  await using steered = await steer([jobOf('a', BY_HAND)]);
  const { engine, control } = steered;
  await engine.clock.advance(HOUR + 29 * SECOND);
  expect(control.health()).toMatchObject({ loopMovedMsAgo: 29 * SECOND, alive: true });
  engine.clock.hold(6 * SECOND);
  expect(control.health()).toMatchObject({ alive: true });
  engine.clock.hold(SECOND);
  expect(control.health()).toMatchObject({
    alive: false,
    ready: false,
    faults: ["the scheduler's loop has not moved for 36s"],
  });
});

test('views, submissions, logs and words are the same over SQLite', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tickwise-control-'));
  const store = await openSqliteStore({ path: join(folder, 'ledger.db'), node: NODE });
  try {
    const runner = (clock: Parameters<typeof createInlineRunner>[0]) =>
      createInlineRunner(clock, () => async ({ log, sleep }: Pick<TaskContext, 'log' | 'sleep'>) => {
        log.info('one');
        await sleep(10 * SECOND);
        log.info('two');
      });
    const task = { kind: 'function', target: undefined } as const;
    await using steered = await steer([jobOf('a', { task })], { store, runner });
    const { engine, control, settle } = steered;
    const request = { job: 'a', input: 1, by: 'alice', idempotencyKey: 'k' };
    const started = await settle(control.submit(request));
    const runId = 'runId' in started ? (started.runId ?? '') : '';
    expect(started).toMatchObject({ kind: 'started' });
    expect(await settle(control.submit(request))).toEqual({ kind: 'repeated', runId });
    await engine.clock.advance(SECOND);
    expect(await settle(control.job('a'))).toMatchObject({ state: 'running', liveRun: { id: runId, by: 'alice', input: '1' } });
    await settle(control.waitForEnd(runId, new AbortController().signal));
    expect((await settle(control.log(runId, { limit: 9 })))?.map(({ seq, text }) => [seq, text])).toEqual([
      [1, 'one'],
      [2, 'two'],
    ]);
    await engine.clock.advance(SECOND);
    expect(await settle(control.jobs())).toMatchObject([{ state: 'idle', lastRun: { id: runId, state: 'succeeded' } }]);
    expect((await settle(control.why('a'))).at(-1)).toBe(`its last run, ${runId}, succeeded after 10s, 1s ago`);
    expect(await settle(store.log({ runId, limit: 9 }))).toHaveLength(2);
  } finally {
    await store[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  }
});
