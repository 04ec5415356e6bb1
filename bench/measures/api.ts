/** What listeners and polls of the API cost the ticks: 2,000 who listen and 500 polls a second, beside jobs that are due each second. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { LoadSeen } from '../api-load.ts';
import type { Figure, Measure, Plan } from '../figure.ts';
import { probe } from '../probe.ts';
import { quantile } from '../sample.ts';

const LOAD = fileURLToPath(new URL('../api-load.ts', import.meta.url));
const LISTENERS = 2_000;
const POLLS_A_SECOND = 500;
const JOBS = 10;
/** What is late in the first seconds is the compiler. */
const WARM_MS = 3_000;

interface Answer {
  /** Milliseconds from a tick to the first step of its run. */
  readonly late: readonly number[];
  readonly load?: LoadSeen;
}

/** See the head of this file. */
export const api: Measure = {
  name: 'api',
  needsPeers: false,
  seconds: [40, 150],
  async figures({ quick }: Plan): Promise<readonly Figure[]> {
    const seconds = quick ? 10 : 60;
    const idle = await probe<Answer>('api/subject', { seconds, listeners: 0 });
    const busy = await probe<Answer>('api/subject', { seconds, listeners: LISTENERS });
    const { load } = busy;
    const note =
      load === undefined
        ? ''
        : `${load.events} events to ${load.listening} listeners, ${load.polls} polls (median ${load.pollMedianMs.toFixed(1)} ms, p99 ${load.pollP99Ms.toFixed(1)} ms), ${load.faults} faults, in ${seconds} s`;
    return ([0.5, 0.99] as const).map((share) => ({
      figure: `lateness p${share * 100}, ${LISTENERS} listeners and ${POLLS_A_SECOND} polls a second`,
      unit: 'ms',
      ours: quantile(busy.late, share),
      baseline: quantile(idle.late, share),
      against: 'the same with nobody there',
      ...(share === 0.99 ? { target: { of: 'ratio' as const, atMost: 2 }, note } : {}),
    }));
  },
};

interface Options {
  readonly seconds: number;
  readonly listeners: number;
}

/** What runs in processes of their own. */
export const probes: { subject: (options: Options) => Promise<Answer> } = {
  async subject({ seconds, listeners }) {
    const { startSubject } = await import('../subject.ts');
    const late: number[] = [];
    let isMeasuring = false;
    const task = {
      handleTimeoutTask(context: { tick: number }): boolean {
        if (isMeasuring) late.push(performance.timeOrigin + performance.now() - context.tick);
        return true;
      },
    };
    const jobs = Object.fromEntries(
      Array.from({ length: JOBS }, (_, index) => [`job-${index}`, { schedule: '* * * * * *', task }]),
    );
    await using subject = await startSubject('sqlite', jobs, '127.0.0.1:0');
    const load = listeners === 0 ? undefined : await startLoad(subject.address ?? '', listeners, seconds + WARM_MS / 1_000);
    await new Promise((resolve) => setTimeout(resolve, WARM_MS));
    isMeasuring = true;
    await new Promise((resolve) => setTimeout(resolve, seconds * 1_000 - 500));
    isMeasuring = false;
    return load === undefined ? { late } : { late, load: await load.seen };
  },
};

/** @returns when all listen */
async function startLoad(url: string, listeners: number, seconds: number): Promise<{ seen: Promise<LoadSeen> }> {
  const args = [LOAD, url, 'job-0', String(listeners), String(POLLS_A_SECOND), String(seconds)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const first = await lines.next();
  if (first.value !== 'ready') throw new Error('the load did not come up');
  return { seen: lines.next().then(({ value }) => JSON.parse(String(value)) as LoadSeen) };
}
