/** The daemon under the drill, and the one who starts it again at once whenever it has ended. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, type WriteStream } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { monotonicMs } from './clock.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
/** Between two starts when the first was refused, as a service manager does it. */
const RETRY_MS = 250;
const LONGEST_STDERR = 2_000;

/** One process of the daemon. Times are monotonic milliseconds. */
export interface Life {
  readonly pid: number;
  readonly bornAt: number;
  upAt?: number;
  node?: string;
  /** When it was killed by the drill, if it was. */
  killedAt?: number;
  diedAt?: number;
  /** Exit code or signal. */
  how?: number | string;
  stderr: string;
}

/** A run that a daemon declared lost, and how long after its own birth. */
export interface Burial {
  readonly job: string;
  readonly runId: string;
  readonly afterMs: number;
  /** Monotonic milliseconds. */
  readonly at: number;
}

/** A daemon that is always there, except for the moments after its death. */
export class Daemon implements AsyncDisposable {
  readonly lives: Life[] = [];
  readonly burials: Burial[] = [];
  /** Lines of level error, by message. */
  readonly errors: Map<string, number> = new Map<string, number>();
  readonly #config: string;
  readonly #env: NodeJS.ProcessEnv;
  readonly #log: WriteStream;
  #child: ChildProcess | undefined;
  #isWanted = true;
  #isEndExpected = false;
  #exited: Promise<unknown> = Promise.resolve();
  /** Asked when it ended by itself: whether that was to be expected. */
  readonly #mayEnd: () => boolean;
  readonly faults: string[] = [];

  constructor(dir: string, config: string, env: NodeJS.ProcessEnv, mayEnd: () => boolean) {
    this.#config = config;
    this.#env = env;
    this.#mayEnd = mayEnd;
    this.#log = createWriteStream(join(dir, 'daemon.log'), { flags: 'a' });
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  start(): void {
    const child = spawn(process.execPath, [MAIN, 'run', '--config', this.#config], {
      env: this.#env,
      stdio: ['ignore', 'pipe', 'pipe'],
      // In a group of its own: when a group loses its parent while one of it is stopped, the kernel hangs up all of it, the drill too.
      detached: true,
    });
    this.#child = child;
    this.#isEndExpected = false;
    const life: Life = { pid: child.pid ?? 0, bornAt: monotonicMs(), stderr: '' };
    this.lives.push(life);
    let rest = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) this.#take(life, line);
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (life.stderr = (life.stderr + text).slice(-LONGEST_STDERR)));
    this.#exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        life.diedAt = monotonicMs();
        life.how = code ?? signal ?? 'unknown';
        resolve(life.how);
        if (this.#isWanted) this.#startAgain(life);
      });
    });
  }

  /** SIGKILL. @returns when it is dead and its successor is starting */
  async kill(): Promise<void> {
    const life = this.lives.at(-1);
    if (life !== undefined && life.diedAt === undefined) life.killedAt = monotonicMs();
    await this.#end('SIGKILL');
  }

  /** SIGTERM. @returns when it has drained and its successor is starting */
  async restart(): Promise<void> {
    await this.#end('SIGTERM');
  }

  freeze(): void {
    this.#child?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#child?.kill('SIGCONT');
  }

  /** Ends it for good. @returns exit code or signal, `still alive` when it did not end within the bound, and it was killed */
  async stop(boundMs: number): Promise<number | string> {
    this.#isWanted = false;
    this.#isEndExpected = true;
    this.thaw();
    this.#child?.kill('SIGTERM');
    const timer = new AbortController();
    const how = await Promise.any([this.#exited, delay(boundMs, 'still alive', { signal: timer.signal })]);
    timer.abort();
    if (how === 'still alive') await this.#end('SIGKILL');
    return how as number | string;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isWanted = false;
    if (this.lives.at(-1)?.diedAt === undefined) await this.#end('SIGKILL');
    await new Promise((resolve) => this.#log.end(resolve));
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    this.#isEndExpected = true;
    this.#child?.kill(signal);
    await this.#exited;
  }

  #startAgain(life: Life): void {
    if (this.#isEndExpected) {
      // Before it is up it may not have heard of signals yet.
      if (life.killedAt === undefined && life.upAt !== undefined && life.how !== 0 && !this.#mayEnd())
        this.#blame(life, 'was asked to end');
      this.start();
      return;
    }
    if (!this.#mayEnd()) this.#blame(life, 'ended by itself');
    setTimeout(() => {
      if (this.#isWanted) this.start();
    }, RETRY_MS);
  }

  #blame({ pid, how, stderr }: Life, what: string): void {
    this.faults.push(`daemon ${pid} ${what} and left with ${how}: ${stderr.trim().slice(-300)}`);
  }

  #take(life: Life, text: string): void {
    this.#log.write(`${text}\n`);
    let line: Record<string, unknown>;
    try {
      line = JSON.parse(text) as Record<string, unknown>;
    } catch {
      return;
    }
    const message = String(line['message']);
    if (line['level'] === 'error') this.errors.set(message, (this.errors.get(message) ?? 0) + 1);
    if (message.endsWith(' is up')) {
      life.upAt = monotonicMs();
      life.node = String(line['node']);
    }
    if (line['outcome'] === 'lost') {
      const at = monotonicMs();
      this.burials.push({ job: String(line['job']), runId: String(line['runId']), afterMs: at - life.bornAt, at });
    }
  }
}
