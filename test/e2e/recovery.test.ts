import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FIXTURES, HAS_PROC, Site, until } from './daemon-process.ts';
import { overlaps, readEvidence } from './evidence.ts';

const WORK = join(FIXTURES, 'work.ts');

function liveJobs(site: Site): Record<string, object> {
  const common = { schedule: '@every 1s', budget: '1h', grace: '500ms' };
  const module = (name: string, exported: string) => ({
    module: WORK,
    export: exported,
    input: { evidence: site.file(name), workMs: 3_600_000 },
  });
  return {
    inline: { ...common, isolation: 'inline', task: module('inline', 'work') },
    worker: { ...common, isolation: 'worker', onOverlap: 'queue', task: module('worker', 'work') },
    process: { ...common, isolation: 'process', onMissed: 'all', task: module('process', 'leaves') },
    command: {
      ...common,
      onMissed: 'skip',
      task: { command: ['sh', join(FIXTURES, 'leaves-session.sh'), site.file('command')] },
    },
  };
}

describe.runIf(HAS_PROC)('a daemon whose inline job throws outside its steps', () => {
  it('says so, exits 1, and is followed by one that writes the run as lost', { timeout: 60_000 }, async () => {
    await using site = new Site();
    const task = { module: WORK, export: 'throwsAside', input: { evidence: site.file('evidence') } };
    site.configure({ jobs: { job: { schedule: '@every 1s', isolation: 'inline', budget: '1h', task } } });
    const first = await site.startUp();

    expect(await first.exited).toBe(1);

    expect(first.lines.at(-1)).toMatchObject({ message: 'the daemon crashes', error: expect.stringContaining('aside') });
    const second = await site.startUp();
    await second.line((line) => line.message === 'run lost');
  });
});

describe.runIf(HAS_PROC)('after kill -9 of a daemon with live runs', () => {
  it('the next one proves their ends, writes them as lost, and runs the jobs again', { timeout: 60_000 }, async () => {
    await using site = new Site();
    const jobs = liveJobs(site);
    const names = Object.keys(jobs);
    site.configure({ jobs });
    const first = await site.startUp();
    const before = await until(() => {
      const runs = names.map((name) => readEvidence(site.file(name))[0]);
      const grandchildrenLive = (site.read('process').includes('left') && site.read('command').includes('left')) || undefined;
      return grandchildrenLive && runs.every((run) => run !== undefined) ? runs : undefined;
    }, 'all jobs work');
    first.signal('SIGKILL');
    await first.exited;

    const second = await site.startUp();
    const lost = await Promise.all(
      names.map((job) => second.line((line) => line.message === 'run lost' && line['job'] === job, { boundMs: 20_000 })),
    );
    const again = await until(
      () => {
        const runs = names.map((name) => readEvidence(site.file(name)));
        return runs.every((of) => of.length > 1) ? runs : undefined;
      },
      'all jobs work again',
      20_000,
    );

    expect(lost.map((line) => line['runId'])).toEqual(before.map((run) => run?.runId));
    expect(again.flatMap(overlaps)).toEqual([]);
    second.signal('SIGTERM');
    await second.hurry();
    expect(await second.exited).toBe(0);
    expect(site.alive()).toEqual([]);
    await using ledger = await site.ledger();
    for (const job of names) {
      const states = (await ledger.runs({ job, state: 'lost', limit: 10 })).map((run) => run.id);
      expect(states).toEqual([before[names.indexOf(job)]?.runId]);
    }
  });

  it('the next one starts what waited behind the slot', { timeout: 60_000 }, async () => {
    await using site = new Site();
    const { worker } = liveJobs(site);
    site.configure({ jobs: { worker } });
    const first = await site.startUp();
    const queued = await first.line((line) => line.message === 'run queued');
    first.signal('SIGKILL');
    await first.exited;

    const second = await site.startUp();
    const next = await second.line((line) => line.message === 'run started');

    expect(next['runId']).toBe(queued['runId']);
  });
});
