/** The judges of the drill, on evidence with one fault each: a judge that finds nothing there proves nothing elsewhere. */
import { expect, test } from 'vitest';
import type { Note } from './evidence.ts';
import { overlapsIn } from './judge-overlaps.ts';
import { judgeRecovery, spread } from './judge-recovery.ts';
import { runFaults, tickFaults, ticksOf } from './judge-ticks.ts';
import { judgeWalk } from './judge-walks.ts';
import type { RunRow, TickRow } from './ledger.ts';
import { planDisturbances } from './plan.ts';

const MEANS = { clock: true, fullDisk: true, stalledDisk: true };

function note(at: number, event: Note['event'], run: string, more: Partial<Note> = {}): Note {
  return {
    event,
    job: 'job',
    run,
    tick: Number(run),
    fence: Number(run),
    attempt: 1,
    step: 1,
    pid: 1,
    n: 0,
    at,
    blurMs: 0,
    ...more,
  };
}

function row(id: string, more: Partial<RunRow> = {}): RunRow {
  const at = Number(id);
  return {
    id,
    job: 'job',
    tick: at,
    fence: at,
    outcome: 'succeeded',
    queued_at: at,
    granted_at: at,
    started_at: at,
    ended_at: at,
    pid: 1,
    node: 'node',
    ...more,
  };
}

function tick(at: number, more: Partial<TickRow> = {}): TickRow {
  return { job: 'job', tick: at, outcome: 'ran', reason: null, run: String(at), ...more };
}

const SOUND = [note(0, 'start', '1'), note(10, 'end', '1'), note(10, 'start', '2'), note(20, 'end', '2')];

test('runs one after the other do not overlap', () => {
  expect(overlapsIn([SOUND])).toEqual([]);
});

test('a run that begins before the last word of an earlier one is found', () => {
  const notes = [note(0, 'start', '1'), note(5, 'start', '2'), note(6, 'end', '2'), note(10, 'beat', '1'), note(9, 'start', '3')];
  expect(overlapsIn([notes])).toHaveLength(2);
});

test('a run that found its lock taken is found, though the times look sound', () => {
  expect(overlapsIn([[...SOUND, note(10, 'taken', '2')]])).toHaveLength(1);
});

test('runs of two jobs that share a resource are found', () => {
  expect(overlapsIn([[note(0, 'start', '1'), note(10, 'end', '1')], [note(5, 'start', '2', { job: 'other' })]])).toHaveLength(1);
});

test('a clock of hundredths is given its blur, and no more', () => {
  const late = (at: number): Note[] => [
    note(0, 'start', '1'),
    note(100, 'end', '1', { blurMs: 11 }),
    note(at, 'start', '2', { blurMs: 11 }),
  ];
  expect(overlapsIn([late(90)])).toEqual([]);
  expect(overlapsIn([late(60)])).toHaveLength(1);
});

test('each multiple of the interval needs a row, and nothing else may have one', () => {
  const span = { upAt: 1_000, settledAt: 4_000, latestAt: 4_500 };
  expect(tickFaults('job', 1_000, [tick(2_000), tick(3_000), tick(4_000)], span)).toEqual([]);
  expect(tickFaults('job', 1_000, [tick(2_000), tick(4_000)], span)).toEqual(['job: tick 3000 has no row']);
  expect(tickFaults('job', 1_000, [tick(2_000), tick(3_000), tick(3_500), tick(4_000), tick(5_000)], span)).toHaveLength(2);
  expect(tickFaults('job', 1_000, [tick(2_000), tick(3_000), tick(3_000), tick(4_000)], span)).toHaveLength(1);
});

test('ticks that share a row are counted one by one, and may not have a row of their own as well', () => {
  const span = { upAt: 1_000, settledAt: 4_000, latestAt: 4_500 };
  const shared = ticksOf([{ job: 'job', after: 1_000, to: 3_000, outcome: 'missed', reason: 'window', run: null }], 1_000);
  expect(shared.map((row) => row.tick)).toEqual([2_000, 3_000]);
  expect(tickFaults('job', 1_000, [...shared, tick(4_000)], span)).toEqual([]);
  expect(tickFaults('job', 1_000, [...shared, tick(3_000), tick(4_000)], span)).toHaveLength(1);
});

test('sound evidence and sound rows give no fault', () => {
  const found = runFaults('job', { notes: SOUND, ticks: [tick(1), tick(2)], runs: [row('1'), row('2')] });
  expect(Object.values(found).flat()).toEqual([]);
});

test.each([
  ['a step that began twice', [...SOUND, note(30, 'start', '2')]],
  ['a tick that ran under two ids', [...SOUND, note(30, 'start', '3', { tick: 2 })]],
  ['a run under two fences', [...SOUND, note(30, 'start', '2', { fence: 3, step: 2 })]],
  ['a fence that fell', [...SOUND, note(30, 'start', '3', { fence: 1 })]],
])('%s is a double tick', (_what, notes) => {
  expect(runFaults('job', { notes, ticks: [], runs: [row('1'), row('2'), row('3')] }).doubles).toHaveLength(1);
});

test.each([
  ['no row', [row('1')]],
  ['another fence', [row('1'), row('2', { fence: 7 })]],
  ['another tick', [row('1'), row('2', { tick: 7, queued_at: 7 })]],
])('evidence of a run with %s in the ledger is found', (_what, runs) => {
  expect(runFaults('job', { notes: SOUND, ticks: [], runs }).unknown).toHaveLength(1);
});

test.each([
  ['a success that nobody saw', [row('1'), row('2'), row('3')], [tick(1)]],
  ['a live run after the end', [row('1'), row('2', { outcome: null, ended_at: null })], [tick(1)]],
  ['a run before its tick', [row('1'), row('2', { queued_at: 1 })], [tick(1)]],
  ['a tick whose run is unknown', [row('1'), row('2')], [tick(9)]],
])('%s is a row that is not true', (_what, runs, ticks) => {
  expect(runFaults('job', { notes: SOUND, ticks, runs }).untrue).toHaveLength(1);
});

test('a walk may repeat the one step whose end a crash made forgotten', () => {
  const verdict = judgeWalk('job', walked('1', [1, 2], '2', [2, 3]), [row('1', { outcome: 'lost' }), row('2')]);
  expect(verdict).toMatchObject({ finished: 4, repeated: 1, mostAtOnce: 1, lost: [], beyondOne: [] });
});

test('a walk may not repeat two steps after one crash', () => {
  const verdict = judgeWalk('job', walked('1', [1, 2], '2', [1, 2]), [row('1', { outcome: 'lost' }), row('2')]);
  expect(verdict.beyondOne).toHaveLength(1);
});

test('a walk may repeat nothing without a crash, and leave out nothing ever', () => {
  expect(judgeWalk('job', walked('1', [1, 2], '2', [2, 3]), [row('1'), row('2')]).lost).toHaveLength(1);
  expect(judgeWalk('job', walked('1', [1, 2], '2', [4]), [row('1'), row('2')]).lost).toHaveLength(1);
});

test('a step that a crash cut short is begun again and is no loss', () => {
  const cut = [note(0, 'start', '1', { n: 1 }), note(5, 'start', '2', { n: 1 }), note(9, 'end', '2', { n: 1 })];
  expect(judgeWalk('job', cut, [row('1', { outcome: 'lost' }), row('2')])).toMatchObject({ repeated: 0, cutShort: 1, lost: [] });
});

test('a recovery lasts from the death to the first run of the next daemon', () => {
  const lives = [
    { pid: 1, bornAt: 0, node: 'one', killedAt: 99, diedAt: 100, stderr: '' },
    { pid: 2, bornAt: 101, node: 'two', stderr: '' },
  ];
  const notes = [note(50, 'start', '1'), note(110, 'start', '1', { step: 2 }), note(150, 'start', '2')];
  const { recoveries } = judgeRecovery(lives, notes, [row('1', { node: 'one' }), row('2', { node: 'two' })], []);
  expect(recoveries).toEqual([{ killedAt: 99, tookMs: 50, isCalm: true }]);
});

test('a spread of figures names the middle, the hundredth from the top and the top', () => {
  expect(spread(Array.from({ length: 1_000 }, (_, index) => index))).toEqual({ p50: 500, p99: 990, max: 999 });
});

test('a seed gives the same disturbances each time, and another seed others', () => {
  expect(planDisturbances(7, 60_000, MEANS)).toEqual(planDisturbances(7, 60_000, MEANS));
  expect(planDisturbances(7, 60_000, MEANS)).not.toEqual(planDisturbances(8, 60_000, MEANS));
});

test('twenty minutes hold at least 500 kills and 100 freezes by their plan', () => {
  const counts = { kill: 0, freeze: 0, frozenKill: 0, restart: 0 };
  let atMs = 0;
  for (const next of planDisturbances(1, 1_200_000, MEANS).daemon) {
    // A daemon that was asked to end drains first; one that is killed while its disk is frozen dies when it thaws.
    atMs += next.afterMs + ('forMs' in next ? next.forMs : next.kind === 'restart' ? 2_000 : 150);
    if (atMs > 1_200_000) break;
    if (next.kind in counts) counts[next.kind as keyof typeof counts]++;
  }
  expect(counts.kill + counts.frozenKill).toBeGreaterThanOrEqual(500);
  expect(counts.freeze + counts.frozenKill).toBeGreaterThanOrEqual(100);
});

function walked(run: string, steps: readonly number[], next: string, more: readonly number[]): Note[] {
  const of = (id: string, from: number, numbers: readonly number[]): Note[] =>
    numbers.flatMap((n, index) => [
      note(from + index * 10, 'start', id, { n, step: index }),
      note(from + index * 10 + 9, 'end', id, { n, step: index }),
    ]);
  return [...of(run, 0, steps), ...of(next, 100, more)];
}
