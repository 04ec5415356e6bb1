/** The real program as a child process, in a folder of its own. */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { JOB_DEFAULTS, type Job } from '../../src/core/job.ts';
import type { NodeIdentity } from '../../src/core/ledger.ts';
import type { EndWrite, Store } from '../../src/core/store.ts';
import { runIdOf } from '../../src/core/tick.ts';
import { openSqliteStore } from '../../src/store/sqlite.ts';

export const MAIN: string = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

/** How a command ended. */
export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** A folder to run commands in. */
export class Folder implements Disposable {
  readonly dir: string = realpathSync(mkdtempSync(join(tmpdir(), 'tickwise-cli-')));

  write(name: string, text: string): this {
    mkdirSync(dirname(join(this.dir, name)), { recursive: true });
    writeFileSync(join(this.dir, name), text);
    return this;
  }

  configure(config: object): this {
    return this.write(
      'scheduler.config.json',
      JSON.stringify({ timezone: 'UTC', store: 'sqlite:./ledger.db', listen: false, ...config }),
    );
  }

  tickwise(...args: string[]): Promise<Ended> {
    return this.program(process.execPath, [MAIN, ...args]);
  }

  /** A line for the shell; `tickwise` is the program. */
  shell(line: string, env: Record<string, string> = {}): Promise<Ended> {
    return this.program('sh', ['-c', `tickwise() { '${process.execPath}' '${MAIN}' "$@"; }\n${line}`], env);
  }

  /** A script for bash; `tickwise` is the program. */
  bash(script: string): Promise<Ended> {
    return this.program('bash', ['--norc', '-c', `tickwise() { '${process.execPath}' '${MAIN}' "$@"; }\n${script}`]);
  }

  async program(file: string, args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
    const { TICKWISE_CONFIG: _config, NO_COLOR: _noColour, FORCE_COLOR: _colour, ...clean } = process.env;
    const child = spawn(file, args, { cwd: this.dir, env: { ...clean, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '';
    let err = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
    return new Promise((resolve) => child.once('close', (code) => resolve({ code, out, err })));
  }

  /** Opens the folder's ledger as a daemon of this very process would. */
  store(): Promise<Store> {
    return openSqliteStore({ path: join(this.dir, 'ledger.db'), node: deadNode() });
  }

  [Symbol.dispose](): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** A daemon of an earlier boot: whatever it left live, it is gone. */
function deadNode(): NodeIdentity {
  return { id: randomUUID(), host: 'test', bootId: 'another boot', pid: 1, pidStart: 1, startedAt: 0 };
}

export const COMMAND: object = { command: ['true'] };

/** A job as the store needs it. */
export function job(name: string): Job {
  return { ...JOB_DEFAULTS, name, task: { kind: 'command', command: ['true'] } };
}

/** Starts the run of one tick in the ledger. @returns its id and fence */
export async function startRun(store: Store, name: string, tick: number): Promise<{ runId: string; fence: number }> {
  const context = {
    now: tick,
    liveSince: tick - 1,
    draining: false,
    matched: true,
    waitingForPlace: false,
    exclusiveHeld: false,
  };
  const claim = { kind: 'ticks', job: job(name), dueTicks: [tick], context } as const;
  await store.arm([job(name)], tick - 1);
  const { grants } = await store.commit({ at: tick, ends: [], checkpoints: [], spawns: [], promotions: [], claims: [claim] });
  const grant = grants[0];
  if (grant === undefined) throw new Error(`the tick of ${name} at ${tick} did not start a run`);
  return { runId: grant.runId, fence: grant.fence };
}

/** Puts one ended run into the ledger. @returns its id */
export async function addRun(store: Store, name: string, tick: number, end: Partial<EndWrite> = {}): Promise<string> {
  const { runId, fence } = await startRun(store, name, tick);
  const write: EndWrite = {
    job: name,
    runId,
    fence,
    outcome: 'succeeded',
    startedAt: tick + 5,
    endedAt: tick + 1_505,
    steps: 3,
    attempts: 1,
    ...end,
  };
  await store.commit({ at: tick + 2_000, ends: [write], checkpoints: [], spawns: [], promotions: [], claims: [] });
  if (runId !== runIdOf(name, tick)) throw new Error('a run is named after its tick');
  return runId;
}
