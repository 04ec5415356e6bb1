/**
 * A drill that anyone can repeat: a real daemon is killed, frozen, and robbed of its disk and its clock, while jobs of every kind write down
 * themselves what they do; afterwards a checker that shares no code with the scheduler judges. See docs/evidence.md.
 *
 *     npm run drill -- --minutes 20 --seed 7     disturb for so long
 *     npm run drill -- --flock 50                kill the daemon beside a child that holds a lock, so many times
 *
 * Exit status: 0 all promises held; 1 some did not, and the rows say which; 2 the command line is wrong.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { drill, type Outcome } from './drill.ts';
import { drillFlock } from './flock.ts';
import { runInRoom, thisRoom } from './room.ts';

const USAGE =
  'usage: drill [--minutes M | --seconds S | --flock TIMES] [--seed N] [--plain] [--json FILE] [--keep DIR]; M, S, TIMES and N are numbers above 0';
const MOST_ROWS = 20;

const { values } = parseOrExit();
const seconds = values.minutes === undefined ? Number(values.seconds ?? 60) : Number(values.minutes) * 60;
const seed = Number(values.seed ?? 1 + Math.floor(Math.random() * 999_999));
const times = values.flock === undefined ? undefined : Number(values.flock);
if (!(seconds > 0) || !(seed > 0) || !Number.isSafeInteger(seed) || (times !== undefined && !(times > 0))) usage();
const room = thisRoom();
// The seed is made here, once, so that both sides of the room know it.
process.exitCode =
  room === undefined
    ? await runInRoom(fileURLToPath(import.meta.url), [...process.argv.slice(2), '--seed', String(seed)])
    : await inside();

async function inside(): Promise<number> {
  if (room === undefined) return 2;
  const cut = new AbortController();
  process.stdin.once('end', () => cut.abort()).resume();
  const head = {
    drill: times === undefined ? 'disturbances' : 'flock',
    seed,
    commit: commit(),
    machine: machine(),
    disk: room.disk,
  };
  console.log(
    Object.entries(head)
      .map(([key, value]) => `${key} ${value}`)
      .join(', '),
  );
  const outcome =
    times === undefined
      ? await drill(room, { seed, forMs: seconds * 1_000, plain: values.plain === true, keep: values.keep, cut: cut.signal })
      : await drillFlock(room, times, cut.signal);
  if (values.json !== undefined)
    writeFileSync(values.json, `${JSON.stringify({ ...head, seconds, ...outcome }, undefined, 2)}\n`);
  process.stdin.pause();
  process.stdin.unref?.();
  return report(outcome);
}

function report(outcome: Outcome | Awaited<ReturnType<typeof drillFlock>>): number {
  if ('leftOut' in outcome) {
    for (const line of outcome.leftOut) console.log(line);
    console.table(outcome.table);
    console.table({ ...outcome.disturbances, 'starts of the daemon': outcome.starts });
    console.table(outcome.errors);
  }
  console.table(outcome.figures);
  console.table(Object.fromEntries(Object.entries(outcome.faults).map(([kind, rows]) => [kind, rows.length])));
  const rows = Object.entries(outcome.faults).flatMap(([kind, found]) => [
    ...found.slice(0, MOST_ROWS).map((row) => `${kind}: ${row}`),
    ...(found.length > MOST_ROWS ? [`${kind}: and ${found.length - MOST_ROWS} more`] : []),
  ]);
  for (const row of rows) console.error(row);
  console.log(rows.length === 0 ? 'All promises held.' : `Something is wrong; the same disturbances again: --seed ${seed}`);
  return rows.length === 0 ? 0 : 1;
}

function parseOrExit() {
  try {
    return parseArgs({
      options: {
        minutes: { type: 'string' },
        seconds: { type: 'string' },
        flock: { type: 'string' },
        seed: { type: 'string' },
        plain: { type: 'boolean' },
        json: { type: 'string' },
        keep: { type: 'string' },
      },
    });
  } catch (error) {
    console.error(String(error));
    return usage();
  }
}

function usage(): never {
  console.error(USAGE);
  process.exit(2);
}

function commit(): string {
  const git = (...args: readonly string[]): string =>
    execFileSync('git', ['-c', 'safe.directory=*', ...args], {
      encoding: 'utf8',
      cwd: fileURLToPath(new URL('.', import.meta.url)),
    }).trim();
  try {
    return (
      git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain', '--', ':/src') === '' ? '' : ' with changes in src')
    );
  } catch {
    return 'unknown';
  }
}

function machine(): string {
  return `Node ${process.version} on Linux ${release()} with ${cpus().length} cores`;
}
