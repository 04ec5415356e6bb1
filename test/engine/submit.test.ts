import { expect, test } from 'vitest';
import { fingerprintOf } from '../../src/engine/submit.ts';
import { steer, type Steered } from './control-setup.ts';
import { HOUR, jobOf, MINUTE, SECOND, takes } from './engine.ts';

const BY_HAND = { schedules: [] };
const CYCLE: unknown[] = [];
CYCLE.push(CYCLE);

function runIdOf(result: object): string {
  return 'runId' in result && typeof result.runId === 'string' ? result.runId : '';
}

async function submitted(steered: Steered, own: object): Promise<string> {
  return runIdOf(await steered.settle(steered.control.submit({ job: 'a', by: 'alice', ...own })));
}

test('a submission starts a run with its input, and the ledger knows who asked', async () => {
  await using steered = await steer([jobOf('a', BY_HAND)]);
  const id = await submitted(steered, { input: { deep: [1, null] } });
  await steered.engine.clock.advance(SECOND);
  expect(steered.engine.orders[0]).toMatchObject({ runId: id, input: { deep: [1, null] } });
  expect(await steered.settle(steered.control.run(id))).toMatchObject({ by: 'alice', input: '{"deep":[1,null]}' });
});

test('a budget shortens that of the job, and never lengthens it', async () => {
  await using steered = await steer([jobOf('a', BY_HAND)], { script: () => takes(HOUR) });
  const short = await submitted(steered, { budgetMs: 5 * SECOND });
  await steered.engine.clock.advance(MINUTE);
  const long = await submitted(steered, { budgetMs: HOUR });
  await steered.engine.clock.advance(SECOND);
  expect(await steered.settle(steered.control.run(short))).toMatchObject({ budgetMs: 5 * SECOND });
  expect(await steered.settle(steered.control.run(long))).toMatchObject({ state: 'running', budgetMs: 40 * SECOND });
});

test('an input that does not fit names the job and the place, and nothing starts', async () => {
  const checkInput = (): string => 'input.count: expected a number';
  await using steered = await steer([jobOf('a', BY_HAND)], { checkInput });
  await expect(steered.settle(steered.control.submit({ job: 'a', input: {}, by: 'test' }))).rejects.toMatchObject({
    code: 'INPUT_INVALID',
    message: 'job a: input.count: expected a number',
  });
  expect(await submitted(steered, {})).not.toBe('');
  expect(steered.engine.orders).toHaveLength(1);
});

test.each([
  ['a cycle', CYCLE],
  ['a function', (): number => 1],
  ['a bigint', 1n],
])('an input that is %s is no JSON', async (_, value) => {
  await using steered = await steer([jobOf('a', BY_HAND)]);
  await expect(steered.control.submit({ job: 'a', input: value, by: 'test' })).rejects.toMatchObject({ code: 'INPUT_INVALID' });
});

test('an unknown job is an error', async () => {
  await using steered = await steer([jobOf('a')]);
  await expect(steered.control.submit({ job: 'b', by: 'test' })).rejects.toMatchObject({ code: 'JOB_NOT_FOUND' });
});

test('a live run refuses the submission under onOverlap: skip, and is named', async () => {
  await using steered = await steer([jobOf('a', BY_HAND)]);
  const id = await submitted(steered, {});
  await steered.engine.clock.advance(SECOND);
  expect(await steered.settle(steered.control.submit({ job: 'a', by: 'bob' }))).toEqual({
    kind: 'refused',
    reason: 'overlap',
    liveRunId: id,
  });
});

test('a daemon that is shutting down takes nothing', async () => {
  await using steered = await steer([jobOf('a', BY_HAND)], { script: () => takes(20 * SECOND) });
  await submitted(steered, {});
  await steered.engine.clock.advance(SECOND);
  const stopping = steered.engine.scheduler.stop(MINUTE);
  await expect(steered.control.submit({ job: 'a', by: 'test' })).rejects.toMatchObject({ code: 'DRAINING' });
  await steered.settle(stopping);
  await expect(steered.control.submit({ job: 'a', by: 'test' })).rejects.toMatchObject({ code: 'DRAINING' });
});

test('while the store fails a submission is refused at once, and not heeded later', async () => {
  await using steered = await steer([jobOf('a')]);
  const { engine, control } = steered;
  engine.store.isFailing = true;
  await engine.clock.advance(MINUTE + SECOND);
  await expect(control.submit({ job: 'a', by: 'test' })).rejects.toMatchObject({ code: 'STORE_UNUSABLE' });
});

test('a key stands for its run for 24 hours, however the same request is written', async () => {
  await using steered = await steer([jobOf('a', BY_HAND)]);
  const { engine, control, settle } = steered;
  const id = await submitted(steered, { idempotencyKey: 'k', input: { x: 1, y: { b: 2, a: 3 } } });
  const again = { job: 'a', by: 'bob', idempotencyKey: 'k', input: { y: { a: 3, b: 2 }, x: 1 } };
  await engine.clock.advance(23 * HOUR);
  expect(await settle(control.submit(again))).toEqual({ kind: 'repeated', runId: id });
  await engine.clock.advance(HOUR + SECOND);
  const later = await settle(control.submit(again));
  expect(later).toMatchObject({ kind: 'started' });
  expect(runIdOf(later)).not.toBe(id);
});

test('a key that is used for another request to the same job is an error of the asker', async () => {
  await using steered = await steer([jobOf('a', BY_HAND)]);
  const { control, settle } = steered;
  const id = await submitted(steered, { idempotencyKey: 'k', input: 1 });
  for (const other of [{ input: 2 }, {}, { input: 1, budgetMs: 5 }]) {
    const again = control.submit({ job: 'a', by: 'test', idempotencyKey: 'k', ...other });
    expect(await settle(again)).toEqual({ kind: 'keyReused', runId: id });
  }
});

test('200 submissions with one key at once lead to one run', async () => {
  await using steered = await steer([jobOf('a', { ...BY_HAND, onOverlap: 'queue' })]);
  const { control, settle, engine } = steered;
  const all = Array.from({ length: 200 }, () => control.submit({ job: 'a', by: 'test', idempotencyKey: 'k' }));
  const results = await settle(Promise.all(all));
  expect(results.filter(({ kind }) => kind === 'started')).toHaveLength(1);
  expect(new Set(results.map(runIdOf)).size).toBe(1);
  await engine.clock.advance(MINUTE);
  expect(engine.orders).toHaveLength(1);
});

test('fingerprints differ where requests do', () => {
  const requests = [{ input: [1, 2] }, { input: [2, 1] }, { input: '1' }, { input: 1 }, { input: null }, {}];
  expect(new Set(requests.map(fingerprintOf)).size).toBe(requests.length);
  expect(fingerprintOf(JSON.parse('{"input":{"__proto__":1}}'))).not.toBe(fingerprintOf({ input: {} }));
});
