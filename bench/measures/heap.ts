/** What a job that waits for its tick costs in memory, from the text of a configuration to the armed scheduler. */
import type { Figure, Measure, Plan } from '../figure.ts';
import { idlePattern, manyJobsText } from '../many-jobs.ts';
import { hasPeer, loadPeer } from '../peers.ts';
import { probe } from '../probe.ts';

/** Each of croner's jobs holds 83 kB: more than a few thousand do not fit. */
const CRONER_JOBS = 2_000;
const CRON_JOBS = 10_000;

/** See the head of this file. */
export const heap: Measure = {
  name: 'heap',
  needsPeers: true,
  seconds: [6, 22],
  async figures({ quick }: Plan): Promise<readonly Figure[]> {
    const cron = hasPeer('cron') ? await probe<number>('heap/cron', { jobs: CRON_JOBS }) : undefined;
    const croner = await probe<number>('heap/croner', { jobs: CRONER_JOBS });
    const figures: Figure[] = [];
    for (const jobs of quick ? [10_000] : [10_000, 100_000]) {
      const ours = await probe<number>('heap/subject', { jobs });
      const row = { figure: `heap an idle job, ${jobs.toLocaleString('en')} jobs`, unit: 'bytes', ours } as const;
      const isFirst = jobs === 10_000;
      const note = `cron with ${CRON_JOBS.toLocaleString('en')}, croner with ${CRONER_JOBS.toLocaleString('en')} jobs; 100,000 of croner's would take 8 GB`;
      figures.push({
        ...row,
        baseline: cron,
        against: 'cron',
        target: { of: 'ours', atMost: 1_000 },
        ...(isFirst ? { note } : {}),
      });
      figures.push({ ...row, baseline: croner, against: 'croner' });
    }
    return figures;
  },
};

interface Options {
  readonly jobs: number;
}

/** What runs in processes of their own. */
export const probes: {
  subject: (options: Options) => Promise<number>;
  cron: (options: Options) => Promise<number>;
  croner: (options: Options) => Promise<number>;
} = {
  async subject({ jobs }) {
    const { startSubject } = await import('../subject.ts');
    // Whatever is made once, and not for each job, is made here.
    await using _first = await startSubject('memory', textOf(10));
    return await weigh(jobs, () => startSubject('memory', textOf(jobs)));
  },

  async cron({ jobs }) {
    const { CronJob } = await loadPeer('cron');
    const start = (index: number): unknown =>
      CronJob.from({ cronTime: idlePattern(index, Date.now()), onTick: () => {}, start: true, timeZone: 'UTC' });
    start(0);
    return await weigh(jobs, async () => Array.from({ length: jobs }, (_, index) => start(index)));
  },

  async croner({ jobs }) {
    const { Cron } = await import('croner');
    const start = (index: number): unknown => new Cron(idlePattern(index, Date.now()), { timezone: 'UTC' }, () => {});
    start(0);
    return await weigh(jobs, async () => Array.from({ length: jobs }, (_, index) => start(index)));
  },
};

function textOf(jobs: number): string {
  return manyJobsText(jobs, (index) => idlePattern(index, Date.now()));
}

async function weigh(jobs: number, make: () => Promise<unknown>): Promise<number> {
  const before = await settledHeap();
  const kept = await make();
  const after = await settledHeap();
  if (kept === undefined) throw new Error('nothing was made');
  return (after - before) / jobs;
}

async function settledHeap(): Promise<number> {
  for (let round = 0; round < 4; round++) {
    await new Promise((resolve) => setTimeout(resolve, 25));
    globalThis.gc?.();
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
