/** `npm run simulate -- --seed N --hours H [--seeds K] [--quiet]`: simulated hours, seed after seed, until a promise breaks. */
import { parseArgs } from 'node:util';
import { createCalendar } from '../system/calendar.ts';
import { simulate, type SimulationResult } from './simulate.ts';

const USAGE =
  'usage: npm run simulate -- [--seed N] [--seeds K] [--hours H] [--quiet]   (whole numbers; 1, 1 and 50 unless given)';

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const wanted = parse(args);
  if (wanted === undefined) {
    process.stderr.write(`${USAGE}\n`);
    return 2;
  }
  const { seed: first, seeds, hours, quiet } = wanted;
  const calendar = createCalendar();
  const begunAt = performance.now();
  let runs = 0;
  let ticks = 0;
  for (let seed = first; seed < first + seeds; seed++) {
    const result = await simulate({ seed, hours, calendar });
    if (result.violation !== undefined) {
      process.stderr.write(report(result, hours));
      return 1;
    }
    runs += result.runs;
    ticks += result.ticks;
    if (!quiet) process.stdout.write(`seed ${seed}: ${hours} h, ${result.ticks} ticks, ${result.runs} runs\n`);
  }
  const seconds = (performance.now() - begunAt) / 1_000;
  const perSecond = Math.round((seeds * hours) / seconds);
  process.stdout.write(
    `no violation in ${seeds * hours} simulated hours over ${seeds} seeds (${first} to ${first + seeds - 1}): ` +
      `${ticks} ticks, ${runs} runs, ${seconds.toFixed(1)} s, ${perSecond} simulated hours a second\n`,
  );
  return 0;
}

function report({ seed, violation, history }: SimulationResult, hours: number): string {
  const at = ((violation?.atMs ?? 0) / 1_000).toFixed(3);
  return [
    ...history,
    '',
    `seed ${seed}, after ${at} simulated seconds: ${violation?.message}`,
    `replay: npm run simulate -- --seed ${seed} --hours ${hours}`,
    '',
  ].join('\n');
}

function parse(args: readonly string[]): { seed: number; seeds: number; hours: number; quiet: boolean } | undefined {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        seed: { type: 'string', default: '1' },
        seeds: { type: 'string', default: '1' },
        hours: { type: 'string', default: '50' },
        quiet: { type: 'boolean', default: false },
      },
    });
    const [seed, seeds, hours] = [values.seed, values.seeds, values.hours].map(Number);
    const isSound = [seed, seeds, hours].every((value) => Number.isSafeInteger(value) && (value ?? -1) >= 0);
    return isSound ? { seed: seed ?? 1, seeds: seeds ?? 1, hours: hours ?? 50, quiet: values.quiet } : undefined;
  } catch {
    return undefined;
  }
}
