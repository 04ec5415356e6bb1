/**
 * `npm run corpus`: the DST corpus in full. `--zones REGEX` and `--every N` run a part of it; `--list` prints each difference;
 * `--bare` puts croner on trial as it is, without our calendar. Exit code 1 if there is one.
 */
import { parseArgs } from 'node:util';
import { Cron } from 'croner';
import { createCalendar } from '../../src/system/calendar.ts';
import { allZones, type Report, runCorpus } from './corpus.ts';
import type { Ask } from './trial.ts';

const { values } = parseArgs({
  options: {
    zones: { type: 'string', default: '' },
    every: { type: 'string', default: '1' },
    bare: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
  },
});

const startedAt = performance.now();
const newAsk = values.bare ? cronerAsk : calendarAsk;
const zones = allZones().filter((zone) => new RegExp(values.zones, 'i').test(zone));
const report = runCorpus(newAsk(), newAsk(), { zones, every: Number(values.every) }, tell);
process.stderr.write('\n');

const { gap, overlap, still } = report.turns;
print('zone data', `${process.versions['tz']} (ICU ${process.versions['icu']}, Node ${process.versions.node})`);
print('zones', `${report.zones}, ${report.distinctZones} distinct`);
print('transitions', `${gap + overlap} (${gap} gaps, ${overlap} overlaps), and ${still} zones without any`);
print('patterns', `${report.patterns} distinct, at least ${report.fewestPatterns} a transition`);
print('cases', report.cases.toLocaleString('en-US'));
print('questions', report.questions.toLocaleString('en-US'));
print('differences', report.differenceCount.toLocaleString('en-US'));
print('duration', `${((performance.now() - startedAt) / 1_000).toFixed(0)} s`);
for (const { turn, pattern, after, expected, found } of report.differences.slice(0, values.list ? Infinity : 20)) {
  console.log(
    `${turn.zone} ${turn.kind} ${iso(turn.at)}: "${pattern}" after ${iso(after)}: expected ${iso(expected)}, found ${iso(found)}`,
  );
}
process.exitCode = report.differenceCount === 0 ? 0 : 1;

function calendarAsk(): Ask {
  const calendar = createCalendar();
  return (pattern, timezone, after) => calendar.next([{ kind: 'cron', pattern, timezone }], 'corpus', after);
}

/** One compiled pattern is kept. */
function cronerAsk(): Ask {
  let kept: { readonly key: string; readonly cron: Cron } | undefined;
  return (pattern, timezone, after) => {
    const key = `${timezone} ${pattern}`;
    if (kept?.key !== key) kept = { key, cron: new Cron(pattern, { timezone, paused: true, fixedTimeRule: 'no-wildcard' }) };
    return kept.cron.nextRun(new Date(after))?.getTime();
  };
}

function tell({ zones: done, cases, differenceCount }: Report): void {
  process.stderr.write(`\r${done}/${zones.length} zones, ${cases} cases, ${differenceCount} differences`);
}

function print(name: string, value: string): void {
  console.log(`${name.padEnd(12)} ${value}`);
}

function iso(instant: number | undefined): string {
  return instant === undefined ? 'none' : new Date(instant).toISOString();
}
