import { expect, test } from 'vitest';
import type { RunRecord } from '../../src/core/ledger.ts';
import { recover } from '../../src/engine/recovery.ts';
import { createVirtualClock, type VirtualClock } from '../../src/testing/virtual-clock.ts';
import { type Engine, jobOf, memoryStore, MINUTE, SECOND, startEngine } from './engine.ts';

/** Recovers on an engine what its store held; the proof of each run comes when the test gives it. */
function recovery(
  engine: Engine,
  left: readonly RunRecord[],
): { readonly told: string[]; readonly asked: string[]; prove(why?: string): void; readonly done: Promise<void> } {
  let answers: ((why: string | undefined) => void)[] = [];
  const told: string[] = [];
  const asked: string[] = [];
  const done = recover(left, {
    scheduler: engine.scheduler,
    clock: engine.clock,
    prover: {
      prove: (run) => {
        asked.push(run.id);
        return new Promise((resolve) => answers.push(resolve));
      },
    },
    onUnproven: (run, why) => void told.push(`${run.job}: ${why}`),
    signal: new AbortController().signal,
  });
  const prove = (why?: string): void => {
    const waiting = answers;
    answers = [];
    for (const answer of waiting) answer(why);
  };
  return { told, asked, prove, done };
}

/** Nobody moves the clock of a scheduler that is dead. */
function laterThan(first: Engine): VirtualClock {
  return createVirtualClock({ start: first.clock.now() + SECOND });
}

test('a slot is taken until the proof, and its ticks are decided after it', async () => {
  const store = memoryStore();
  const first = await startEngine([jobOf('a')], { store });
  await first.clock.advance(MINUTE);
  const second = await startEngine([jobOf('a'), jobOf('b')], { store, clock: laterThan(first) });
  const it = recovery(second, await store.liveRuns());
  await second.clock.advance(5 * SECOND);
  expect((await store.liveRuns()).map(({ job }) => job)).toEqual(['a']);

  it.prove();
  await second.clock.waitFor(it.done);
  await second.clock.advance(MINUTE + 10 * SECOND);

  expect((await second.runs('a')).map(({ state }) => state)).toEqual(['lost', 'succeeded']);
});

test('a run whose end is not proved is told of once, and proved again each 2 s', async () => {
  const store = memoryStore();
  const first = await startEngine([jobOf('a')], { store });
  await first.clock.advance(MINUTE);
  const second = await startEngine([jobOf('a')], { store, clock: laterThan(first) });
  const it = recovery(second, await store.liveRuns());
  for (let round = 0; round < 3; round++) {
    it.prove('it lives');
    await second.clock.advance(2 * SECOND);
  }
  expect(it.told).toEqual(['a: it lives']);
  expect(it.asked).toHaveLength(4);
  expect(await store.liveRuns()).toHaveLength(1);
});

test('a job that is no longer configured frees its resources for those who wait for them', async () => {
  const store = memoryStore();
  const exclusive = { exclusive: ['disk'], onOverlap: 'queue', schedules: [] } as const;
  const jobs = [jobOf('removed', exclusive), jobOf('waits', exclusive)];
  const first = await startEngine(jobs, { store });
  await first.clock.waitFor(first.scheduler.trigger('removed'));
  expect(await first.clock.waitFor(first.scheduler.trigger('waits'))).toMatchObject({ kind: 'queued' });
  const second = await startEngine(jobs.slice(1), { store, clock: laterThan(first) });
  const it = recovery(
    second,
    (await store.liveRuns()).filter(({ job }) => job === 'removed'),
  );
  await second.clock.advance(SECOND);
  expect(second.orders).toEqual([]);

  it.prove();
  await second.clock.waitFor(it.done);
  await second.clock.advance(SECOND);

  expect(second.orders.map(({ job }) => job.name)).toEqual(['waits']);
});
