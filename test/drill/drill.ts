/** The drill itself, inside its room. */
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Chaos } from './chaos.ts';
import { FakeClock, monotonicMs } from './clock.ts';
import { Daemon } from './daemon.ts';
import { Disk } from './disk.ts';
import { measureUptimeAhead } from './evidence.ts';
import { configOf, drillJobs } from './jobs.ts';
import { readLedger } from './ledger.ts';
import { type DisturbanceKind, type Means, planDisturbances } from './plan.ts';
import { commandLine, processesMarked, signal } from './processes.ts';
import type { Room } from './room.ts';
import { judge, type Verdict } from './verdict.ts';
import { Web } from './web.ts';

/** What is asked for. */
export interface Order {
  readonly seed: number;
  readonly forMs: number;
  /** Leaves out what only some machines can do. */
  readonly plain: boolean;
  /** Where evidence, log and ledger are copied to. */
  readonly keep: string | undefined;
  readonly cut: AbortSignal;
}

/** What comes of it. */
export interface Outcome extends Verdict {
  readonly disturbances: Readonly<Partial<Record<DisturbanceKind, number>>>;
  readonly leftOut: readonly string[];
  readonly tookMs: number;
  readonly starts: number;
  /** Messages of level error in the daemon's log. */
  readonly errors: Readonly<Record<string, number>>;
}

/** After the last disturbance: longer than the longest budget and the slowest recovery, so that all can come to rest. */
const CALM_MS = 8_000;
const LONGEST_END_MS = 20_000;
/** Ticks that are due so shortly before the end need not be decided. */
const UNSETTLED_MS = 1_500;

/** Disturbs a daemon for so long, lets it come to rest, ends it, and judges. */
export async function drill(room: Room, order: Order): Promise<Outcome> {
  const { dir } = room;
  const beganAt = monotonicMs();
  const disk = new Disk(room);
  const clock = order.plain ? undefined : FakeClock.find(dir);
  const means = {
    clock: clock !== undefined,
    fullDisk: disk.mayFill && !order.plain,
    stalledDisk: disk.mayStall && !order.plain,
  };
  const plan = planDisturbances(order.seed, order.forMs, means);
  const chaos = new Chaos();
  const home = join(dir, 'home');
  await using web = await Web.open(dir);
  const jobs = drillJobs(dir, web.url);
  const config = join(dir, 'scheduler.config.json');
  writeFileSync(config, JSON.stringify(configOf(jobs, join(disk.place, 'ledger.db')), undefined, 2));
  const env = { PATH: process.env['PATH'], HOME: home, LANG: 'C.UTF-8', ...clock?.env };
  await using daemon = new Daemon(dir, config, env, () => chaos.isDiskFull());
  const uptimeAheadMs = measureUptimeAhead(monotonicMs);
  const victims = { daemon, disk, clock, mark: `HOME=${home}` };

  daemon.start();
  const until = monotonicMs() + order.forMs;
  await Promise.all([chaos.run(plan.daemon, victims, until, order.cut), chaos.run(plan.surroundings, victims, until, order.cut)]);
  // The clock ends at the farthest it ever was, so that all ticks that were ever due are due now.
  clock?.set(chaos.farthestAheadMs);
  await delay(CALM_MS, undefined, { signal: order.cut }).catch(() => {});
  const endedAt = Date.now() + (clock?.aheadMs ?? 0);
  const how = await daemon.stop(LONGEST_END_MS);
  const latestAt = Date.now() + (clock?.aheadMs ?? 0);

  const endFaults = [...daemon.faults, ...(how === 0 ? [] : [`the daemon was asked to end and left with ${how}`])];
  for (const left of processesMarked(victims.mark)) {
    endFaults.push(`process ${left.pid} (${left.state}) is alive after the end: ${commandLine(left.pid)}`);
    signal(left, 'SIGKILL');
  }
  if (order.keep !== undefined) keep(dir, disk.place, order.keep);
  const upAt = daemon.lives.find((life) => life.upAt !== undefined)?.upAt;
  if (upAt === undefined) endFaults.push(`the daemon was never up: ${daemon.lives.at(-1)?.stderr}`);
  const verdict = judge(
    {
      dir,
      jobs,
      uptimeAheadMs,
      span: { upAt: wallOf(upAt ?? beganAt), settledAt: endedAt - UNSETTLED_MS, latestAt },
      lives: daemon.lives,
      burials: daemon.burials,
      spans: chaos.spans.filter(({ kind }) => kind !== 'kill' && kind !== 'freezeChild'),
      endFaults,
    },
    readLedger(join(disk.place, 'ledger.db')),
  );
  return {
    ...verdict,
    disturbances: Object.fromEntries(chaos.counts),
    leftOut: leftOut(means),
    tookMs: monotonicMs() - beganAt,
    starts: daemon.lives.length,
    errors: Object.fromEntries(daemon.errors),
  };
}

/** The host's wall clock, which the daemon's clock shows until the first step. */
function wallOf(atMonotonicMs: number): number {
  return Date.now() - (monotonicMs() - atMonotonicMs);
}

function leftOut(means: Means): string[] {
  const why: Record<keyof Means, string> = {
    clock: 'steps of the clock are left out: they need libfaketime (on Debian: apt-get install faketime)',
    fullDisk: 'a full disk is left out: it needs root on Linux, for a small file system of its own',
    stalledDisk: 'a stalling disk is left out: it needs root on Linux, a loop device, mkfs.ext4 and fsfreeze',
  };
  return (Object.keys(why) as (keyof Means)[]).filter((key) => !means[key]).map((key) => why[key]);
}

function keep(dir: string, disk: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const name of ['evidence', 'daemon.log', 'scheduler.config.json'])
    cpSync(join(dir, name), join(to, name), { recursive: true });
  cpSync(disk, join(to, 'disk'), { recursive: true });
}
