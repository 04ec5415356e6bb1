/** What listeners and polls of the API cost the ticks: 2,000 who listen and 500 polls a second, beside jobs that are due each second. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { LoadSeen } from '../api-load.ts';
import type { Figure, Measure, Plan, Target } from '../figure.ts';
import { probe } from '../probe.ts';
import { quantile } from '../sample.ts';

const LOAD = fileURLToPath(new URL('../api-load.ts', import.meta.url));
const LISTENERS = 2_000;
const POLLS_A_SECOND = 500;
const JOBS = 10;
/** Events that do not happen here. */
const IDLE = '?type=runBlocked,storeFailed';
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
  seconds: [60, 230],
  async figures({ quick }: Plan): Promise<readonly Figure[]> {
    const seconds = quick ? 10 : 60;
    const alone = await probe<Answer>('api/subject', { seconds, listeners: 0, query: '' });
    const idle = await probe<Answer>('api/subject', { seconds, listeners: LISTENERS, query: IDLE });
    const told = await probe<Answer>('api/subject', { seconds, listeners: LISTENERS, query: '' });
    const figures = (what: string, { late, load }: Answer, target?: Target): Figure[] =>
      ([0.5, 0.99] as const).map((share) => ({
        figure: `lateness p${share * 100}, ${LISTENERS} ${what} and ${POLLS_A_SECOND} polls a second`,
        unit: 'ms',
        ours: quantile(late, share),
        baseline: quantile(alone.late, share),
        against: 'the same with nobody there',
        ...(share === 0.99 && target !== undefined ? { target } : {}),
        ...(share === 0.99 ? { note: noteOf(load, seconds) } : {}),
      }));
    return [...figures('idle listeners', idle, { of: 'ratio', atMost: 2 }), ...figures('listeners to all events', told)];
  },
};

function noteOf(load: LoadSeen | undefined, seconds: number): string {
  if (load === undefined) return 'no load';
  const { events, listening, polls, pollMedianMs, pollP99Ms, faults } = load;
  return `${events} events to ${listening} listeners, ${polls} polls (median ${pollMedianMs.toFixed(1)} ms, p99 ${pollP99Ms.toFixed(1)} ms), ${faults} faults, in ${seconds} s`;
}

interface Options {
  readonly seconds: number;
  readonly listeners: number;
  /** Of what they listen to. */
  readonly query: string;
}

/** What runs in processes of their own. */
export const probes: { subject: (options: Options) => Promise<Answer> } = {
  async subject({ seconds, listeners, query }) {
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
    const load =
      listeners === 0 ? undefined : await startLoad(subject.address ?? '', listeners, query, seconds + WARM_MS / 1_000);
    await new Promise((resolve) => setTimeout(resolve, WARM_MS));
    isMeasuring = true;
    await new Promise((resolve) => setTimeout(resolve, seconds * 1_000 - 500));
    isMeasuring = false;
    return load === undefined ? { late } : { late, load: await load.seen };
  },
};

/** @returns when all listen */
async function startLoad(url: string, listeners: number, query: string, seconds: number): Promise<{ seen: Promise<LoadSeen> }> {
  const args = [LOAD, url, 'job-0', String(listeners), query, String(POLLS_A_SECOND), String(seconds)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const first = await lines.next();
  if (first.value !== 'ready') throw new Error('the load did not come up');
  return { seen: lines.next().then(({ value }) => JSON.parse(String(value)) as LoadSeen) };
}
