/** How long it takes from the text of a configuration to armed jobs: read, check, arm. */
import type { Figure, Measure, Plan } from '../figure.ts';
import { idlePattern, manyJobsText, minutePattern } from '../many-jobs.ts';
import { hasPeer, loadPeer } from '../peers.ts';
import { probe } from '../probe.ts';
import { median } from '../sample.ts';
import type { StoreKind } from '../subject.ts';

const MANY = 100_000;
/** node-cron arms only these: its time grows with their number, and ten times as many would take longer than all else here. */
const FEW = 10_000;

/** See the head of this file. */
export const arming: Measure = {
  name: 'arming',
  needsPeers: true,
  seconds: [16, 62],
  async figures({ quick }: Plan): Promise<readonly Figure[]> {
    const rounds = quick ? 1 : 2;
    const samples = {
      distinct: [] as number[],
      memory: [] as number[],
      shared: [] as number[],
      few: [] as number[],
      peer: [] as number[],
    };
    for (let round = 0; round < rounds; round++) {
      if (hasPeer('node-cron')) samples.peer.push(await probe<number>('arming/peer', { jobs: FEW }));
      samples.distinct.push(await probe<number>('arming/subject', { jobs: MANY, store: 'sqlite', isShared: false }));
      samples.shared.push(await probe<number>('arming/subject', { jobs: MANY, store: 'sqlite', isShared: true }));
      samples.few.push(await probe<number>('arming/subject', { jobs: FEW, store: 'sqlite', isShared: false }));
      if (!quick) samples.memory.push(await probe<number>('arming/subject', { jobs: MANY, store: 'memory', isShared: false }));
    }
    const few = samples.peer.length === 0 ? undefined : median(samples.peer);
    const many = few === undefined ? undefined : (few * MANY) / FEW;
    const row = { unit: 's', against: 'node-cron' };
    const of = (figure: string, ours: number[]): Figure => ({
      ...row,
      figure: `arming 100,000 jobs, ${figure}`,
      ours: median(ours),
      baseline: many,
      target: { of: 'ours', atMost: 5 },
      samples: { ours },
    });
    return [
      { ...of('68,400 patterns, new SQLite store', samples.distinct), note: 'node-cron with 10,000, times ten' },
      ...(quick ? [] : [of('68,400 patterns, memory store', samples.memory)]),
      of('1,140 patterns, new SQLite store', samples.shared),
      {
        ...row,
        figure: 'arming 10,000 jobs, as many patterns',
        ours: median(samples.few),
        baseline: few,
        samples: { ours: samples.few },
      },
    ];
  },
};

/** What runs in processes of their own. */
export const probes: {
  subject: (options: { jobs: number; store: StoreKind; isShared: boolean }) => Promise<number>;
  peer: (options: { jobs: number }) => Promise<number>;
} = {
  async subject({ jobs, store, isShared }) {
    const { startSubject } = await import('../subject.ts');
    const patternOf = isShared ? minutePattern : idlePattern;
    const text = manyJobsText(jobs, (index) => patternOf(index, Date.now()));
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
