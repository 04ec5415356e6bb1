/** Runs of nothing through the gate, ledger in memory, against bare p-queue. */
import type { Figure, Measure, Plan } from '../figure.ts';
import { probe } from '../probe.ts';
import { compare, startThreadTime, takeTurns } from '../sample.ts';

const JOBS = 16;
const SLICE_MS = 300;

type Answer = readonly [ours: number[], baseline: number[]];

/** See the head of this file. */
export const dispatch: Measure = {
  name: 'dispatch',
  needsPeers: false,
  seconds: [4, 10],
  async figures({ quick }: Plan): Promise<readonly Figure[]> {
    const answer = await probe<Answer>('dispatch/compare', { rounds: quick ? 5 : 15 });
    return [
      {
        figure: 'no-op runs through the gate, memory store, 16 jobs',
        unit: 'runs/s',
        against: 'bare p-queue',
        ...compare(...answer),
        target: { of: 'ratio', atLeast: 0.5 },
        note: 'a second of processor time of the one thread',
      },
    ];
  },
};

/** What runs in the process of its own. */
export const probes: { compare: (options: { rounds: number }) => Promise<Answer> } = {
  async compare({ rounds }) {
    const { noopJobs, runsASecond, startSubject } = await import('../subject.ts');
    const { default: PQueue } = await import('p-queue');
    const jobs = noopJobs(JOBS);
    await using subject = await startSubject('memory', jobs);
    const queue = new PQueue({ concurrency: JOBS });
    const names = Object.keys(jobs);
    const [ours = [], baseline = []] = await takeTurns(rounds, [
      () => runsASecond(subject.scheduler, names, SLICE_MS, startThreadTime()),
      () => callsASecond(() => queue.add(async () => {})),
    ]);
    return [ours, baseline];
  },
};

async function callsASecond(call: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  const spentMs = startThreadTime();
  let calls = 0;
  const again = async (): Promise<void> => {
    while (performance.now() - startedAt < SLICE_MS) {
      await call();
      calls++;
    }
  };
  await Promise.all(Array.from({ length: JOBS }, again));
  return (calls * 1_000) / spentMs();
}
