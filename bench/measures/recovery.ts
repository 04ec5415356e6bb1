/** What a dead daemon left live, from the start of the next to the freeing of the last slot, against the least that one must do. */
import { randomBytes } from 'node:crypto';
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Config } from '../../src/config/config.ts';
import type { Figure, Measure, Plan } from '../figure.ts';
import { probe } from '../probe.ts';
import { compare, median, takeTurns } from '../sample.ts';

const RUNS = 1_000;
/** How often it is looked whether the event loop is free. */
const LOOK_EACH_MS = 5;

interface Answer {
  readonly ours: readonly number[];
  readonly baseline: readonly number[];
  /** The longest that a timer waited during each recovery, beyond its time. */
  readonly heldMs: readonly number[];
}

/** See the head of this file. */
export const recovery: Measure = {
  name: 'recovery',
  needsPeers: false,
  seconds: [10, 30],
  async figures({ quick }: Plan): Promise<readonly Figure[]> {
    const { ours, baseline, heldMs } = await probe<Answer>('recovery/recover', { rounds: quick ? 3 : 10 });
    const figure = `recovery of ${RUNS} unknown runs`;
    return [
      {
        figure,
        unit: 'ms',
        against: `one look at /proc and ${RUNS} rows`,
        ...compare(ours, baseline),
        note: 'half of them commands; from the start of the daemon until each is written as lost and its slot is free',
        target: { of: 'ours', atMost: 2_000 },
      },
      {
        figure: 'longest wait of a timer meanwhile',
        unit: 'ms',
        ours: median(heldMs),
        baseline: undefined,
        against: '',
        samples: { ours: heldMs },
        target: { of: 'ours', atMost: 100 },
      },
    ];
  },
};

/** What runs in the process of its own. */
export const probes: { recover: (options: { rounds: number }) => Promise<Answer> } = {
  async recover({ rounds }) {
    const folder = mkdtempSync(join(tmpdir(), 'tickwise-bench-'));
    try {
      const left = join(folder, 'left.db');
      const jobs = jobsOf();
      await leaveRuns(left, jobs);
      const heldMs: number[] = [];
      const [ours = [], baseline = []] = await takeTurns(rounds, [
        async () => {
          const { tookMs, longestMs } = await recoverOnce(copyOf(left, folder), jobs);
          heldMs.push(longestMs);
          return tookMs;
        },
        () => leastOnce(copyOf(left, folder)),
      ]);
      return { ours, baseline, heldMs: heldMs.slice(-rounds) };
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

function jobsOf(): Record<string, object> {
  const tasks = [{ command: ['true'] }, { module: fileURLToPath(new URL('../noop-task.ts', import.meta.url)) }];
  return Object.fromEntries(Array.from({ length: RUNS }, (_, index) => [`job-${index}`, { task: tasks[index % 2] }]));
}

/** A ledger in which a daemon that is no more, of this boot, holds every slot. */
async function leaveRuns(path: string, jobs: object): Promise<void> {
  const { openSqliteStore } = await import('../../src/store/sqlite.ts');
  const { readIdentity } = await import('../../src/system/identity.ts');
  const config = await configOf(path, jobs);
  const now = Date.now();
  // The number of this process, and a start that is not its own: a daemon whose number is used again.
  const node = { ...readIdentity(now), pidStart: 1 };
  await using store = await openSqliteStore({ path, node });
  await store.arm(config.jobs, now);
  const context = { now, liveSince: now, draining: false, matched: true, waitingForPlace: false, exclusiveHeld: false };
  const claims = config.jobs.map((job) => {
    const runId = randomBytes(8).toString('hex');
    return { kind: 'trigger', job, runId, at: now, by: 'bench', context } as const;
  });
  const { grants } = await store.commit({ at: now, ends: [], checkpoints: [], spawns: [], promotions: [], claims });
  if (grants.length !== RUNS) throw new Error(`${grants.length} runs were granted`);
}

let copies = 0;

function copyOf(left: string, folder: string): string {
  const path = join(folder, `ledger-${++copies}.db`);
  copyFileSync(left, path);
  return path;
}

async function configOf(path: string, jobs: object): Promise<Config> {
  const { parseConfigObject } = await import('../../src/config/load.ts');
  const { createCalendar } = await import('../../src/system/calendar.ts');
  const options = { env: process.env, calendar: createCalendar(), now: Date.now(), hostTimezone: 'UTC' };
  return parseConfigObject({ store: `sqlite:${path}`, listen: false, jobs }, options);
}

async function recoverOnce(path: string, jobs: object): Promise<{ tookMs: number; longestMs: number }> {
  const { startDaemon } = await import('../../src/daemon.ts');
  const { Events } = await import('../../src/engine/events.ts');
  const { createCalendar } = await import('../../src/system/calendar.ts');
  const { createSystemClock } = await import('../../src/system/clock.ts');
  const config = await configOf(path, jobs);
  const events = new Events();
  let lost = 0;
  const { promise, resolve } = Promise.withResolvers<void>();
  events.on('runEnded', ({ outcome }) => {
    if (outcome === 'lost' && ++lost === RUNS) resolve();
  });
  const startedAt = performance.now();
  const daemon = await startDaemon(config, { clock: createSystemClock(), calendar: createCalendar(), env: process.env, events });
  let longestMs = 0;
  let lookedAt = performance.now();
  const look = setInterval(() => {
    const now = performance.now();
    longestMs = Math.max(longestMs, now - lookedAt - LOOK_EACH_MS);
    lookedAt = now;
  }, LOOK_EACH_MS);
  await promise;
  const tookMs = performance.now() - startedAt;
  await new Promise((next) => setTimeout(next, LOOK_EACH_MS));
  clearInterval(look);
  await daemon.stop();
  return { tookMs, longestMs };
}

/** Looks once at every process and its environment, and updates as many rows in one commit. */
async function leastOnce(path: string): Promise<number> {
  const { DatabaseSync } = await import('node:sqlite');
  const startedAt = performance.now();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    for (const file of ['stat', 'environ']) {
      try {
        readFileSync(`/proc/${pid}/${file}`, 'latin1');
      } catch {
        // Gone, or not ours to read.
      }
    }
  }
  using db = new DatabaseSync(path);
  db.exec('pragma journal_mode = wal');
  db.exec('pragma synchronous = full');
  const ids = db.prepare('select id from runs').all();
  const update = db.prepare("update runs set outcome = 'lost', ended_at = ? where id = ?");
  db.exec('begin immediate');
  for (const { id } of ids) update.run(Date.now(), id ?? null);
  db.exec('commit');
  return performance.now() - startedAt;
}
