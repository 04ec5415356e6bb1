/** The corpus: zones × changes of their clocks × patterns, tried one by one. */
import { parsePattern, type Pattern } from './pattern.ts';
import { patternsFor } from './patterns.ts';
import { type Ask, type Difference, tryPattern } from './trial.ts';
import { type Turn, turnsOf } from './turns.ts';
import { readZone } from './zone.ts';

/** Which part of the corpus to run. */
export interface Selection {
  readonly zones: readonly string[];
  /** Every how manieth case is tried, counted over the whole corpus; 1 tries all. */
  readonly every: number;
}

/** What a run of the corpus came to. */
export interface Report {
  zones: number;
  /** Zones whose clocks are not all alike over these years. */
  distinctZones: number;
  turns: Record<Turn['kind'], number>;
  /** Patterns that differ as texts. */
  patterns: number;
  fewestPatterns: number;
  cases: number;
  questions: number;
  differences: Difference[];
  differenceCount: number;
}

/** Differences that are kept to be shown. */
const KEPT = 2_000;
/** One case in so many is asked for every tick, however many they are. */
const WHOLE_EVERY = 199;

/** Other names of zones, old and new, that users write. */
export const LINKS: readonly string[] = [
  ...['UTC', 'GMT', 'Etc/GMT+5', 'Etc/GMT-14', 'CET', 'EET', 'MET', 'WET', 'EST5EDT', 'CST6CDT', 'MST7MDT', 'PST8PDT', 'HST'],
  ...['US/Eastern', 'US/Pacific', 'Canada/Newfoundland', 'America/Nuuk', 'America/Godthab', 'Brazil/East', 'Cuba', 'Navajo'],
  ...['Chile/Continental', 'Chile/EasterIsland', 'Mexico/BajaNorte', 'America/Fort_Wayne', 'GB', 'Eire', 'Portugal', 'Poland'],
  ...['Turkey', 'Israel', 'Egypt', 'Iran', 'Europe/Kyiv', 'Europe/Kiev', 'Atlantic/Faroe', 'Asia/Kolkata', 'Asia/Kathmandu'],
  ...['Asia/Ho_Chi_Minh', 'Asia/Istanbul', 'NZ', 'NZ-CHAT', 'Australia/LHI', 'Australia/ACT', 'Pacific/Kanton'],
  ...['Antarctica/South_Pole', 'Arctic/Longyearbyen'],
];

/**
 * All zones of the corpus.
 *
 * @returns what `Intl` lists, and links
 */
export function allZones(): string[] {
  return [...new Set([...Intl.supportedValuesOf('timeZone'), ...LINKS])];
}

/**
 * Tries the corpus, or a part of it that is the same each time.
 *
 * @param ask the calendar on trial
 * @param askAside another one
 * @param selection which part
 * @param onZone told after each zone
 * @returns the figures, and the differences
 */
export function runCorpus(ask: Ask, askAside: Ask, selection: Selection, onZone?: (report: Report) => void): Report {
  const report: Report = {
    zones: 0,
    distinctZones: 0,
    turns: { gap: 0, overlap: 0, still: 0 },
    patterns: 0,
    fewestPatterns: Infinity,
    cases: 0,
    questions: 0,
    differences: [],
    differenceCount: 0,
  };
  const parsed = new Map<string, Pattern>();
  const shapes = new Set<string>();
  let ordinal = 0;
  for (const zone of selection.zones) {
    const reading = readZone(zone);
    shapes.add(JSON.stringify(reading.segments));
    for (const turn of turnsOf(reading)) {
      const texts = patternsFor(turn);
      report.turns[turn.kind]++;
      report.fewestPatterns = Math.min(report.fewestPatterns, texts.length);
      for (const text of texts) {
        if (ordinal++ % selection.every !== 0) continue;
        let pattern = parsed.get(text);
        if (pattern === undefined) parsed.set(text, (pattern = parsePattern(text)));
        const { questions, difference } = tryPattern(ask, askAside, turn, pattern, reading, ordinal % WHOLE_EVERY === 0);
        report.cases++;
        report.questions += questions;
        if (difference === undefined) continue;
        report.differenceCount++;
        if (report.differences.length < KEPT) report.differences.push(difference);
      }
    }
    report.zones++;
    report.patterns = parsed.size;
    report.distinctZones = shapes.size;
    onZone?.(report);
  }
  return report;
}
