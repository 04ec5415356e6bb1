/**
 * Whether a daemon grows under the load of `measures/api.ts`: `node bench/api-soak.ts --minutes 30`. The daemon of the command line, ten
 * jobs each second, 2,000 idle listeners and 500 polls a second; each minute a line with its memory. Exit status 1 when it has grown:
 * the median of the last third of the minutes is more than 5 % above that of the second third. It stops by itself.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '30' }, listeners: { type: 'string', default: '2000' } },
});
const minutes = Number(values.minutes);
if (!(minutes >= 3)) {
  console.error('usage: node bench/api-soak.ts [--minutes N] [--listeners N], N at least 3 minutes');
  process.exit(2);
}
const folder = mkdtempSync(join(tmpdir(), 'tickwise-soak-'));
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
writeFileSync(join(folder, 'noop.mjs'), 'export default () => true;\n');
const job = { schedule: '* * * * * *', isolation: 'inline', task: { module: './noop.mjs' } };
const jobs = Object.fromEntries(Array.from({ length: 10 }, (_, index) => [`job-${index}`, job]));
const listen = '127.0.0.1:46871';
const config = { store: 'sqlite:ledger.db', listen, log: { level: 'warn' }, jobs };
writeFileSync(join(folder, 'scheduler.config.json'), JSON.stringify(config));

const daemon = spawn(process.execPath, [here('../src/cli/main.ts'), 'run'], {
  cwd: folder,
  stdio: ['ignore', 'inherit', 'inherit'],
});
const ended = new Promise((resolve) => daemon.once('exit', resolve));
const url = `http://${listen}`;
while (
  !(await fetch(`${url}/readyz`).then(
    ({ ok }) => ok,
    () => false,
  ))
)
  await delay(100);
const args = [
  here('api-load.ts'),
  url,
  'job-0',
  String(values.listeners),
  '?type=runBlocked,storeFailed',
  '500',
  String(minutes * 60),
];
const load = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
const lines = createInterface({ input: load.stdout })[Symbol.asyncIterator]();
await lines.next();

const rssMb: number[] = [];
for (let minute = 1; minute <= minutes; minute++) {
  await delay(60_000);
  const status = readFileSync(`/proc/${daemon.pid}/status`, 'utf8');
  const rss = Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1_024;
  const metrics = await (await fetch(`${url}/metrics`)).text();
  const started = [...metrics.matchAll(/^tickwise_start_delay_seconds_(sum|count)\{[^}]*\} (\S+)$/gm)];
  const sum = (what: string): number =>
    started.filter(([, name]) => name === what).reduce((total, [, , value]) => total + Number(value), 0);
  rssMb.push(rss);
  console.log(
    `minute ${minute}: ${rss.toFixed(1)} MB, ${sum('count')} runs, mean start delay ${((sum('sum') / sum('count')) * 1_000).toFixed(1)} ms`,
  );
}
const seen: unknown = (await lines.next()).value;
daemon.kill('SIGTERM');
const exit: unknown = await ended;
rmSync(folder, { recursive: true, force: true });
const third = Math.floor(minutes / 3);
const median = (of: readonly number[]): number => of.toSorted((one, other) => one - other)[of.length >> 1] ?? Number.NaN;
const growth = median(rssMb.slice(-third)) / median(rssMb.slice(-2 * third, -third)) - 1;
console.log(`load: ${String(seen)}`);
console.log(`daemon exit ${String(exit)}; last third against the one before: ${(growth * 100).toFixed(1)} %`);
process.exitCode = exit === 0 && growth <= 0.05 ? 0 : 1;
