/** Jobs that do not end when they are asked to, beside one that is due each second. */
import { join } from 'node:path';
import { FIXTURES, type Site } from './daemon-process.ts';

export const BUDGET_MS = 1_000;
export const GRACE_MS = 500;
/** What the promise adds to budget and grace. */
export const MARGIN_MS = 2_000;

/** @returns a thread that blocks, a process that ignores SIGTERM, a command whose grandchild left the session, and a metronome */
export function stubbornJobs(site: Site): Record<string, object> {
  const module = (name: string, exported: string) => ({
    module: join(FIXTURES, 'work.ts'),
    export: exported,
    input: { evidence: site.file(name) },
  });
  const common = { schedule: '@every 1s', budget: `${BUDGET_MS}ms`, grace: `${GRACE_MS}ms` };
  return {
    blocks: { ...common, isolation: 'worker', task: module('blocks', 'blocks') },
    deaf: { ...common, isolation: 'process', task: module('deaf', 'deaf') },
    leaves: { ...common, task: { command: ['sh', join(FIXTURES, 'leaves-session.sh'), site.file('leaves')] } },
    metronome: { schedule: '@every 1s', isolation: 'inline', task: module('metronome', 'quick') },
  };
}

export const STUBBORN = ['blocks', 'deaf', 'leaves'] as const;
