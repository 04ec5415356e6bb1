import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { JOB_DEFAULTS, type Job } from '../../src/core/job.ts';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import { readIdentity } from '../../src/system/identity.ts';
import { FIXTURES, HAS_PROC, type Line, Site } from './daemon-process.ts';

const RUNS = 50;
const names = Array.from({ length: RUNS }, (_, index) => `job-${index}`);

/** Live runs of a daemon that died after this machine was started; its number is now this process's. */
async function leaveRuns(path: string): Promise<void> {
  const now = Date.now();
  const jobs = names.map((name): Job => ({ ...JOB_DEFAULTS, name, task: { kind: 'command', command: ['true'] } }));
  await using store = await openSqliteStore({ path, node: { ...readIdentity(now), pidStart: 1 } });
  await store.arm(jobs, now);
  const context = { now, liveSince: now, draining: false, matched: true, waitingForPlace: false, exclusiveHeld: false };
  const claims = jobs.map((job, index) => {
    const runId = `left-${String(index).padStart(3, '0')}`;
    return { kind: 'trigger', job, runId, at: now, by: 'test', context } as const;
  });
  const { grants } = await store.commit({ at: now, ends: [], checkpoints: [], spawns: [], promotions: [], claims });
  expect(grants).toHaveLength(RUNS);
}

describe.runIf(HAS_PROC)('a daemon that finds many runs of a dead one', () => {
  it('proves them together, within a second of being up, while another job runs on time', { timeout: 60_000 }, async () => {
    await using site = new Site();
    const tasks = [
      { command: ['true'] },
      { module: join(FIXTURES, 'work.ts'), export: 'quick', input: { evidence: '/dev/null' } },
    ];
    const left = Object.fromEntries(names.map((name, index) => [name, { task: tasks[index % 2] }]));
    const quick = { schedule: '@every 1s', isolation: 'inline', task: tasks[1] };
    site.configure({ jobs: { ...left, quick } });
    await leaveRuns(site.file('ledger.db'));

    const daemon = await site.startUp();
    const lost = await Promise.all(
      names.map((job) => daemon.line((line) => line.message === 'run lost' && line['job'] === job, { boundMs: 10_000 })),
    );
    await daemon.line((line) => line.message === 'run succeeded' && line['job'] === 'quick');

    const up = daemon.lines.find((line) => line.message.endsWith(' is up'));
    const at = (line: Line | undefined): number => Date.parse(String(line?.['time']));
    expect(Math.max(...lost.map(at)) - at(up)).toBeLessThan(1_000);
    daemon.signal('SIGTERM');
    expect(await daemon.exited).toBe(0);
    await using ledger = await site.ledger();
    expect(await ledger.runs({ state: 'lost', limit: 1_000 })).toHaveLength(RUNS);
    expect((await ledger.slots()).filter((slot) => slot.live !== undefined)).toEqual([]);
    expect((await ledger.ticks({ job: 'quick', limit: 10 })).map(({ outcome }) => outcome)).not.toContain('skipped');
  });
});
