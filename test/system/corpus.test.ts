import { Cron } from 'croner';
import { describe, expect, test } from 'vitest';
import { createCalendar } from '../../src/system/calendar.ts';
import { allZones, runCorpus } from '../corpus/corpus.ts';
import { ticksBetween } from '../corpus/oracle.ts';
import { parsePattern, type Pattern } from '../corpus/pattern.ts';
import { patternsFor } from '../corpus/patterns.ts';
import type { Ask } from '../corpus/trial.ts';
import { FIRST, type Turn, turnsOf } from '../corpus/turns.ts';
import { createWallClock, readZone } from '../corpus/zone.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Each is odd in its own way. */
const ODD_ZONES = [
  // Half an hour of summer time; offsets of 30 and 45 minutes.
  ...['Australia/Lord_Howe', 'Pacific/Chatham', 'Asia/Kathmandu', 'Australia/Eucla', 'America/St_Johns'],
  // Winter time as a step back from standard time; Ramadan; two hours at once.
  ...['Europe/Dublin', 'Africa/Casablanca', 'Africa/El_Aaiun', 'Antarctica/Troll'],
  // Gaps that begin or end at midnight, or run across it.
  ...['America/Nuuk', 'America/Scoresbysund', 'Africa/Cairo', 'Asia/Beirut', 'America/Havana', 'America/Santiago'],
  ...[
    'Pacific/Easter',
    'America/Asuncion',
    'Asia/Gaza',
    'Asia/Hebron',
    'Asia/Tehran',
    'Asia/Damascus',
    'Asia/Amman',
    'Atlantic/Azores',
  ],
  // Another standard time since 2020, or no more summer time.
  ...[
    'Europe/Volgograd',
    'Africa/Juba',
    'Asia/Almaty',
    'Antarctica/Casey',
    'Antarctica/Vostok',
    'America/Mexico_City',
    'Pacific/Apia',
  ],
  ...['America/Ciudad_Juarez', 'America/Dawson', 'Pacific/Fiji', 'Pacific/Norfolk', 'Asia/Qostanay'],
];

const calendarAsk = (): Ask => {
  const calendar = createCalendar();
  return (pattern, timezone, after) => calendar.next([{ kind: 'cron', pattern, timezone }], 'corpus', after);
};

describe('a sample of the corpus', () => {
  test('shows no difference in odd zones', { timeout: 60_000 }, () => {
    const report = runCorpus(calendarAsk(), calendarAsk(), { zones: ODD_ZONES, every: 79 });
    expect(report.differences).toEqual([]);
    expect(report.cases).toBeGreaterThan(2_000);
    expect(report.fewestPatterns).toBeGreaterThan(200);
  });

  test('shows no difference in others', { timeout: 60_000 }, () => {
    const zones = allZones().filter((_, index) => index % 19 === 0);
    const report = runCorpus(calendarAsk(), calendarAsk(), { zones, every: 61 });
    expect(report.differences).toEqual([]);
    expect(report.zones).toBeGreaterThan(20);
  });

  test('finds the fixed times that croner by itself passes over in a gap across midnight', () => {
    const cron: Ask = (pattern, timezone, after) =>
      new Cron(pattern, { timezone, paused: true, fixedTimeRule: 'no-wildcard' }).nextRun(new Date(after))?.getTime();
    const report = runCorpus(cron, cron, { zones: ['America/Nuuk'], every: 41 });
    expect(report.differences.length).toBeGreaterThan(0);
    expect(report.differences.every(({ turn }) => turn.kind === 'gap')).toBe(true);
  });

  test('finds a calendar that runs a fixed time in both of the repeated hours, and never in a gap', () => {
    // A step makes a fixed time a wildcard time.
    const right = calendarAsk();
    const wrong: Ask = (pattern, zone, after) => right(pattern.replace(/^(\d+) /, '$1-$1/1 '), zone, after);
    const report = runCorpus(wrong, wrong, { zones: ['Europe/Berlin'], every: 41 });
    expect(new Set(report.differences.map(({ turn }) => turn.kind))).toEqual(new Set(['gap', 'overlap']));
  });
});

describe('the oracle', () => {
  test('reads each zone as its clock shows it', () => {
    for (const [index, zone] of ODD_ZONES.entries()) {
      const { segments } = readZone(zone);
      const wallClock = createWallClock(zone);
      for (let at = FIRST + index * MINUTE; at < Date.UTC(2038, 0, 1); at += 37 * 24 * HOUR + 7 * MINUTE) {
        expect(segments.findLast(({ from }) => from <= at)?.offset).toBe(wallClock(at) - at);
      }
    }
  });

  test('agrees with a clock that is read minute by minute', () => {
    for (const [index, zone] of ODD_ZONES.entries()) {
      const reading = readZone(zone);
      const turns = turnsOf(reading);
      const turn = turns[(index * 7) % turns.length];
      if (turn === undefined) throw new Error(`${zone} has no turn`);
      const shown = readClock(turn, 36 * HOUR, MINUTE);
      for (const text of patternsFor(turn).filter((_, at) => at % 11 === index % 11)) {
        const pattern = parsePattern(text);
        if (pattern.times.some((time) => time % 60 !== 0)) continue;
        const found = ticksBetween(pattern, reading, turn.at - 36 * HOUR, turn.at + 36 * HOUR);
        expect([zone, text, found]).toEqual([zone, text, dueTimes(pattern, shown, MINUTE)]);
      }
    }
  });

  test('agrees with a clock that is read second by second', () => {
    const reading = readZone('Australia/Lord_Howe');
    for (const turn of turnsOf(reading).slice(0, 2)) {
      const shown = readClock(turn, HOUR, 1_000);
      for (const text of patternsFor(turn)) {
        const pattern = parsePattern(text);
        if (pattern.times.every((time) => time % 60 === 0)) continue;
        const found = ticksBetween(pattern, reading, turn.at - HOUR, turn.at + HOUR);
        expect([text, found]).toEqual([text, dueTimes(pattern, shown, 1_000)]);
      }
    }
  });

  test.each([
    ['30 2 29 2 *', '2027-02-28', '2028-02-29'],
    ['0 0 L * *', '2026-02-27', '2026-02-28'],
    ['0 0 LW * *', '2026-02-28', '2026-05-29'],
    ['0 0 1W * *', '2026-08-01', '2026-08-03'],
    ['0 0 15W * *', '2026-08-15', '2026-08-14'],
    ['0 0 * * 0#L', '2026-03-22', '2026-03-29'],
    ['0 0 * * FRI#2', '2026-03-06', '2026-03-13'],
    ['0 0 13 * 5', '2026-03-14', '2026-03-20'],
    ['0 0 13 * +5', '2026-03-20', '2026-03-13'],
    ['0 0 * MAR 7', '2026-04-05', '2026-03-08'],
    ['0 0 0 1 1 * 2027-2028', '2026-01-01', '2028-01-01'],
    ['@weekly', '2026-03-02', '2026-03-01'],
  ])('reads %s by its calendar', (text, never, due) => {
    const pattern = parsePattern(text);
    expect([never, due].map((date) => pattern.isDue(Date.parse(date) / (24 * HOUR)))).toEqual([false, true]);
  });

  test.each([
    ['*/20 1-2 * * *', false, [3_600, 4_800, 6_000, 7_200, 8_400, 9_600]],
    ['5,10 30 2 * * *', true, [9_005, 9_010]],
    ['0-3/2 0 0 * * *', false, [0, 2]],
    ['@daily', true, [0]],
  ])('reads %s by the time of day', (text, fixed, times) => {
    expect(parsePattern(text)).toMatchObject({ fixed, times });
  });
});

interface Shown {
  readonly at: number;
  /** As if it were UTC. */
  readonly local: number;
}

/** What the clock showed from before a turn until after it, straight from `Intl`. */
function readClock(turn: Turn, reachMs: number, strideMs: number): readonly Shown[] {
  const wallClock = createWallClock(turn.zone);
  const length = (2 * reachMs) / strideMs;
  const instants = Array.from({ length }, (_, index) => turn.at - reachMs + index * strideMs);
  return instants.map((at) => ({ at, local: wallClock(at) }));
}

/** DESIGN section 6, one instant after another. */
function dueTimes(pattern: Pattern, shown: readonly Shown[], strideMs: number): number[] {
  const times = new Set(pattern.times);
  const matches = (local: number): boolean => {
    const day = Math.floor(local / (24 * HOUR));
    return times.has((local - day * 24 * HOUR) / 1_000) && pattern.isDue(day);
  };
  const found: number[] = [];
  let highest = shown[0]?.local ?? 0;
  for (const { at, local } of shown.slice(1)) {
    let due = !pattern.fixed && matches(local);
    for (let reached = highest + strideMs; pattern.fixed && reached <= local; reached += strideMs) due ||= matches(reached);
    if (due) found.push(at);
    highest = Math.max(highest, local);
  }
  return found;
}
