/** From the start of the program to its answer, or to its first armed tick, against a Node that does nothing. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildProgram } from '../built.ts';
import type { Figure, Measure, Plan } from '../figure.ts';
import { idlePattern, manyJobsText } from '../many-jobs.ts';
import { compare, takeTurns } from '../sample.ts';

const SOURCE = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const JOBS = 100;
const LONGEST_MS = 20_000;

/** See the head of this file. */
export const startUp: Measure = {
  name: 'start-up',
  needsPeers: false,
  seconds: [12, 30],
  async figures({ quick }: Plan): Promise<readonly Figure[]> {
    using built = buildProgram();
    const folder = mkdtempSync(join(tmpdir(), 'tickwise-bench-'));
    try {
      const config = join(folder, 'scheduler.config.json');
      const text = manyJobsText(JOBS, (index) => idlePattern(index * 97, Date.now()));
      writeFileSync(config, text.replace('{', '{ "store": "sqlite:./ledger.db", "listen": false, "log": { "format": "json" },'));
      const [bare = [], version = [], armed = [], versionOfSource = [], armedOfSource = []] = await takeTurns(quick ? 7 : 20, [
        () => msUntil(['-e', '0'], 'exit'),
        () => msUntil([built.program, '--version'], 'exit'),
        () => msUntil([built.program, 'run', '--config', config], ' is up'),
        () => msUntil([SOURCE, '--version'], 'exit'),
        () => msUntil([SOURCE, 'run', '--config', config], ' is up'),
      ]);
      const row = { unit: 'ms', against: 'bare node -e 0' };
      const upTo = 'to the line in the log that says so; ledger and compile cache are there';
      const armedRow = { ...row, figure: `first tick armed, ${JOBS} jobs, SQLite` };
      return [
        { ...row, figure: 'tickwise --version', ...compare(version, bare), target: { of: 'excess', atMost: 40 } },
        { ...armedRow, ...compare(armed, bare), note: upTo, target: { of: 'excess', atMost: 250 } },
        { ...row, figure: 'tickwise --version, from the sources', ...compare(versionOfSource, bare) },
        { ...armedRow, figure: `${armedRow.figure}, from the sources`, ...compare(armedOfSource, bare) },
      ];
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

/** @returns milliseconds from the start of Node to its exit, or to the chunk of output that holds the words */
async function msUntil(args: readonly string[], words: string): Promise<number> {
  const startedAt = performance.now();
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: LONGEST_MS,
    killSignal: 'SIGKILL',
  });
  let saidAt: number | undefined;
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk;
    if (saidAt !== undefined || !output.includes(words)) return;
    saidAt = performance.now();
    child.kill('SIGTERM');
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once(words === 'exit' ? 'exit' : 'close', resolve);
  });
  const endedAt = words === 'exit' ? performance.now() : saidAt;
  if (code !== 0 || endedAt === undefined) throw new Error(`node ${args.join(' ')} ended with ${String(code)}: ${output}`);
  return endedAt - startedAt;
}
