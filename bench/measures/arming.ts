/** How long it takes from the text of a configuration to armed jobs: read, check, arm. */
import type { Figure, Measure, Plan } from '../figure.ts';
import { idlePattern, manyJobsText } from '../many-jobs.ts';
import { hasPeer, loadPeer } from '../peers.ts';
import { probe } from '../probe.ts';
import { median } from '../sample.ts';
import type { StoreKind } from '../subject.ts';

const MANY = 100_000;
/** node-cron is slower the more there are; a tenth, times ten, flatters it. */
const NODE_CRON_JOBS = 10_000;

/** See the head of this file. */
export const arming: Measure = {
  name: 'arming',
  needsPeers: true,
  seconds: [12, 34],
  async figures({ quick }: Plan): Promise<readonly Figure[]> {
    const rounds = quick ? 1 : 3;
    const samples = { few: [] as number[], memory: [] as number[], sqlite: [] as number[], peer: [] as number[] };
    for (let round = 0; round < rounds; round++) {
      if (hasPeer('node-cron')) samples.peer.push(await probe<number>('arming/peer', { jobs: NODE_CRON_JOBS }));
      samples.memory.push(await probe<number>('arming/subject', { jobs: MANY, store: 'memory' }));
      samples.sqlite.push(await probe<number>('arming/subject', { jobs: MANY, store: 'sqlite' }));
      samples.few.push(await probe<number>('arming/subject', { jobs: 10_000, store: 'sqlite' }));
    }
    const few = samples.peer.length === 0 ? undefined : median(samples.peer);
    const many = few === undefined ? undefined : (few * MANY) / NODE_CRON_JOBS;
    const note = 'node-cron with 10,000, times ten';
    const row = { unit: 's', against: 'node-cron', target: { of: 'ours', atMost: 5 } } as const;
    return [
      {
        ...row,
        figure: 'arming 100,000 jobs, memory store',
        ours: median(samples.memory),
        baseline: many,
        note,
        samples: { ours: samples.memory },
      },
      {
        ...row,
        figure: 'arming 100,000 jobs, new SQLite store',
        ours: median(samples.sqlite),
        baseline: many,
        note,
        samples: { ours: samples.sqlite },
      },
      {
        figure: 'arming 10,000 jobs, new SQLite store',
        unit: 's',
        ours: median(samples.few),
        baseline: few,
        against: 'node-cron',
        samples: { ours: samples.few, baseline: samples.peer },
      },
    ];
  },
};

/** What runs in processes of their own. */
export const probes: {
  subject: (options: { jobs: number; store: StoreKind }) => Promise<number>;
  peer: (options: { jobs: number }) => Promise<number>;
} = {
  async subject({ jobs, store }) {
    const { startSubject } = await import('../subject.ts');
    const text = manyJobsText(jobs, (index) => idlePattern(index, Date.now()));
    return await secondsOf(() => startSubject(store, text));
  },

  async peer({ jobs }) {
    const cron = await loadPeer('node-cron');
    return await secondsOf(async () => {
      for (let index = 0; index < jobs; index++) cron.schedule(idlePattern(index, Date.now()), () => {}, { timezone: 'UTC' });
    });
  },
};

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return (performance.now() - startedAt) / 1_000;
}
