import { expect, test } from 'vitest';
import type { Job } from '../../src/core/job.ts';
import type { AttemptScript } from '../../src/testing/script.ts';
import { steer, type Steered, type SteeredOptions } from './control-setup.ts';
import { HOUR, jobOf, memoryStore, MINUTE, SECOND, startEngine, takes } from './engine.ts';

const BY_HAND = { schedules: [] };
const NO_SCHEDULE = 'it has no schedule: it runs only when it is asked to';
const NO_RUN = 'no run of it has ended yet';
const stubborn = (): AttemptScript => ({ steps: [{ takesMs: Infinity }] });

async function why(steered: Steered, job = 'a'): Promise<readonly string[]> {
  return steered.settle(steered.control.why(job));
}

/** Jobs that run when asked for, of which `a` was asked for a second ago. */
async function asked(own: Partial<Job> = {}, options: SteeredOptions = {}): Promise<Steered & { readonly id: string }> {
  const steered = await steer([jobOf('a', { ...BY_HAND, ...own }), jobOf('b', { ...BY_HAND, ...own })], options);
  const result = await steered.settle(steered.control.submit({ job: 'a', by: 'alice' }));
  await steered.engine.clock.advance(SECOND);
  return { ...steered, id: 'runId' in result ? (result.runId ?? '') : '' };
}

test('a job that waits for its tick says when that is, here and in UTC, and how its last run ended', async () => {
  await using steered = await steer([jobOf('a')]);
  await steered.engine.clock.advance(MINUTE + 40 * SECOND);
  const [id] = steered.engine.orders.map(({ runId }) => runId);
  expect(await why(steered)).toEqual([
    'nothing holds it: it is not running because nothing has asked for a run',
    'its next tick is at 2026-01-01 01:02:00 Europe/Berlin (2026-01-01T00:02:00.000Z), in 20s',
    `its last run, ${id}, succeeded after 10s, 30s ago`,
  ]);
});

test('the next tick of a cron schedule is told in the zone of that schedule', async () => {
  const schedules = [{ kind: 'cron', pattern: '30 4 * * *', timezone: 'America/New_York' }] as const;
  await using steered = await steer([jobOf('a', { schedules })]);
  expect(await why(steered)).toContain(
    'its next tick is at 2026-01-01 04:30:00 America/New_York (2026-01-01T09:30:00.000Z), in 9h30m',
  );
});

test('a job without a schedule, and one whose schedule is over, say so', async () => {
  await using steered = await steer([jobOf('a', BY_HAND), jobOf('b', { schedules: [{ kind: 'at', at: 1_000 }] })]);
  expect((await why(steered)).slice(-2)).toEqual([NO_SCHEDULE, NO_RUN]);
  expect((await why(steered, 'b')).slice(-2)).toEqual(['its schedules have no further tick', NO_RUN]);
});

test('a live run is told with its age, its steps, its progress and the rest of its budget', async () => {
  const progress = { completed: 1, total: 3, message: 'line\nbreak' };
  const script = (): AttemptScript => ({ steps: [{ takesMs: 500, progress }, { takesMs: HOUR }] });
  await using steered = await asked({}, { script });
  expect(await why(steered)).toEqual([
    `run ${steered.id} has been live for 1s (attempt 1, 1 step done, progress 1 of 3, line break); 39s of its budget of 40s are left`,
    NO_SCHEDULE,
    NO_RUN,
  ]);
});

test('a run between two attempts says when the next one begins', async () => {
  const retry = { attempts: 2, delayMs: 10 * SECOND, factor: 1, maxDelayMs: MINUTE, jitter: 0 };
  await using steered = await asked({ retry }, { script: () => ({ steps: [{ takesMs: 0, throws: 'no' }] }) });
  expect((await why(steered))[1]).toBe('its attempt 1 failed; attempt 2 begins in 9s');
});

test('a run that is stopping says why, and how long it may take', async () => {
  await using steered = await asked({ graceMs: 10 * SECOND }, { script: stubborn });
  await steered.settle(steered.control.cancelRun(steered.id, 'bob'));
  expect((await why(steered)).slice(0, 2)).toEqual([
    `run ${steered.id} has been live for 1s (attempt 1, 0 steps done); it was asked to stop: cancelled by bob`,
    'it is stopping: the slot is free when its end is proved, for which it has a grace of 10s',
  ]);
});

test('a blocked run says what keeps its end from being proved', async () => {
  await using steered = await asked({}, { script: stubborn });
  await steered.engine.clock.advance(50 * SECOND);
  expect((await why(steered)).slice(0, 2)).toEqual([
    `run ${steered.id} has been live for 51s (attempt 1, 0 steps done); it was asked to stop: budget`,
    'it is blocked, and keeps its slot: there is no force',
  ]);
});

test('a run that waits for a place says whose runs have them', async () => {
  await using steered = await asked({}, { concurrency: 1 });
  const waiting = await steered.settle(steered.control.submit({ job: 'b', by: 'test' }));
  expect((await why(steered, 'b'))[0]).toBe(
    `run ${'runId' in waiting ? waiting.runId : ''} waits for the only place of this node ("concurrency"); live are 1: a`,
  );
});

test('a job whose exclusive resource is held says by which run of which job', async () => {
  await using steered = await asked({ exclusive: ['db', 'disk'] });
  expect((await why(steered, 'b')).slice(0, 2)).toEqual([
    `the exclusive resource db is held by run ${steered.id} of job a`,
    `the exclusive resource disk is held by run ${steered.id} of job a`,
  ]);
  expect((await why(steered)).join()).not.toContain('exclusive');
});

test('queued runs are named', async () => {
  await using steered = await asked({ onOverlap: 'queue' });
  const queued = await steered.settle(steered.control.submit({ job: 'a', by: 'test' }));
  expect((await why(steered))[1]).toBe(`1 run waits for its slot: ${'runId' in queued ? queued.runId : ''}`);
});

test('a pause says whether a hand or the configuration did it, and what it does', async () => {
  await using steered = await asked({ onOverlap: 'queue', paused: true });
  await steered.settle(steered.control.submit({ job: 'a', by: 'test' }));
  await steered.settle(steered.control.pause('a', 'bob'));
  expect((await why(steered)).slice(2, 4)).toEqual([
    'it is paused by hand: its ticks are skipped and queued runs wait until it is resumed',
    'it is paused by the configuration ("paused": true): its ticks are skipped and queued runs wait',
  ]);
  expect((await why(steered, 'b'))[0]).toBe('it is paused by the configuration ("paused": true): its ticks are skipped');
});

test('a job that belongs on other nodes says which labels it wants', async () => {
  const options = { matches: (job: Job) => job.nodeSelector === undefined };
  await using steered = await steer([jobOf('a', { nodeSelector: { disk: 'ssd', zone: 'eu' } })], options);
  expect((await why(steered))[0]).toBe(
    'it does not run on this node, whose labels do not match its nodeSelector (disk=ssd, zone=eu)',
  );
});

test('a store that fails holds all jobs, and says so for how long', async () => {
  await using steered = await steer([jobOf('a')]);
  steered.engine.store.isFailing = true;
  await steered.engine.clock.advance(MINUTE + 5 * SECOND);
  expect((await why(steered))[0]).toBe(
    'nothing starts, for the store has failed for 5s: this store fails, for the test asked it to',
  );
});

test('a run that has ended keeps its slot until the store has it in writing', async () => {
  await using steered = await asked();
  steered.engine.store.isFailing = true;
  await steered.engine.clock.advance(10 * SECOND);
  expect((await why(steered))[0]).toBe(`run ${steered.id} has ended, and keeps its slot until the store has written that down`);
});

test('a daemon that is shutting down says so', async () => {
  await using steered = await asked();
  const stopping = steered.engine.scheduler.stop(MINUTE);
  expect(await why(steered, 'b')).toEqual(['nothing starts, for the daemon is shutting down', NO_SCHEDULE, NO_RUN]);
  await steered.settle(stopping);
});

test('a slot that an earlier daemon holds, and a resource of it, are told with the run', async () => {
  const store = memoryStore();
  const jobs = [jobOf('a', { ...BY_HAND, exclusive: ['db'] }), jobOf('b', { ...BY_HAND, exclusive: ['db'] })];
  const first = await startEngine(jobs, { store, script: () => takes(HOUR) });
  await first.clock.waitFor(first.scheduler.trigger('a'));
  const [id] = first.orders.map(({ runId }) => runId);
  await using steered = await steer(jobs, { store });
  expect((await why(steered))[0]).toBe(
    `run ${id} of an earlier daemon holds its slot: it is not proved yet that nothing of that run is alive`,
  );
  expect((await why(steered, 'b'))[0]).toBe(
    `the exclusive resource db is held by run ${id} of job a, which an earlier daemon left behind`,
  );
});

test('a failed last run is told with its error', async () => {
  await using steered = await asked({}, { script: () => ({ steps: [{ takesMs: 500, throws: 'disk\nfull' }] }) });
  expect((await why(steered)).at(-1)).toBe(`its last run, ${steered.id}, failed after 500ms, 500ms ago: disk full`);
});
