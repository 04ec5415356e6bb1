import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { EndWrite } from '../../src/core/store.ts';
import { COMMAND, Folder, job } from './command-line.ts';

const TICK = Date.UTC(2026, 0, 10, 12);

const MINUTE = 60_000;

/** Three ended runs of one job, and a live one. */
async function setup(): Promise<Folder> {
  const folder = new Folder();
  folder.configure({ jobs: { alpha: { schedule: '@every 1m', task: COMMAND } } });
  await using store = await folder.store();
  const alpha = { ...job('alpha'), schedules: [{ kind: 'every', everyMs: MINUTE }] as const };
  await store.arm([alpha], TICK - 1);
  let ends: EndWrite[] = [];
  for (let at = TICK; at < TICK + 4 * MINUTE; at += MINUTE) {
    const context = { now: at, liveSince: 0, draining: false, matched: true, waitingForPlace: false, exclusiveHeld: false };
    const claims = [{ kind: 'ticks', job: alpha, dueTicks: [at], context } as const];
    const { grants } = await store.commit({ at, ends, checkpoints: [], spawns: [], promotions: [], claims });
    ends = grants.map(({ runId, fence }) => ({
      job: 'alpha',
      runId,
      fence,
      outcome: 'succeeded',
      endedAt: at + 1_500,
      steps: 1,
      attempts: 1,
    }));
  }
  return folder;
}

it('verify says in one line that the ledger keeps the promise', async () => {
  using folder = await setup();
  const { code, out, err } = await folder.tickwise('verify');
  expect([code, err]).toEqual([0, '']);
  expect(out).toMatch(
    /ledger\.db: 4 runs \(1 live, 0 queued\) and 4 ticks of 1 job: no two runs of a job intersect, and every due tick has one outcome\n$/,
  );
});

it('verify shows the rows that break the promise, and exits with 1', async () => {
  using folder = await setup();
  {
    using db = new DatabaseSync(join(folder.dir, 'ledger.db'));
    db.exec('update runs set ended_at = ended_at + 60000 where fence = 1');
  }
  const { code, out, err } = await folder.tickwise('verify');
  expect(code).toBe(1);
  expect(out).toMatch(/^alpha +overlap +run \S+ \(fence 2\) was granted /m);
  expect(err).toMatch(/^tickwise: \S+ledger\.db: 1 row in the ledger breaks the promise; please report this\n$/);
  const json = JSON.parse((await folder.tickwise('verify', '--json')).out) as object;
  expect(json).toMatchObject({ count: 1, runs: 4, live: 1, findings: [{ kind: 'overlap', job: 'alpha' }] });
});

it('verify says that there is no ledger, or none that can be read from here', async () => {
  using folder = new Folder();
  folder.configure({ jobs: {} });
  expect(await folder.tickwise('verify')).toMatchObject({
    code: 1,
    out: '',
    err: expect.stringContaining('there is no ledger yet') as string,
  });
  folder.configure({ store: 'memory:', jobs: {} });
  expect(await folder.tickwise('verify')).toMatchObject({
    code: 2,
    out: '',
    err: expect.stringContaining('"memory:"') as string,
  });
});

it('backup writes a copy that verify proves, and never over another file', async () => {
  using folder = await setup();
  const first = await folder.tickwise('backup', 'copy.db');
  expect(first).toMatchObject({ code: 0, err: '' });
  expect(first.out).toMatch(/copy\.db: \d+ bytes\n$/);
  const again = await folder.tickwise('backup', 'copy.db');
  expect(again).toMatchObject({ code: 4, out: '' });
  expect(again.err).toMatch(/^tickwise: \S+copy\.db: there is a file of this name already; name another, or remove it\n$/);
  folder.configure({ store: 'sqlite:./copy.db', jobs: {} });
  expect(await folder.tickwise('verify')).toMatchObject({ code: 0 });
});

it('a damaged ledger ends the daemon with one line and exit code 1, and stays as it is', async () => {
  using folder = await setup();
  folder.write('ledger.db', 'garbage\n'.repeat(1_000));
  const { code, out, err } = await folder.tickwise('run');
  expect([code, out]).toEqual([1, '']);
  expect(err).toMatch(/^tickwise: \S+ledger\.db: [^\n]*not a database[^\n]*tickwise backup[^\n]*\n$/);
});
