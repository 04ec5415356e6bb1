/** The lock drill: a command leaves children that hold a kernel lock, its daemon is killed and started again at once. Who gets the lock? */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { monotonicMs } from './clock.ts';
import { Daemon } from './daemon.ts';
import { spread } from './judge-recovery.ts';
import { readLedger } from './ledger.ts';
import { commandLine, processesMarked, signal } from './processes.ts';
import type { Room } from './room.ts';

const LEAVE = fileURLToPath(new URL('fixtures/leave.sh', import.meta.url));
const LONGEST_WAIT_MS = 30_000;
const LONGEST_END_MS = 20_000;
/** So that kills come at different instants of a run's life. */
const LONGEST_LIFE_MS = 300;

/**
 * Kills and restarts so many times; each time the next run must find the lock free.
 *
 * @returns figures, and rows of what was wrong
 */
export async function drillFlock(
  { dir }: Room,
  times: number,
  cut: AbortSignal,
): Promise<{ figures: Record<string, number | string>; faults: Record<string, string[]> }> {
  const ledger = join(dir, 'disk', 'ledger.db');
  const config = join(dir, 'scheduler.config.json');
  const home = join(dir, 'home');
  const task = { command: ['/bin/sh', LEAVE], env: { DRILL: dir } };
  const job = { schedule: { every: '1s' }, budget: '40s', grace: '200ms', task };
  writeFileSync(
    config,
    JSON.stringify({ store: `sqlite:${ledger}`, listen: false, shutdownGrace: '200ms', jobs: { leaver: job } }),
  );
  await using daemon = new Daemon(dir, config, { PATH: process.env['PATH'], HOME: home }, () => false);
  const faults: Record<string, string[]> = { 'lock found taken': [], 'no next run': [], 'faults of the end': [] };
  const waits: number[] = [];

  daemon.start();
  let starts = 0;
  for (let round = 0; round <= times && !cut.aborted; round++) {
    const since = monotonicMs();
    while (startsIn(dir) <= starts && monotonicMs() - since < LONGEST_WAIT_MS) await delay(10);
    if (startsIn(dir) <= starts) faults['no next run']?.push(`round ${round}: nothing began within ${LONGEST_WAIT_MS} ms`);
    if (round > 0) waits.push(monotonicMs() - since);
    await delay((round * 37) % LONGEST_LIFE_MS);
    starts = startsIn(dir);
    if (round < times) await daemon.kill();
  }
  const how = await daemon.stop(LONGEST_END_MS);
  const left = processesMarked(`HOME=${home}`);
  for (const process of left) signal(process, 'SIGKILL');

  faults['lock found taken']?.push(...linesIn(dir).filter((line) => line.startsWith('taken')));
  faults['faults of the end']?.push(
    ...daemon.faults,
    ...(how === 0 ? [] : [`the daemon was asked to end and left with ${how}`]),
    ...left.map(({ pid }) => `process ${pid} is alive after the end: ${commandLine(pid)}`),
  );
  const { p50, p99, max } = spread(waits) ?? { p50: 0, p99: 0, max: 0 };
  const lost = readLedger(ledger).runs.filter(({ outcome }) => outcome === 'lost').length;
  const figures = {
    kills: waits.length,
    'runs that took the lock': starts,
    'runs lost': lost,
    'kill to next run, ms (p50/p99/max)': `${p50}/${p99}/${max}`,
  };
  return { figures, faults };
}

function linesIn(dir: string): string[] {
  const path = join(dir, 'evidence', 'lock');
  return existsSync(path) ? readFileSync(path, 'utf8').split('\n') : [];
}

function startsIn(dir: string): number {
  return linesIn(dir).filter((line) => line.startsWith('start')).length;
}
