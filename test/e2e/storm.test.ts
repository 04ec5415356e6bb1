import { describe, expect, it } from 'vitest';
import { HAS_PROC, Site } from './daemon-process.ts';
import { judgeStorm } from './storm-judge.ts';

describe.runIf(HAS_PROC)('clients that submit, cancel, pause, resume and reload all at once', () => {
  it('never get two live runs of a job, and each tick, run and key is accounted for', { timeout: 120_000 }, async () => {
    await using site = new Site();
    const { storm, verdicts, breaches } = await judgeStorm(site, { forMs: 6_000, clients: 40, seed: 1 });
    expect(breaches).toEqual([]);
    expect(verdicts.filter(({ runs }) => runs < 2).map(({ job }) => job)).toEqual([]);
    expect(storm.submitted.length).toBeGreaterThan(50);
    for (const action of ['submit 202', 'cancel job 202', 'pause', 'resume', 'command'])
      expect(Object.keys(storm.answers).filter((name) => name.startsWith(action))).not.toEqual([]);
  });
});
