/** Runs of nothing in a warm thread and in a warm child process, end proved each time, against bree: a new thread a run. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Figure, Measure, Plan } from '../figure.ts';
import { hasPeer, loadPeer } from '../peers.ts';
import { probe } from '../probe.ts';
import { compare, median, takeTurns } from '../sample.ts';

const SLICE_MS = 400;
/** Bree manages few runs a second, so it is given more time. */
const BREE_SLICE_MS = 1_000;
const MODULE = fileURLToPath(new URL('../noop-task.ts', import.meta.url));
/** As bree's own documentation writes a job: it says when it is done, and bree ends its thread. */
const BREE_JOB = `import { parentPort } from 'node:worker_threads';\nparentPort.postMessage('done');\n`;

interface Answer {
  readonly worker: number[];
  readonly process: number[];
  readonly bree: number[] | undefined;
}

/** See the head of this file. */
export const isolation: Measure = {
  name: 'isolation',
  needsPeers: true,
  seconds: [9, 16],
  async figures({ quick }: Plan): Promise<readonly Figure[]> {
    const { worker, process, bree } = await probe<Answer>('isolation/compare', { rounds: quick ? 3 : 7 });
    const sides = (ours: number[]): Pick<Figure, 'ours' | 'baseline'> =>
      bree === undefined ? { ours: median(ours), baseline: undefined } : compare(ours, bree);
    const against = 'bree';
    const unit = 'runs/s';
    return [
      { figure: 'no-op runs in a warm worker thread', unit, against, ...sides(worker), target: { of: 'ratio', atLeast: 100 } },
      { figure: 'no-op runs in a warm child process', unit, against, ...sides(process), target: { of: 'ratio', atLeast: 50 } },
    ];
  },
};

/** What runs in the process of its own. */
export const probes: { compare: (options: { rounds: number }) => Promise<Answer> } = {
  async compare({ rounds }) {
    const { runsASecond, startSubject } = await import('../subject.ts');
    const task = { module: MODULE, export: 'noop' };
    await using subject = await startSubject('memory', {
      thread: { task, isolation: 'worker' },
      child: { task, isolation: 'process' },
    });
    const { scheduler } = subject;
    const ours = [() => runsASecond(scheduler, ['thread'], SLICE_MS), () => runsASecond(scheduler, ['child'], SLICE_MS)];
    if (!hasPeer('bree')) {
      const [worker = [], child = []] = await takeTurns(rounds, ours);
      return { worker, process: child, bree: undefined };
    }
    await using peer = await startBree();
    const [worker = [], child = [], bree = []] = await takeTurns(rounds, [...ours, () => peer.runsASecond()]);
    return { worker, process: child, bree };
  },
};

async function startBree(): Promise<AsyncDisposable & { runsASecond(): Promise<number> }> {
  const { default: Bree } = await loadPeer('bree');
  const folder = mkdtempSync(join(tmpdir(), 'tickwise-bench-'));
  const path = join(folder, 'noop.mjs');
  writeFileSync(path, BREE_JOB);
  const bree = new Bree({ root: false, logger: false, jobs: [{ name: 'noop', path }] });
  let ended = (): void => {};
  bree.on('worker deleted', () => ended());
  return {
    async runsASecond() {
      const startedAt = performance.now();
      let runs = 0;
      while (performance.now() - startedAt < BREE_SLICE_MS) {
        const end = new Promise<void>((resolve) => (ended = resolve));
        await bree.run('noop');
        await end;
        runs++;
      }
      return (runs * 1_000) / (performance.now() - startedAt);
    },
    async [Symbol.asyncDispose]() {
      await bree.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
