/** What is measured in a process of its own, which `probe-process.ts` is. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const PROCESS = fileURLToPath(new URL('./probe-process.ts', import.meta.url));
const LONGEST_MS = 150_000;

/**
 * Carries out a probe in a process of its own.
 *
 * @param name `measure/probe`
 * @param options what the probe is told
 * @returns what it answers, unchecked: both ends are in this folder
 * @throws Error when the process fails, with what it wrote
 */
export async function probe<Answer>(name: string, options: unknown = {}): Promise<Answer> {
  const profile = process.env['BENCH_PROFILE_DIR'];
  const flags = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`];
  const args = ['--expose-gc', '--max-old-space-size=4096', ...flags, PROCESS, name, JSON.stringify(options)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: LONGEST_MS, killSignal: 'SIGKILL' });
  let out = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (out += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (errors += chunk));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const answer = out.trimEnd().split('\n').at(-1) ?? '';
  if (code !== 0 || answer === '') throw new Error(`${name} ended with ${String(code)}: ${errors.trim() || out.trim()}`);
  return JSON.parse(answer) as Answer;
}
