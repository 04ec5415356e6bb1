import { describe, expect, it } from 'vitest';
import { HAS_PROC, Site, until } from './daemon-process.ts';
import { overlaps, readEvidence } from './evidence.ts';
import { BUDGET_MS, GRACE_MS, MARGIN_MS, STUBBORN, stubbornJobs } from './forced-end.ts';

describe.runIf(HAS_PROC)('a run that does not end when it is asked to', () => {
  it(
    'is ended by budget, grace and two seconds, with nothing alive after it, and its next tick runs',
    { timeout: 60_000 },
    async () => {
      await using site = new Site();
      site.configure({ shutdownGrace: '10s', jobs: stubbornJobs(site) });
      const daemon = await site.startUp();

      for (const job of STUBBORN) {
        const ended = await daemon.line(
          (line) => line['job'] === job && line['outcome'] === 'killed' && line['tookMs'] !== undefined,
        );
        expect(ended['tookMs']).toBeLessThanOrEqual(BUDGET_MS + GRACE_MS + MARGIN_MS);
        await until(() => readEvidence(site.file(job))[1], `${job} ran again`);
      }
      daemon.signal('SIGTERM');
      await daemon.hurry();

      expect(await daemon.exited).toBe(0);
      expect(site.alive()).toEqual([]);
      for (const job of STUBBORN) {
        expect(overlaps(readEvidence(site.file(job)))).toEqual([]);
      }
      expect(readEvidence(site.file('metronome')).every((run) => run.hasEnded)).toBe(true);
    },
  );
});
