import { join } from 'node:path';
import { existsSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type DaemonProcess, FIXTURES, HAS_PROC, Site, until } from './daemon-process.ts';
import { readEvidence } from './evidence.ts';

const WORK = join(FIXTURES, 'work.ts');
const started = (job: string) => (line: { readonly message: string; readonly job?: unknown }) =>
  line.message === 'run started' && line.job === job;

/** A daemon with one job whose run is under way. */
async function working(site: Site, exported: string, job: object, rest: object = {}): Promise<DaemonProcess> {
  const task = { module: WORK, export: exported, input: { evidence: site.file('evidence'), workMs: 1_500 } };
  site.configure({ ...rest, jobs: { job: { schedule: '@every 1s', budget: '30s', grace: '500ms', task, ...job } } });
  const daemon = await site.startUp();
  await until(() => readEvidence(site.file('evidence'))[0], 'the job began');
  return daemon;
}

describe.runIf(HAS_PROC)('a daemon', { concurrent: true }, () => {
  it('runs the first tick of a job soon after its start', async () => {
    await using site = new Site();
    site.configure({ jobs: { job: { schedule: '@every 1s', task: { command: ['true'] } } } });
    const daemon = await site.startUp();
    const upAt = Date.parse(String(daemon.lines.find((line) => line.message.endsWith(' is up'))?.['time']));

    const line = await daemon.line(started('job'));

    expect(Date.parse(String(line['tick'])) - upAt).toBeLessThanOrEqual(1_000);
  });

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`lets live runs finish on ${signal}, starts nothing more, and exits 0`, async () => {
      await using site = new Site();
      const daemon = await working(site, 'work', { isolation: 'process' }, { shutdownGrace: '10s' });

      daemon.signal(signal);

      expect(await daemon.exited).toBe(0);
      expect(daemon.stderr).toBe('');
      expect(daemon.lines.at(-1)?.message).toBe('stopped');
      expect(readEvidence(site.file('evidence')).map((run) => run.hasEnded)).toEqual([true]);
      expect(daemon.lines.filter((line) => line['outcome'] === 'succeeded')).toHaveLength(1);
      expect(site.alive()).toEqual([]);
    });
  }

  it('stops what is left by force when the grace of the shutdown is over', async () => {
    await using site = new Site();
    const daemon = await working(site, 'deaf', { isolation: 'process' }, { shutdownGrace: '500ms' });

    daemon.signal('SIGTERM');

    expect(await daemon.exited).toBe(0);
    expect(
      daemon.lines.find(
        (line) => line['outcome'] !== undefined && line['runId'] !== undefined && line.message.startsWith('run '),
      )?.['outcome'],
    ).toBe('killed');
    expect(site.alive()).toEqual([]);
  });

  it('stops at once on a second signal', async () => {
    await using site = new Site();
    const daemon = await working(site, 'deaf', { isolation: 'process', grace: '1m' }, { shutdownGrace: '1h' });
    daemon.signal('SIGTERM');
    await daemon.hurry('SIGINT');

    expect(await daemon.exited).toBe(0);
    expect(site.alive()).toEqual([]);
  });

  it('takes signals that follow each other at once for one, as npm passes on what the terminal sent to both', async () => {
    await using site = new Site();
    const daemon = await working(site, 'quick', { isolation: 'worker' }, { shutdownGrace: '1h' });
    daemon.signal('SIGINT');
    daemon.signal('SIGINT');
    daemon.signal('SIGTERM');

    expect(await daemon.exited).toBe(0);
    expect(daemon.lines.some((line) => line.message.includes('stopping at once'))).toBe(false);
  });

  it('leaves an inline run that ignores its stop to the end of the process, and says so', async () => {
    await using site = new Site();
    const daemon = await working(site, 'deaf', { isolation: 'inline' }, { shutdownGrace: '100ms' });
    daemon.signal('SIGTERM');
    await daemon.hurry();

    expect(await daemon.exited).toBe(0);
    expect(daemon.lines.some((line) => line.message.includes('inline run ignored its stop'))).toBe(true);
  });

  it.each(['SIGTERM', 'SIGHUP'] as const)('hears %s while it starts, and acts upon it once it is up', async (signal) => {
    await using site = new Site();
    site.configure({ jobs: { job: { task: { command: ['true'] } } } });
    const daemon = site.start();
    // From outside, the lock of the store is the first that is seen of a start.
    await until(() => (existsSync(site.file('ledger.db-lock')) ? true : undefined), 'the store was locked');

    daemon.signal(signal);

    await daemon.line((line) => line.message === (signal === 'SIGTERM' ? 'stopped' : 'reloaded'));
    daemon.signal('SIGTERM');
    expect(await daemon.exited).toBe(0);
  });

  it('exits at once when nothing is live', async () => {
    await using site = new Site();
    site.configure({ jobs: { job: { task: { command: ['true'] } } } });
    const daemon = await site.startUp();

    daemon.signal('SIGTERM');

    expect(await daemon.exited).toBe(0);
    expect(daemon.lines.map((line) => line.message).slice(-2)).toEqual([
      'SIGTERM: draining; a second signal stops at once',
      'stopped',
    ]);
  });

  it('goes on when nobody reads its log any more', async () => {
    await using site = new Site();
    const daemon = await working(site, 'quick', { isolation: 'worker' });
    const before = readEvidence(site.file('evidence')).length;

    daemon.stopReading();

    await until(() => readEvidence(site.file('evidence'))[before + 2], 'three more runs');
    daemon.signal('SIGTERM');
    expect(await daemon.exited).toBe(0);
  });

  it('changes nothing on SIGHUP when the new configuration is bad, and the live run keeps its slot when it is good', async () => {
    await using site = new Site();
    const task = { module: WORK, export: 'work', input: { evidence: site.file('evidence'), workMs: 3_000 } };
    const job = { schedule: '@every 1s', budget: '30s', task, isolation: 'worker' };
    site.configure({ jobs: { job } });
    const daemon = await site.startUp();
    const first = await daemon.line(started('job'));

    writeFileSync(site.config, '{ "jobs": { "job": { "schedul": "@every 1s" } } }');
    daemon.signal('SIGHUP');
    await daemon.line((line) => line.message.startsWith('not reloaded: ') && line.message.includes('did you mean "schedule"'));
    const skip = await daemon.line((line) => line.message === 'tick skipped' && line['job'] === 'job', {
      after: daemon.lines.length,
    });
    site.configure({
      jobs: { job: { ...job, onOverlap: 'queue' }, other: { schedule: '@every 1s', task: { command: ['true'] } } },
    });
    const before = daemon.lines.length;
    daemon.signal('SIGHUP');
    await daemon.line((line) => line.message === 'reloaded', { after: before });
    await daemon.line(started('other'), { after: before });
    await daemon.line((line) => line.message === 'run succeeded' && line['runId'] === first['runId'], { after: before });
    const second = await daemon.line(started('job'), { after: before });

    expect(skip['reason']).toBe('overlap');
    expect(second['fence']).toBe(2);
    const [one, two] = await until(
      () => (readEvidence(site.file('evidence')).length > 1 ? readEvidence(site.file('evidence')) : undefined),
      'the second run',
    );
    expect(one?.hasEnded).toBe(true);
    expect(one?.until).toBeLessThanOrEqual(two?.from ?? 0);
  });
});
