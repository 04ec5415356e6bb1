/** `npm run bench`: what Tickwise costs, each figure beside a baseline that was measured in the same run. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type Figure, isMet, type Measure, ratioOf } from './figure.ts';
import { describeMachine, machineLines } from './machine.ts';
import { api } from './measures/api.ts';
import { arming } from './measures/arming.ts';
import { dispatch } from './measures/dispatch.ts';
import { durable } from './measures/durable.ts';
import { heap } from './measures/heap.ts';
import { idle } from './measures/idle.ts';
import { isolation } from './measures/isolation.ts';
import { lateness } from './measures/lateness.ts';
import { receivers } from './measures/receivers.ts';
import { recovery } from './measures/recovery.ts';
import { startUp } from './measures/start-up.ts';
import { stepLoop } from './measures/step-loop.ts';
import { structured } from './measures/structured.ts';
import { verify } from './measures/verify.ts';
import { installPeers } from './peers.ts';
import { tableOf } from './table.ts';

const MEASURES: readonly Measure[] = [
  stepLoop,
  dispatch,
  durable,
  isolation,
  lateness,
  heap,
  arming,
  idle,
  startUp,
  recovery,
  verify,
  structured,
  api,
  receivers,
];

const USAGE = `npm run bench -- [options] [measure ...]

  measures        ${MEASURES.map(({ name }) => name).join(', ')}; all of them unless named
  --quick         fewer and shorter samples: about ${minutes(0)} minutes in all, else ${minutes(1)}
  --json FILE     write everything that was measured, single samples included
  --profile DIR   write a CPU profile of each measuring process; the figures are worse for it
`;

const OPTIONS = {
  quick: { type: 'boolean' },
  json: { type: 'string' },
  profile: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

const { values, positionals } = parse();
if (values.help === true) {
  console.log(USAGE);
} else {
  await bench(positionals.length === 0 ? MEASURES : positionals.map(measureCalled));
}

function parse(): ReturnType<typeof parseArgs<{ options: typeof OPTIONS; allowPositionals: true }>> {
  try {
    return parseArgs({ options: OPTIONS, allowPositionals: true });
  } catch (error) {
    return refuse((error as Error).message);
  }
}

async function bench(measures: readonly Measure[]): Promise<void> {
  const { quick = false, json, profile } = values;
  if (profile !== undefined) {
    mkdirSync(profile, { recursive: true });
    process.env['BENCH_PROFILE_DIR'] = resolve(profile);
  }
  const startedAt = new Date();
  if (measures.some(({ needsPeers }) => needsPeers)) installPeers((line) => console.error(line));
  const machine = describeMachine();
  for (const line of machineLines(machine)) console.log(line);
  const figures: Figure[] = [];
  const failures: { measure: string; error: string }[] = [];
  for (const measure of measures) {
    console.error(`${measure.name}: about ${measure.seconds[quick ? 0 : 1]} s`);
    try {
      figures.push(...(await measure.figures({ quick })));
    } catch (error) {
      failures.push({ measure: measure.name, error: String(error) });
      console.error(`${measure.name}: ${String(error)}`);
      process.exitCode = 1;
    }
  }
  console.log(`\n${tableOf(figures)}\n`);
  for (const { figure, note } of figures) if (note !== undefined) console.log(`- ${figure}: ${note}`);
  const seconds = Math.round((Date.now() - startedAt.getTime()) / 1_000);
  const judged = figures.map(isMet).filter((met) => met !== undefined);
  const loadAfter = Math.round((loadavg()[0] ?? 0) * 100) / 100;
  console.log(`\n${judged.filter(Boolean).length} of ${judged.length} targets met; ${seconds} s; load ${loadAfter} at the end`);
  if (json === undefined) return;
  const rows = figures.map((figure) => ({ ...figure, ratio: ratioOf(figure), met: isMet(figure) }));
  writeFileSync(
    json,
    `${JSON.stringify({ at: startedAt.toISOString(), quick, seconds, machine, loadAfter, figures: rows, failures }, null, 2)}\n`,
  );
}

function measureCalled(name: string): Measure {
  return MEASURES.find((measure) => measure.name === name) ?? refuse(`there is no measure ${name}`);
}

function refuse(why: string): never {
  console.error(`${why}\n\n${USAGE}`);
  process.exit(2);
}

function minutes(index: 0 | 1): string {
  const seconds = MEASURES.reduce((sum, measure) => sum + measure.seconds[index], 0);
  return (seconds / 60).toFixed(1);
}
