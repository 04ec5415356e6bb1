import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FIXTURES, HAS_PROC, Site, until } from './daemon-process.ts';
import { overlaps, readEvidence } from './evidence.ts';

const BUDGET_MS = 1_500;
const GRACE_MS = 500;
/** What the promise adds to budget and grace; `timeout` counts whole seconds and speaks a second after the daemon would. */
const BOUND_MS = BUDGET_MS + GRACE_MS + 2_000 + 2_000;

/** A process that hears nothing, a command that hears nothing, and a thread that works on. */
function jobsOf(site: Site): Record<string, object> {
  const common = { schedule: '@every 1s', budget: `${BUDGET_MS}ms`, grace: `${GRACE_MS}ms` };
  const module = (name: string, exported: string) => ({
    module: join(FIXTURES, 'work.ts'),
    export: exported,
    input: { evidence: site.file(name), workMs: 3_600_000 },
  });
  const script = `trap '' TERM; while :; do read -r up _ < /proc/uptime; echo "beat $TICKWISE_RUN_ID $$ $up" >> "$1"; sleep 0.05; done`;
  return {
    command: { ...common, task: { command: ['sh', '-c', script, 'sh', site.file('command')] } },
    process: { ...common, isolation: 'process', task: module('process', 'deaf') },
    worker: { ...common, isolation: 'worker', task: module('worker', 'work') },
  };
}

describe.runIf(HAS_PROC)('a daemon that is frozen while runs are live', () => {
  it('has its children end in time without it, and goes on rightly when it wakes', { timeout: 60_000 }, async () => {
    await using site = new Site();
    const jobs = jobsOf(site);
    const names = Object.keys(jobs);
    site.configure({ jobs });
    const daemon = await site.startUp();
    const before = await until(() => {
      const runs = names.map((name) => readEvidence(site.file(name))[0]);
      return runs.every((run) => run !== undefined) ? runs : undefined;
    }, 'all jobs work');
    const frozenAt = performance.now();
    const seen = daemon.lines.length;
    daemon.signal('SIGSTOP');

    await until(() => (site.alive().every((pid) => pid === daemon.pid) ? true : undefined), 'the children are gone', BOUND_MS);
    const goneAfterMs = performance.now() - frozenAt;
    daemon.signal('SIGCONT');
    const ends = await Promise.all(
      before.map((run) => daemon.line((line) => line['runId'] === run?.runId && line['outcome'] !== undefined, { after: seen })),
    );
    const again = await until(() => {
      const runs = names.map((name) => readEvidence(site.file(name)));
      return runs.every((of) => of.length > 1) ? runs : undefined;
    }, 'all jobs work again');

    expect(goneAfterMs).toBeLessThan(BOUND_MS);
    expect(goneAfterMs).toBeGreaterThan(BUDGET_MS / 2);
    expect(ends.map((line) => [line['job'], line['outcome']])).toEqual([
      ['command', 'killed'],
      ['process', 'killed'],
      ['worker', 'timedOut'],
    ]);
    expect(again.flatMap(overlaps)).toEqual([]);
    daemon.signal('SIGTERM');
    await daemon.line((line) => line.message.includes('draining'));
    daemon.signal('SIGTERM');
    expect(await daemon.exited).toBe(0);
    expect(site.alive()).toEqual([]);
    await using ledger = await site.ledger();
    for (const job of names) {
      const ticks = (await ledger.ticks({ job, limit: 1_000 })).map(({ tick }) => tick).toReversed();
      expect(ticks).toEqual(ticks.map((_, index) => (ticks[0] ?? 0) + index * 1_000));
    }
    expect((await ledger.slots()).filter((slot) => slot.live !== undefined)).toEqual([]);
  });
});
