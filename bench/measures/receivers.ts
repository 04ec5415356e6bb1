/** What receivers that accept and never answer cost the ticks: jobs each second that all ping, and half of which fail and tell of it. */
import { createServer, type Server } from 'node:net';
import type { Figure, Measure, Plan } from '../figure.ts';
import { probe } from '../probe.ts';
import { quantile } from '../sample.ts';

const JOBS = 50;
/** What is late in the first seconds is the compiler. */
const WARM_MS = 3_000;

/** See the head of this file. */
export const receivers: Measure = {
  name: 'receivers',
  needsPeers: false,
  seconds: [32, 100],
  async figures({ quick }: Plan): Promise<readonly Figure[]> {
    const seconds = quick ? 10 : 20;
    const dead: number[] = [];
    const nobody: number[] = [];
    for (let round = 0; round < (quick ? 1 : 2); round++) {
      nobody.push(...(await probe<readonly number[]>('receivers/subject', { seconds, isTold: false })));
      dead.push(...(await probe<readonly number[]>('receivers/subject', { seconds, isTold: true })));
    }
    return ([0.5, 0.99, 1] as const).map((share) => ({
      figure: `lateness ${share === 1 ? 'at most' : `p${share * 100}`}, ${JOBS} jobs each second, receivers that never answer`,
      unit: 'ms',
      ours: quantile(dead, share),
      baseline: quantile(nobody, share),
      against: 'nobody is told',
      ...(share === 0.99 ? { target: { of: 'excess' as const, atMost: 50 } } : {}),
    }));
  },
};

interface Options {
  readonly seconds: number;
  readonly isTold: boolean;
}

/** What runs in processes of their own. */
export const probes: { subject: (options: Options) => Promise<readonly number[]> } = {
  async subject({ seconds, isTold }) {
    const { startSubject } = await import('../subject.ts');
    const late: number[] = [];
    const server = await deadServer();
    const { port } = server.address() as { port: number };
    const from = Date.now() + WARM_MS;
    const task = (fails: boolean): object => ({
      handleTimeoutTask(context: { tick: number }): boolean {
        const now = performance.timeOrigin + performance.now();
        if (context.tick >= from && context.tick < from + seconds * 1_000) late.push(now - context.tick);
        if (fails) throw new Error('as it should');
        return true;
      },
    });
    const url = `http://127.0.0.1:${port}`;
    const told = isTold ? { ping: `${url}/ping`, notify: [{ on: ['failed'], webhook: `${url}/hook` }] } : {};
    const jobs = Object.fromEntries(
      Array.from({ length: JOBS }, (_, index) => [
        `job-${index}`,
        { schedule: '* * * * * *', task: task(index % 2 === 0), ...told },
      ]),
    );
    await using _subject = await startSubject('sqlite', jobs);
    await new Promise((resolve) => setTimeout(resolve, WARM_MS + seconds * 1_000));
    server.close();
    return late;
  },
};

/** Takes connections, and says nothing. */
async function deadServer(): Promise<Server> {
  const server = createServer((socket) => void socket.on('error', () => {})).unref();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}
