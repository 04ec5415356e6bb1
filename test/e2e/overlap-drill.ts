/**
 * The drill behind the promise, on the real daemon: `node test/e2e/overlap-drill.ts --seconds 60`. First a job each second whose work
 * takes 2.5 s, in each isolation under each policy; then runs that do not end when they are asked to, beside a metronome.
 * Prints a table of each; exit status 1 when anything broke the promise.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { HAS_PROC, Site } from './daemon-process.ts';
import { overlaps, readEvidence } from './evidence.ts';
import { BUDGET_MS, GRACE_MS, MARGIN_MS, STUBBORN, stubbornJobs } from './forced-end.ts';
import { judgeJob, overlapJobs } from './overlap.ts';

const LATEST_MS = 100;

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '60' } } });
const drillMs = Number(values.seconds) * 1_000;
if (!HAS_PROC || !(drillMs >= 3_000)) {
  console.error('usage: node test/e2e/overlap-drill.ts [--seconds N], N at least 3, on a system with /proc');
  process.exit(2);
}
async function drillOverlap(): Promise<string[]> {
  await using site = new Site();
  const jobs = overlapJobs(site);
  site.configure({ shutdownGrace: '10s', jobs });
  const [from, to] = await liveFor(site);
  const faults = site.alive().map((pid) => `process ${pid} outlived the daemon`);
  await using ledger = await site.ledger();
  const rows: Record<string, object> = {};
  for (const job of Object.keys(jobs)) {
    const verdict = await judgeJob(site, ledger, job, from, to);
    const count = (outcome: string): number => verdict.ticks.filter((tick) => tick.outcome === outcome).length;
    const ticks = {
      due: verdict.ticks.length,
      ran: count('ran'),
      skipped: count('skipped'),
      folded: count('folded'),
      missed: count('missed'),
    };
    rows[job] = {
      ...ticks,
      runs: verdict.runs,
      ended: endings(verdict.byState),
      'two live': verdict.overlaps.length,
      unaccounted: verdict.unaccounted.length,
    };
    faults.push(...[...verdict.overlaps, ...verdict.unaccounted].map((what) => `${job}: ${what}`));
  }
  console.table(rows);
  return faults;
}

async function drillForcedEnds(): Promise<string[]> {
  await using site = new Site();
  site.configure({ shutdownGrace: '1s', jobs: stubbornJobs(site) });
  using bare = new BareTimer();
  await liveFor(site);
  const faults = site.alive().map((pid) => `process ${pid} outlived the daemon`);
  await using ledger = await site.ledger();
  const rows: Record<string, object> = {};
  for (const job of STUBBORN) {
    const runs = await ledger.runs({ job, limit: 1_000 });
    const took = runs.filter((run) => run.state === 'killed').map((run) => (run.endedAt ?? 0) - (run.startedAt ?? 0));
    const longest = Math.max(0, ...took);
    const twice = overlaps(readEvidence(site.file(job)));
    rows[job] = { runs: runs.length, killed: took.length, 'longest (ms)': longest, 'two live': twice.length };
    if (took.length < 2) faults.push(`${job}: ${took.length} runs were killed; expected more`);
    if (longest > BUDGET_MS + GRACE_MS + MARGIN_MS) faults.push(`${job}: a run took ${longest} ms`);
    faults.push(...twice.map((what) => `${job}: ${what}`));
  }
  const late = (await ledger.runs({ job: 'metronome', limit: 1_000 }))
    .map((run) => (run.startedAt ?? Infinity) - run.tick)
    .toSorted((one, other) => one - other);
  const latest = late.at(-1) ?? Infinity;
  rows['metronome'] = { runs: late.length, 'median late (ms)': late[late.length >> 1], 'latest (ms)': latest };
  rows['a bare timer'] = {
    runs: bare.late.length,
    'median late (ms)': bare.late.toSorted((one, other) => one - other)[bare.late.length >> 1],
    'latest (ms)': Math.max(...bare.late),
  };
  if (latest > LATEST_MS)
    faults.push(`metronome: a tick ran ${latest} ms late, and a bare timer in an idle process ${Math.max(...bare.late)} ms`);
  console.table(rows);
  return faults;
}

/** What this machine does to a process with nothing but a timer for each full second. */
class BareTimer implements Disposable {
  readonly late: number[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor() {
    this.#arm();
  }

  #arm(): void {
    const at = Math.floor(Date.now() / 1_000) * 1_000 + 1_000;
    this.#timer = setTimeout(() => {
      this.late.push(Date.now() - at);
      this.#arm();
    }, at - Date.now());
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}

/** @returns the first and last instant between which each second was due */
async function liveFor(site: Site): Promise<readonly [number, number]> {
  const daemon = await site.startUp();
  const from = Date.now();
  await delay(drillMs);
  const to = Date.now() - 1_000;
  daemon.signal('SIGTERM');
  const exit = await daemon.exited;
  if (exit !== 0) throw new Error(`the daemon ended with ${exit}: ${daemon.stderr}`);
  return [from, to];
}

function endings(byState: Readonly<Record<string, number>>): string {
  return Object.entries(byState)
    .map(([state, count]) => `${count} ${state}`)
    .join(', ');
}

const faults = [...(await drillOverlap()), ...(await drillForcedEnds())];
for (const fault of faults) console.error(fault);
console.log(faults.length === 0 ? 'the promise was kept' : `${faults.length} breaches`);
process.exitCode = faults.length === 0 ? 0 : 1;
