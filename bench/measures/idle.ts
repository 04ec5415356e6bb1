/** The processor time that waiting costs: 10,000 jobs whose ticks are hours away, against a process with one timer. */
import type { Figure, Measure, Plan } from '../figure.ts';
import { idlePattern, manyJobsText } from '../many-jobs.ts';
import { probe } from '../probe.ts';
import { compare } from '../sample.ts';

const JOBS = 10_000;
/** Of each kind, side by side: what is measured is their own time, which waiting processes hardly take from each other. */
const PAIRS = 3;

interface Options {
  readonly seconds: number;
}

/** See the head of this file. */
export const idle: Measure = {
  name: 'idle',
  needsPeers: false,
  seconds: [20, 57],
  async figures({ quick }: Plan): Promise<readonly Figure[]> {
    const options: Options = { seconds: quick ? 5 : 40 };
    const pairs = Array.from({ length: PAIRS }, () =>
      Promise.all([probe<number>('idle/subject', options), probe<number>('idle/timer', options)]),
    );
    const samples = await Promise.all(pairs);
    return [
      {
        figure: `processor time of ${options.seconds} idle seconds, ${JOBS.toLocaleString('en')} jobs, SQLite`,
        unit: 'ms',
        against: 'one bare timer',
        ...compare(
          samples.map(([ours]) => ours),
          samples.map(([, baseline]) => baseline),
        ),
        target: { of: 'ratio', atMost: 2 },
        note: `${PAIRS} pairs side by side`,
      },
    ];
  },
};

/** What runs in processes of their own. */
export const probes: { subject: (options: Options) => Promise<number>; timer: (options: Options) => Promise<number> } = {
  async subject({ seconds }) {
    const { startSubject } = await import('../subject.ts');
    await using _subject = await startSubject(
      'sqlite',
      manyJobsText(JOBS, (index) => idlePattern(index, Date.now())),
    );
    return await processorMs(seconds);
  },

  async timer({ seconds }) {
    setTimeout(() => {}, 3_600_000);
    return await processorMs(seconds);
  },
};

async function processorMs(seconds: number): Promise<number> {
  globalThis.gc?.();
  // The compiler's and the collector's own threads finish what the start has left them; V8 tidies the heap once more 8 s later.
  await new Promise((resolve) => setTimeout(resolve, 12_000));
  const before = process.cpuUsage();
  await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}
