import { describe, expect, test } from 'vitest';
import { readSeed } from '../../src/system/metrics-seed.ts';
import { createVirtualClock } from '../../src/testing/virtual-clock.ts';
import { type Engine, HOUR, jobOf, MINUTE, SECOND, START, startEngine, takes } from '../engine/engine.ts';

/** An hour of three jobs: one that succeeds, one that did so until the fortieth minute, and one that never does. */
async function setup(): Promise<Engine> {
  const jobs = [jobOf('good'), jobOf('fell'), jobOf('never')];
  const engine = await startEngine(jobs, {
    script: ({ job, tick }) => {
      const fails = job.name === 'never' || (job.name === 'fell' && tick > START + 40 * MINUTE);
      return fails ? { ...takes(SECOND), steps: [{ takesMs: SECOND, throws: 'no' }] } : takes(SECOND);
    },
  });
  await engine.clock.advance(HOUR - SECOND);
  return engine;
}

describe('the seed of metrics', () => {
  test('names the newest end and the newest success of each job', async () => {
    const { store } = await setup();
    const { lastEnds } = await readSeed(store, [jobOf('good'), jobOf('fell'), jobOf('never')]);
    expect(lastEnds).toEqual([
      { job: 'good', endedAt: START + 59 * MINUTE + SECOND, succeededAt: START + 59 * MINUTE + SECOND, ticksSince: 0 },
      { job: 'fell', endedAt: START + 59 * MINUTE + SECOND, succeededAt: START + 40 * MINUTE + SECOND, ticksSince: 10 },
      { job: 'never', endedAt: START + 59 * MINUTE + SECOND, succeededAt: undefined, ticksSince: 10 },
    ]);
  });

  test('leaves runs that were triggered out of the ticks since the success', async () => {
    const { store, clock, scheduler } = await setup();
    for (let count = 0; count < 3; count++) {
      await clock.waitFor(scheduler.trigger('never'));
      await clock.advance(5 * SECOND);
    }
    const { lastEnds } = await readSeed(store, [jobOf('never')]);
    expect(lastEnds?.[0]?.ticksSince).toBe(7);
  });

  test('says nothing of a job that the ledger does not know', async () => {
    const { store } = await setup();
    expect((await readSeed(store, [jobOf('new')])).lastEnds).toEqual([]);
  });

  test('holds the ranges of a long downtime', async () => {
    const { store: before, scheduler, clock } = await setup();
    await clock.waitFor(scheduler.stop(0));
    const later = await startEngine([jobOf('good')], {
      store: before,
      clock: createVirtualClock({ start: START + 900 * 24 * HOUR }),
    });
    await later.clock.advance(SECOND);
    const { ranges, tallies } = await readSeed(later.store, [jobOf('good')]);
    expect(ranges?.map(({ outcome, reason }) => reason ?? outcome).toSorted()).toEqual(['folded', 'window']);
    expect(tallies?.map(({ job }) => job)).toContain('good');
  });
});
