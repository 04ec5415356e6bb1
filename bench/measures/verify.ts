/** `tickwise verify` of a million rows, against reading the same rows and doing nothing with them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Figure, Measure, Plan } from '../figure.ts';
import { probe } from '../probe.ts';
import { compare, takeTurns } from '../sample.ts';

const JOBS = 100;
const RUNS_EACH = 5_000;
const EVERY_MS = 10_000;

interface Answer {
  readonly verify: number[];
  readonly scan: number[];
  readonly peakMb: number;
}

/** See the head of this file. */
export const verify: Measure = {
  name: 'verify',
  needsPeers: false,
  seconds: [25, 45],
  async figures({ quick }: Plan): Promise<readonly Figure[]> {
    const { verify: ours, scan, peakMb } = await probe<Answer>('verify/compare', { rounds: quick ? 2 : 5 });
    const against = 'a bare table scan';
    const note = `${JOBS} jobs; at most ${Math.round(peakMb)} MB resident in all`;
    return [
      {
        figure: 'verify of 1,000,000 rows',
        unit: 's',
        against,
        ...compare(ours, scan),
        target: { of: 'ours', atMost: 10 },
        note,
      },
    ];
  },
};

/** What runs in the process of its own. */
export const probes: { compare: (options: { rounds: number }) => Promise<Answer> } = {
  async compare({ rounds }) {
    const { verifyLedger } = await import('../../src/store/verify.ts');
    const { createCalendar } = await import('../../src/system/calendar.ts');
    const folder = mkdtempSync(join(tmpdir(), 'tickwise-bench-'));
    try {
      const path = join(folder, 'ledger.db');
      await makeLedger(path);
      const { DatabaseSync } = await import('node:sqlite');
      using db = new DatabaseSync(path, { readOnly: true });
      const [ours = [], scan = []] = await takeTurns(rounds, [
        () =>
          seconds(() => {
            const { count, runs, ticks } = verifyLedger(path, createCalendar());
            if (count > 0 || runs + ticks !== 2 * JOBS * RUNS_EACH) throw new Error('the ledger is not as it was made');
          }),
        () =>
          seconds(() => {
            for (const table of ['runs', 'ticks']) {
              const statement = db.prepare(`select * from ${table}`);
              statement.setReturnArrays(true);
              let rows = 0;
              for (const _ of statement.iterate()) rows++;
              if (rows !== JOBS * RUNS_EACH) throw new Error(`${rows} rows of ${table}`);
            }
          }),
      ]);
      return { verify: ours, scan, peakMb: process.resourceUsage().maxRSS / 1_024 };
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

function seconds(work: () => void): number {
  const startedAt = performance.now();
  work();
  return (performance.now() - startedAt) / 1_000;
}

/** Half a million ticks and the runs that they led to, as a daemon would have left them. */
async function makeLedger(path: string): Promise<void> {
  const { DatabaseSync } = await import('node:sqlite');
  const { JOB_DEFAULTS } = await import('../../src/core/job.ts');
  const { runIdOf } = await import('../../src/core/tick.ts');
  const { openSqliteStore } = await import('../../src/store/sqlite.ts');
  const startAt = Date.UTC(2026, 0, 1);
  const schedules = [{ kind: 'cron', pattern: '*/10 * * * * *', timezone: 'Europe/Zurich' }] as const;
  const names = Array.from({ length: JOBS }, (_, index) => `job-${index}`);
  {
    const node = { id: 'bench', host: 'bench', bootId: 'bench', pid: process.pid, pidStart: 0, startedAt: startAt };
    await using store = await openSqliteStore({ path, node });
    await store.arm(
      names.map((name) => ({ ...JOB_DEFAULTS, name, schedules, task: { kind: 'function', target: undefined } })),
      startAt,
    );
  }
  using db = new DatabaseSync(path);
  db.exec('pragma synchronous = off; begin');
  const insertTick = db.prepare("insert into ticks (tick, job, outcome, run, decided_at) values (?, ?, 'ran', ?, ?)");
  const insertRun = db.prepare(
    `insert into runs (id, job, tick, cause, fence, node, queued_at, granted_at, started_at, ended_at, outcome, steps, attempts, previous)
     values (?, ?, ?, 'tick', ?, 1, ?, ?, ?, ?, 'succeeded', 3, 1, ?)`,
  );
  const moveSlot = db.prepare('update slots set fence = ?, decided_until = ?, newest = ? where job = ?');
  const newest = names.map((): string | null => null);
  for (let fence = 1; fence <= RUNS_EACH; fence++) {
    const tick = startAt + fence * EVERY_MS;
    const runs = names.map((name, index) => ({ id: runIdOf(name, tick), index })).sort((a, b) => (a.id < b.id ? -1 : 1));
    for (const { id, index } of runs) {
      insertRun.run(id, index + 1, tick, fence, tick, tick + 2, tick + 3, tick + 1_500, newest[index] ?? null);
      insertTick.run(tick, index + 1, id, tick + 2);
      newest[index] = id;
      moveSlot.run(fence, tick, id, index + 1);
    }
  }
  db.exec('commit');
}
