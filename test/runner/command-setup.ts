/** What the tests of commands share: real processes, a recording observer, and a look at /proc that owes nothing to the code under test. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Job, Task } from '../../src/core/job.ts';
import { JOB_DEFAULTS } from '../../src/core/job.ts';
import type { AttemptEnd, Clock, LiveAttempt, RunObserver, RunOrder } from '../../src/core/ports.ts';
import type { StopReason } from '../../src/core/run.ts';
import { findTimeout } from '../../src/runner/launcher.ts';
import { createCommandRunner } from '../../src/runner/command.ts';
import { createProcessTrees, type ProcessTrees } from '../../src/runner/process-tree.ts';
import { createSystemClock } from '../../src/system/clock.ts';

const here = dirname(fileURLToPath(import.meta.url));
let count = 0;

/** The absolute path of a fixture program. */
export function fixture(name: string): string {
  return join(here, 'fixtures-command', name);
}

/** Seconds to sleep for, so odd that a process table search for them finds one test's processes only. */
export function uniqueSeconds(): string {
  return `300.${process.pid}${String(++count).padStart(3, '0')}`;
}

/** Pids of live processes that carry the text in their environment or their arguments. */
export function aliveWith(...texts: readonly string[]): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => {
      const read = (file: string): string => {
        try {
          return readFileSync(`/proc/${pid}/${file}`, 'utf8');
        } catch {
          return '';
        }
      };
      const about = read('environ') + read('cmdline');
      return texts.some((text) => about.includes(text)) && !/\) [ZX] /.test(read('stat'));
    })
    .map(Number);
}

/** An observer that keeps what it is told and lets a test wait for it. */
export class Recorder implements RunObserver {
  readonly lines: { readonly source: string; readonly level: string; readonly text: string }[] = [];
  readonly checkpoints: (string | undefined)[] = [];
  readonly stops: StopReason[] = [];
  readonly blocks: string[] = [];
  spawned: NonNullable<RunObserver['spawned']> = async () => {};
  #waiters: (() => void)[] = [];

  stepped(update: { readonly checkpoint?: string | undefined }): void {
    this.checkpoints.push(update.checkpoint);
  }
  stopping(reason: StopReason): void {
    this.stops.push(reason);
  }
  blocked(what: string): void {
    this.blocks.push(what);
    this.#wake();
  }
  stalled(): void {}
  line(level: string, source: string, text: string): void {
    this.lines.push({ level, source, text });
    this.#wake();
  }

  texts(source: string): string[] {
    return this.lines.filter((line) => line.source === source).map((line) => line.text);
  }
  async waitForLine(text: string): Promise<void> {
    while (!this.lines.some((line) => line.text === text)) await new Promise<void>((resolve) => this.#waiters.push(resolve));
  }
  async waitForBlock(): Promise<void> {
    while (this.blocks.length === 0) await new Promise<void>((resolve) => this.#waiters.push(resolve));
  }
  #wake(): void {
    for (const wake of this.#waiters.splice(0)) wake();
  }
}

/** One attempt under test. */
export interface Trial {
  readonly attempt: LiveAttempt;
  readonly recorder: Recorder;
  readonly runId: string;
  end(): Promise<AttemptEnd & { readonly tookMs: number }>;
}

export interface TrialOptions extends Partial<Omit<RunOrder, 'job'>> {
  readonly budgetMs?: number;
  readonly baseEnv?: Record<string, string | undefined>;
  readonly spawned?: NonNullable<RunObserver['spawned']>;
}

/** A runner of commands, and a way to start attempts. Disposing it kills what a failed test left alive. */
export class CommandBench implements AsyncDisposable {
  readonly trees: ProcessTrees;
  readonly clock: Clock = createSystemClock();
  #runIds: string[] = [];

  constructor(trees: ProcessTrees) {
    this.trees = trees;
  }

  start(task: Task, options: TrialOptions = {}): Trial {
    const { budgetMs = 20_000, baseEnv = process.env, spawned, ...rest } = options;
    const runId = options.runId ?? `test-${process.pid}-${++count}`;
    this.#runIds.push(runId);
    const recorder = new Recorder();
    if (spawned !== undefined) recorder.spawned = spawned;
    const startedAt = this.clock.monotonic();
    const order: RunOrder = {
      job: { ...JOB_DEFAULTS, name: 'trial', task } satisfies Job,
      runId,
      tick: 1_750_000_000_000,
      fence: 7,
      attempt: 1,
      input: undefined,
      checkpoint: undefined,
      deadline: this.clock.now() + budgetMs,
      budgetEnd: startedAt + budgetMs,
      graceMs: 300,
      stepTimeoutMs: undefined,
      ...rest,
    };
    const runner = createCommandRunner({
      clock: this.clock,
      trees: this.trees,
      baseEnv,
      timeout: findTimeout(process.env['PATH']),
    });
    const attempt = runner.start(order, recorder);
    const end = attempt.ended.then((ended) => ({ ...ended, tookMs: this.clock.monotonic() - startedAt }));
    return { attempt, recorder, runId, end: () => end };
  }

  command(command: readonly [string, ...string[]], options: TrialOptions = {}): Trial {
    return this.start({ kind: 'command', command }, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const runId of this.#runIds) for (const pid of aliveWith(runId)) process.kill(pid, 'SIGKILL');
    await this.trees[Symbol.asyncDispose]();
  }
}

/** The kinds of proof that this machine offers. */
export function kindsHere(): ('cgroup' | 'sweep')[] {
  const trees = createProcessTrees();
  void trees[Symbol.asyncDispose]();
  return trees.kind === 'cgroup' ? ['cgroup', 'sweep'] : ['sweep'];
}
