import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FIXTURES, HAS_PROC, Site, until } from './daemon-process.ts';

const KILLS = 3;

interface Note {
  readonly what: string;
  readonly step: number;
  readonly at: number;
}

function notesOf(site: Site, name = 'evidence'): Note[] {
  return site
    .read(name)
    .split('\n')
    .slice(0, -1)
    .map((line) => line.split(' '))
    .map(([what = '', step, at]) => ({ what, step: Number(step), at: Number(at) }));
}

function lastDone(notes: readonly Note[]): Note {
  return notes.findLast(({ what }) => what === 'done') ?? { what: 'done', step: 0, at: -Infinity };
}

/** A walk that starts at once and never ends. */
function walkOf(site: Site, stepMs: number, own: object): object {
  const input = { evidence: site.file('evidence'), stepMs };
  return { schedule: '@every 1s', budget: '1h', task: { module: join(FIXTURES, 'steps.ts'), export: 'walk', input }, ...own };
}

const KINDS: readonly (readonly [string, (site: Site) => object])[] = [
  ['worker', (site) => walkOf(site, 100, { isolation: 'worker' })],
  ['process', (site) => walkOf(site, 100, { isolation: 'process' })],
  ['command', (site) => walkOf(site, 100, { task: { command: ['sh', join(FIXTURES, 'steps.sh'), site.file('evidence')] } })],
];

describe.runIf(HAS_PROC)('after kill -9 of the daemon', { concurrent: true }, () => {
  it.each(KINDS)(
    'a walk of steps of 100 ms in a %s repeats at most one and leaves none out',
    { timeout: 90_000 },
    async (_, jobOf) => {
      await using site = new Site();
      site.configure({ jobs: { walk: jobOf(site) } });
      let daemon = await site.startUp();
      for (let kill = 0; kill < KILLS; kill++) {
        const begunWith = notesOf(site).length;
        await until(() => (notesOf(site).length >= begunWith + 11 ? true : undefined), 'five more steps are done');
        daemon.signal('SIGKILL');
        await daemon.exited;
        daemon = await site.startUp();
        const lost = await daemon.line((line) => line.message === 'run lost', { boundMs: 20_000 });
        expect(lost['job']).toBe('walk');
        // What the dead daemon left alive was done with its step, or was stopped, before the run was written as lost.
        await daemon.line((line) => line.message === 'run started');
      }
      await until(() => (lastDone(notesOf(site)).step > KILLS * 5 ? true : undefined), 'the walk goes on');

      const begins = notesOf(site).filter(({ what }) => what === 'begin');
      const repeats = begins.filter(({ step }, index) => step <= (begins[index - 1]?.step ?? 0));
      const leaps = begins.filter(({ step }, index) => step > (begins[index - 1]?.step ?? 0) + 1);
      expect(leaps).toEqual([]);
      expect(repeats.length).toBeLessThanOrEqual(KILLS);
      for (const { step, at } of repeats) {
        const done = lastDone(notesOf(site).filter((note) => note.at < at));
        expect(step).toBeGreaterThanOrEqual(done.step);
      }
    },
  );

  it('of steps faster than commits no more is lost than what the last moment did', { timeout: 60_000 }, async () => {
    await using site = new Site();
    site.configure({ jobs: { walk: walkOf(site, 1, { isolation: 'worker' }) } });
    const first = await site.startUp();
    await until(() => (lastDone(notesOf(site)).step > 300 ? true : undefined), '300 steps are done');
    first.signal('SIGKILL');
    await first.exited;
    const before = notesOf(site);

    await site.startUp();
    const resumed = await until(() => notesOf(site)[before.length], 'the walk goes on');

    const kept = before.find(({ what, step }) => what === 'done' && step === resumed.step - 1);
    expect(kept).toBeDefined();
    // 50 ms between two writes, one commit, and what a busy machine adds.
    expect(lastDone(before).at - (kept?.at ?? 0)).toBeLessThan(0.5);
  });
});

describe.runIf(HAS_PROC)('at the end of a run that spent its budget', () => {
  it('the newest of many fast checkpoints is in the ledger', { timeout: 60_000 }, async () => {
    await using site = new Site();
    // A step that gives up when the budget is spent makes the run `timedOut`; these are done with theirs.
    const input = { evidence: site.file('evidence'), stepMs: 1, finishes: true };
    const task = { module: join(FIXTURES, 'steps.ts'), export: 'walk', input };
    site.configure({ jobs: { walk: { schedule: '@every 2s', budget: '700ms', isolation: 'worker', task } } });
    const daemon = await site.startUp();
    const end = await daemon.line((line) => String(line.message).startsWith('run unfinished'));
    daemon.signal('SIGKILL');
    await daemon.exited;

    const done = lastDone(notesOf(site));
    await using ledger = await site.ledger();
    const runs = await ledger.runs({ job: 'walk', limit: 1 });
    expect(runs.map(({ id, state, checkpoint }) => [id, state, checkpoint])).toEqual([
      [end['runId'], 'unfinished', String(done.step)],
    ]);
  });
});
