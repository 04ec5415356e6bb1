import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { HAS_PROC, Site } from './daemon-process.ts';
import { judgeJob, overlapJobs, type Verdict } from './overlap.ts';

const DRILL_MS = 8_000;

describe.runIf(HAS_PROC)('jobs each second whose work takes 2.5 s', () => {
  it('never run twice at once, in any isolation under any policy, and account for each tick', { timeout: 60_000 }, async () => {
    await using site = new Site();
    const jobs = overlapJobs(site);
    site.configure({ shutdownGrace: '10s', jobs });
    const daemon = await site.startUp();
    const from = Date.now();
    // The subject is what happens in this time; nothing else tells that it is over.
    await delay(DRILL_MS);
    const to = Date.now() - 1_000;
    daemon.signal('SIGTERM');
    expect(await daemon.exited).toBe(0);

    expect(site.alive()).toEqual([]);
    await using ledger = await site.ledger();
    const verdicts: Verdict[] = [];
    for (const job of Object.keys(jobs)) verdicts.push(await judgeJob(site, ledger, job, from, to));
    expect(verdicts.flatMap((verdict) => verdict.overlaps)).toEqual([]);
    expect(verdicts.flatMap((verdict) => verdict.unaccounted.map((what) => `${verdict.job}: ${what}`))).toEqual([]);
    expect(verdicts.filter((verdict) => verdict.runs < 2).map((verdict) => verdict.job)).toEqual([]);
    const outcomesOf = (policy: string): Set<string> =>
      new Set(verdicts.filter(({ job }) => job.endsWith(policy)).flatMap(({ ticks }) => ticks.map(({ outcome }) => outcome)));
    expect(outcomesOf('-skip')).toEqual(new Set(['ran', 'skipped']));
    expect(outcomesOf('-queue')).toContain('folded');
    expect(verdicts.filter(({ job, byState }) => job.endsWith('-cancel') && (byState['cancelled'] ?? 0) < 2)).toEqual([]);
  });
});
