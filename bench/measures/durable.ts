/** Runs of nothing whose start and end survive a power cut, against SQLite with a commit for each. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Figure, Measure, Plan } from '../figure.ts';
import { probe } from '../probe.ts';
import { compare, takeTurns } from '../sample.ts';

/** Short, so that what else is written to the disk hits neighbours alike. */
const SLICE_MS = 150;

interface Answer {
  readonly many: readonly [ours: number[], baseline: number[]];
  readonly one: readonly [ours: number[], baseline: number[]];
}

/** See the head of this file. */
export const durable: Measure = {
  name: 'durable',
  needsPeers: false,
  seconds: [7, 20],
  async figures({ quick }: Plan): Promise<readonly Figure[]> {
    const { many, one } = await probe<Answer>('durable/compare', { rounds: quick ? 12 : 36 });
    const against = 'two commits a run';
    const unit = 'runs/s';
    return [
      { figure: 'durable no-op runs, 16 jobs', unit, against, ...compare(...many), target: { of: 'ratio', atLeast: 5 } },
      { figure: 'durable no-op runs, 1 job', unit, against, ...compare(...one), target: { of: 'ratio', atLeast: 0.8 } },
    ];
  },
};

/** What runs in the process of its own. */
export const probes: { compare: (options: { rounds: number }) => Promise<Answer> } = {
  async compare({ rounds }) {
    const { noopJobs, runsASecond, startSubject } = await import('../subject.ts');
    const jobs = noopJobs(16);
    await using subject = await startSubject('sqlite', jobs);
    const names = Object.keys(jobs);
    await using bare = await bareSqlite();
    const [many = [], between = [], one = []] = await takeTurns(rounds, [
      () => runsASecond(subject.scheduler, names, SLICE_MS),
      () => bare.runsASecond(),
      () => runsASecond(subject.scheduler, names.slice(0, 1), SLICE_MS),
    ]);
    return { many: [many, between], one: [one, between] };
  },
};

/** The least that one can write: one small row a run, inserted and committed, updated and committed. */
async function bareSqlite(): Promise<AsyncDisposable & { runsASecond(): number }> {
  const { DatabaseSync } = await import('node:sqlite');
  const folder = mkdtempSync(join(tmpdir(), 'tickwise-bench-'));
  const db = new DatabaseSync(join(folder, 'bare.db'));
  db.exec('pragma journal_mode = wal');
  db.exec('pragma synchronous = full');
  db.exec('create table runs (id integer primary key, job text not null, started_at integer not null, ended_at integer) strict');
  const insert = db.prepare('insert into runs (job, started_at) values (?, ?) returning id');
  const update = db.prepare('update runs set ended_at = ? where id = ?');
  return {
    runsASecond() {
      const startedAt = performance.now();
      let runs = 0;
      while (performance.now() - startedAt < SLICE_MS) {
        const row = insert.get('job-0', Date.now());
        update.run(Date.now(), row?.['id'] ?? 0);
        runs++;
      }
      return (runs * 1_000) / (performance.now() - startedAt);
    },
    async [Symbol.asyncDispose]() {
      db.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
