/** One attempt to tell a program: it gets the message on its standard input. */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Message } from '../core/message.ts';
import type { Clock } from '../core/ports.ts';
import type { DurationMs } from '../core/time.ts';
import type { Attempt } from './notify-webhook.ts';

/** What a program is run with. */
export interface CommandMeans {
  readonly clock: Clock;
  /** The daemon's own environment; the program sees `PATH`, `HOME`, `LANG`, `TZ` of it. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted: the program is killed. */
  readonly signal: AbortSignal;
}

/** How long a program may take. */
export const COMMAND_TIMEOUT_MS: DurationMs = 30_000;
const INHERITED = ['PATH', 'HOME', 'LANG', 'TZ'] as const;
const LONGEST_WORDS = 500;

/**
 * Runs the program once, as the leader of a process group of its own. Exit code 0 is a delivery. The pipe to it is written
 * behind the scenes: a program that reads nothing holds nobody up.
 *
 * @param command program and arguments
 * @param message its body is the program's standard input, its event, job and run are in the program's environment
 * @param means clock, environment, and who may end it early
 * @returns how it came out; after 30 s the whole group is killed. It never rejects
 */
export function runCommand(
  command: readonly [string, ...string[]],
  message: Pick<Message, 'event' | 'job' | 'body'>,
  means: CommandMeans,
): Promise<Attempt> {
  return new Promise((resolve) => {
    const [program, ...args] = command;
    let child: ChildProcess;
    try {
      child = spawn(program, args, { detached: true, env: environment(message, means.env), stdio: ['pipe', 'ignore', 'pipe'] });
    } catch (error) {
      resolve({ kind: 'failed', what: cannotStart(error) });
      return;
    }
    let isLate = false;
    let words = '';
    const kill = (): void => killGroup(child);
    const timer = means.clock.setTimer(means.clock.monotonic() + COMMAND_TIMEOUT_MS, () => {
      isLate = true;
      kill();
    });
    const finish = (attempt: Attempt): void => {
      timer.cancel();
      means.signal.removeEventListener('abort', kill);
      // What it left behind may hold the pipes open for ever.
      child.stdin?.destroy();
      child.stderr?.destroy();
      resolve(attempt);
    };
    means.signal.addEventListener('abort', kill, { once: true });
    child.on('error', (error) => finish({ kind: 'failed', what: cannotStart(error) }));
    child.on('exit', (code, signal) => {
      if (code === 0) return finish({ kind: 'delivered' });
      const how = isLate ? `was killed after ${COMMAND_TIMEOUT_MS / 1_000} s` : `ended with ${code ?? signal}`;
      const last = words.trim().split('\n').at(-1) ?? '';
      finish({ kind: 'failed', what: last === '' ? how : `${how}: ${last}` });
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (words = (words + text).slice(-LONGEST_WORDS)));
    child.stdin?.on('error', () => {}).end(message.body);
    if (means.signal.aborted) kill();
  });
}

function environment(
  { event, job, body }: Pick<Message, 'event' | 'job' | 'body'>,
  base: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const env: Record<string, string> = {};
  for (const name of INHERITED) {
    const value = base[name];
    if (value !== undefined) env[name] = value;
  }
  const runId = runIdOf(body);
  return { ...env, TICKWISE_EVENT: event, TICKWISE_JOB: job, ...(runId === undefined ? {} : { TICKWISE_RUN_ID: runId }) };
}

function runIdOf(body: string): string | undefined {
  try {
    const { runId } = JSON.parse(body) as { readonly runId?: unknown };
    return typeof runId === 'string' ? runId : undefined;
  } catch {
    return undefined;
  }
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It is gone already.
  }
}

function cannotStart(error: unknown): string {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
  return `cannot be started: ${typeof code === 'string' ? code : 'it is not a program'}`;
}
