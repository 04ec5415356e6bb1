import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type DaemonProcess, FIXTURES, HAS_PROC, type Line, Site, until } from './daemon-process.ts';
import { overlaps, readEvidence } from './evidence.ts';

const module = join(FIXTURES, 'work.ts');
const COMMAND = { task: { command: ['true'] } };

function startsOf(daemon: DaemonProcess): Line[] {
  return daemon.lines.filter((line) => line.message === 'run started' && line['job'] === 'job');
}

describe.runIf(HAS_PROC)('a daemon', { concurrent: true }, () => {
  it('never runs a job twice that reloads take away and bring back while it is at work', { timeout: 60_000 }, async () => {
    await using site = new Site();
    const input = { evidence: site.file('evidence'), workMs: 4_000 };
    const job = { schedule: '@every 1s', budget: '1m', isolation: 'process', task: { module, export: 'work', input } };
    site.configure({ jobs: { job } });
    const daemon = await site.startUp();
    await until(() => readEvidence(site.file('evidence'))[0], 'the job began');

    for (const jobs of [{ other: COMMAND }, { job, other: COMMAND }]) {
      const after = daemon.lines.length;
      site.configure({ jobs });
      daemon.signal('SIGHUP');
      await daemon.line((line) => line.message === 'reloaded', { after });
    }
    const runs = await until(() => {
      const witnessed = readEvidence(site.file('evidence'));
      return witnessed.length > 1 ? witnessed : undefined;
    }, 'the job ran again');

    expect(runs[0]?.hasEnded).toBe(true);
    expect(overlaps(runs)).toEqual([]);
    expect(daemon.lines.filter((line) => line.message === 'run succeeded' && line['job'] === 'job')).toHaveLength(1);
  });

  it('accounts for each tick of a freeze and makes no burst of it', { timeout: 60_000 }, async () => {
    await using site = new Site();
    const input = { evidence: site.file('evidence') };
    site.configure({ jobs: { job: { schedule: '@every 1s', isolation: 'inline', task: { module, export: 'quick', input } } } });
    const daemon = await site.startUp();
    await until(() => startsOf(daemon)[1], 'the second run');
    const before = startsOf(daemon).length;

    daemon.signal('SIGSTOP');
    // The subject is a process that does not run for this long.
    await delay(4_200);
    daemon.signal('SIGCONT');
    await until(() => startsOf(daemon)[before + 3], 'three more runs');
    daemon.signal('SIGTERM');
    expect(await daemon.exited).toBe(0);

    await using ledger = await site.ledger();
    const ticks = (await ledger.ticks({ job: 'job', limit: 1_000 })).map(({ tick }) => tick).toReversed();
    const [first = 0] = ticks;
    expect(ticks).toEqual(ticks.map((_, index) => first + index * 1_000));
    const starts = readEvidence(site.file('evidence')).map((run) => run.from);
    const burst = starts.filter((start, index) => start - (starts[index - 2] ?? -Infinity) < 0.9);
    expect(burst).toEqual([]);
  });

  it('goes on after it was killed again while it recovers', { timeout: 60_000 }, async () => {
    await using site = new Site();
    const command = ['sh', join(FIXTURES, 'leaves-session.sh'), site.file('evidence')];
    site.configure({ jobs: { job: { schedule: '@every 1s', budget: '1h', grace: '500ms', task: { command } } } });
    const first = await site.startUp();
    await until(() => (site.read('evidence').includes('left') ? true : undefined), 'the job and its grandchild work');
    first.signal('SIGKILL');
    await first.exited;
    for (let kills = 0; kills < 2; kills++) {
      const next = await site.startUp();
      next.signal('SIGKILL');
      await next.exited;
    }

    const last = await site.startUp();
    const runs = await until(() => {
      const witnessed = readEvidence(site.file('evidence'));
      return witnessed.length > 1 ? witnessed : undefined;
    }, 'the job ran again');

    expect(overlaps(runs)).toEqual([]);
    last.signal('SIGTERM');
    await last.hurry();
    expect(await last.exited).toBe(0);
    expect(site.alive()).toEqual([]);
    await using ledger = await site.ledger();
    expect(await ledger.runs({ job: 'job', state: 'running', limit: 10 })).toEqual([]);
  });
});
