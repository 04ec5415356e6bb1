/**
 * Day one: a database clean-up in batches with a checkpoint. A table of 50,000 events, of which 40,000 are too old; a run may take
 * a quarter of a second, so it needs several runs, and each goes on where the last one stopped.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { createScheduler, type RunEnd } from '../../src/index.ts';
import type { CleanUpInput } from './clean-up.ts';

const MODULE = fileURLToPath(new URL('clean-up.ts', import.meta.url));
/** Old events were made before this instant. */
export const CUTOFF = 1_000_000;

/** What came out. */
export interface CleanedUp {
  /** Each run, in order. */
  readonly runs: readonly RunEnd[];
  readonly rowsBefore: number;
  /** What is left: none of them is old. */
  readonly rowsAfter: number;
  readonly oldAfter: number;
  /** Rows that somebody else wrote while the clean-up went on. */
  readonly writtenMeanwhile: number;
}

/** Fills a table: four of five events are old. */
export function fillTable(file: string, rows: number): void {
  const db = new DatabaseSync(file);
  db.exec('pragma journal_mode = wal; create table events (id integer primary key, made_at integer not null, body text) strict');
  db.exec('begin');
  const insert = db.prepare('insert into events (made_at, body) values (?, ?)');
  for (let row = 0; row < rows; row++) insert.run(row % 5 === 0 ? CUTOFF + row : CUTOFF - 1 - row, 'something that happened');
  db.exec('commit');
  db.close();
}

/** Runs the clean-up, tick after tick, until a run has succeeded. */
export async function cleanUp(rows = 50_000, batch = 500, restMs = 5): Promise<CleanedUp> {
  using folder = temporaryFolder();
  const file = join(folder.path, 'app.db');
  fillTable(file, rows);
  const input: CleanUpInput = { database: file, before: CUTOFF, batch, restMs };
  const runs: RunEnd[] = [];
  const finished = Promise.withResolvers<void>();
  let writtenMeanwhile = 0;
  {
    await using scheduler = createScheduler({
      store: `sqlite:${join(folder.path, 'tickwise.db')}`,
      listen: false,
      // In real life: `"schedule": "0 3 * * *", "budget": "20m"`.
      jobs: { 'clean-up': { schedule: '@every 1s', budget: '250ms', grace: '2s', task: { module: MODULE, input } } },
    });
    // The application: it writes whenever the clean-up has come a step further.
    using app = new DatabaseSync(file, { timeout: 5_000 });
    const insert = app.prepare('insert into events (made_at, body) values (?, ?)');
    scheduler.on('runProgressed', () => void (writtenMeanwhile += Number(insert.run(CUTOFF + 1, 'a new one').changes)));
    scheduler.on('runEnded', (end) => {
      if (runs.at(-1)?.outcome === 'succeeded') return;
      runs.push(end);
      if (end.outcome !== 'unfinished') finished.resolve();
    });
    await scheduler.start();
    await finished.promise;
  }
  using db = new DatabaseSync(file, { readOnly: true });
  const count = (where: string): number => (db.prepare(`select count(*) as n from events ${where}`).get() as { n: number }).n;
  return { runs, rowsBefore: rows, rowsAfter: count(''), oldAfter: count(`where made_at < ${CUTOFF}`), writtenMeanwhile };
}

function temporaryFolder(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), 'tickwise-example-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

if (import.meta.main) {
  const { runs, rowsBefore, rowsAfter, oldAfter, writtenMeanwhile } = await cleanUp();
  for (const { outcome, steps, progress } of runs)
    console.log(
      `run: ${outcome} after ${steps} batches (${progress?.message ?? (outcome === 'succeeded' ? 'the end of the table' : 'the budget went into the start of the thread')})`,
    );
  console.log(
    `rows: ${rowsBefore} before, ${rowsAfter} after (${writtenMeanwhile} of them written meanwhile), ${oldAfter} of them old`,
  );
  console.log(`result: ${runs.at(-1)?.result}`);
}
