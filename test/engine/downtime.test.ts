/** Long downtimes: what they cost, what runs, and what the ledger can list afterwards. */
import { expect, test } from 'vitest';
import type { Job } from '../../src/core/job.ts';
import type { Calendar } from '../../src/core/ports.ts';
import type { Store } from '../../src/core/store.ts';
import { countTicks } from '../../src/core/tick-range.ts';
import { createCalendar } from '../../src/system/calendar.ts';
import {
  allTicks,
  type Engine,
  HOUR,
  jobOf,
  makeEngine,
  memoryStore,
  MINUTE,
  SECOND,
  START,
  startEngine,
  takes,
} from './engine.ts';

const YEAR = 365 * 24 * HOUR;
const eachSecond = { schedules: [{ kind: 'every', everyMs: SECOND }] } as const;

/** A scheduler that was stopped, and the same jobs under another one after a while. */
async function afterDowntime(jobs: readonly Job[], ms: number, calendar?: Calendar): Promise<{ engine: Engine; store: Store }> {
  const store = memoryStore();
  const first = await startEngine(jobs, { store, script: () => takes(100) });
  await first.clock.advance(500);
  await first.clock.waitFor(first.scheduler.stop(0));
  first.clock.stepWall(ms);
  const engine = makeEngine({
    store,
    clock: first.clock,
    script: () => takes(100),
    ...(calendar === undefined ? {} : { calendar }),
  });
  await engine.clock.waitFor(engine.scheduler.start(jobs));
  return { engine, store };
}

test('ten years of a job each second cost a bounded number of questions and rows', async () => {
  const calendar = createCalendar();
  let questions = 0;
  const counting: Calendar = { ...calendar, next: (...asked) => (questions++, calendar.next(...asked)) };
  const { engine, store } = await afterDowntime([jobOf('a', eachSecond)], 10 * YEAR, counting);
  expect(questions).toBeLessThan(200);
  expect(await store.ticks({ job: 'a', limit: 100 })).toHaveLength(1);
  expect(engine.of('ticksDecided').map(({ outcome, reason }) => [outcome, reason])).toEqual([
    ['missed', 'window'],
    ['folded', undefined],
  ]);
  expect(engine.scheduler.statistics()).toMatchObject({ tickRanges: 2, ticks: { ran: 1, missed: 0 } });
  const [folded, missed] = await store.ranges({ job: 'a', limit: 9 });
  const [run] = await store.ticks({ job: 'a', limit: 1 });
  expect([missed?.from, missed?.to, folded?.to]).toEqual([START + SECOND - 1, folded?.from, (run?.tick ?? 0) - 1]);
  expect(countTicks(calendar, folded ?? never(), 10_000)).toEqual({ count: HOUR / SECOND - 1 });
});

function never(): never {
  throw new Error('there is no such range');
}

test.each([
  ['skip', 0, 'down'],
  ['latest', 1, undefined],
  ['all', 5, 'limit'],
] as const)(
  'eight hours of a job each second under %s lead to %i runs, and every tick has one outcome',
  async (onMissed, runs, reason) => {
    const { engine, store } = await afterDowntime([jobOf('a', { ...eachSecond, onMissed, missedLimit: 5 })], 8 * HOUR);
    await engine.clock.advance(SECOND / 4);
    const caught = (await engine.runs('a')).filter(({ cause }) => cause === 'catchup');
    expect(caught).toHaveLength(runs);
    const ticks = await allTicks(store, 'a');
    expect(new Set(ticks.map(({ tick }) => tick)).size).toBe(8 * 3_600);
    expect(ticks).toHaveLength(8 * 3_600);
    expect(ticks.filter((tick) => tick.reason === 'window').length).toBeGreaterThanOrEqual(7 * 3_600 - 1);
    expect(ticks.filter((tick) => tick.reason === reason).length).toBeGreaterThanOrEqual(reason === undefined ? 1 : 3_594);
  },
);

test('live ticks of other jobs come in time while hundreds catch up', async () => {
  const many = Array.from({ length: 300 }, (_, index) => jobOf(`late-${index}`, { onMissed: 'skip', missedWindowMs: 0 }));
  const { engine } = await afterDowntime([...many, jobOf('live', eachSecond)], 900 * MINUTE);
  await engine.clock.advance(3 * SECOND);
  const live = engine.of('runStarted').filter(({ job, cause }) => job === 'live' && cause === 'tick');
  expect(live.length).toBeGreaterThanOrEqual(2);
  expect(Math.max(...live.map(({ delayMs }) => delayMs))).toBeLessThan(100);
  expect(await engine.ticks('late-299')).toHaveLength(900);
});

test('a scheduler that was frozen for a day treats its ticks as missed', async () => {
  const engine = await startEngine([jobOf('a', { ...eachSecond, onMissed: 'skip' })], { script: () => takes(100) });
  await engine.clock.advance(10 * SECOND);
  engine.clock.hold(24 * HOUR);
  await engine.clock.advance(10 * SECOND);
  expect(engine.of('ticksDecided').map(({ reason }) => reason)).toEqual(['window', 'down']);
  expect(engine.orders.length).toBeGreaterThanOrEqual(18);
});

test('a paused job skips a long downtime as one', async () => {
  const { engine } = await afterDowntime([jobOf('a', { ...eachSecond, paused: true })], YEAR);
  expect(engine.of('ticksDecided')).toMatchObject([{ outcome: 'skipped', reason: 'paused' }]);
});
