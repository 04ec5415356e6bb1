/** The real daemon as a child process in a folder of its own, and what can be seen of it from outside. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { LedgerReader } from '../../src/core/ledger.ts';
import { openLedgerReader } from '../../src/store/sqlite.ts';

export const MAIN: string = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
export const FIXTURES: string = fileURLToPath(new URL('fixtures/', import.meta.url));

/** What is alive can be seen from outside only here. */
export const HAS_PROC: boolean = existsSync('/proc/self/environ');
if (!HAS_PROC) console.log('end-to-end tests of the daemon are skipped: this platform has no /proc');

/** A line of the daemon's log. */
export type Line = Readonly<Record<string, unknown>> & { readonly message: string };

/** A folder with a configuration, and the daemons that run on it. */
export class Site implements AsyncDisposable {
  readonly dir: string = realpathSync(mkdtempSync(join(tmpdir(), 'tickwise-e2e-')));
  readonly config: string = join(this.dir, 'scheduler.config.json');
  readonly #daemons: DaemonProcess[] = [];

  /** Writes the configuration; `store` is a file in the folder, and no API is opened. */
  configure(config: object): this {
    // At once, for a daemon or a command that reads it meanwhile.
    const draft = `${this.config}.draft`;
    writeFileSync(draft, JSON.stringify({ store: 'sqlite:./ledger.db', listen: false, ...config }));
    renameSync(draft, this.config);
    return this;
  }

  start(): DaemonProcess {
    const daemon = new DaemonProcess(this.config, this.dir);
    this.#daemons.push(daemon);
    return daemon;
  }

  /** @returns when the daemon says that it is up */
  async startUp(): Promise<DaemonProcess> {
    const daemon = this.start();
    await daemon.line((line) => line.message.endsWith(' is up'));
    return daemon;
  }

  file(name: string): string {
    return join(this.dir, name);
  }

  read(name: string): string {
    return existsSync(this.file(name)) ? readFileSync(this.file(name), 'utf8') : '';
  }

  ledger(): Promise<LedgerReader> {
    return openLedgerReader(this.file('ledger.db'));
  }

  /** Pids of processes that a run or a daemon of this folder started and that are alive. */
  alive(): number[] {
    const nodes = this.#daemons
      .flatMap(({ lines }) => lines.map((line) => line['node']))
      .filter((node) => typeof node === 'string');
    const marks = [this.dir, ...nodes.map((node) => `TICKWISE_NODE_ID=${node}`)];
    return livePids().filter((pid) => {
      const told = `${readProc(pid, 'environ')}\0${readProc(pid, 'cmdline')}`;
      return marks.some((mark) => told.includes(mark));
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const daemon of this.#daemons) daemon.signal('SIGKILL');
    await Promise.all(this.#daemons.map((daemon) => daemon.exited));
    for (const pid of this.alive()) process.kill(pid, 'SIGKILL');
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** One daemon. */
export class DaemonProcess {
  readonly lines: Line[] = [];
  stderr = '';
  /** Exit code, or the name of the signal that ended it. */
  readonly exited: Promise<number | string>;
  readonly #child: ChildProcess;
  readonly #waiters = new Set<() => void>();
  #rest = '';
  #isOver = false;

  constructor(config: string, cwd: string) {
    this.#child = spawn(process.execPath, [MAIN, 'run', '--config', config], { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => this.#take(text));
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    // By exit and not by close: a child that the daemon left behind would hold its output open.
    this.exited = new Promise((resolve) => {
      this.#child.once('exit', (code, signal) => {
        this.#isOver = true;
        setImmediate(() => {
          for (const wake of this.#waiters) wake();
          resolve(code ?? signal ?? 'unknown');
        });
      });
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  signal(signal: NodeJS.Signals): void {
    if (!this.#isOver) this.#child.kill(signal);
  }

  /** Tells a draining daemon to stop at once. Signals that follow each other closely are one, so it is told until it has heard. */
  async hurry(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    await this.line((line) => line.message.includes('draining'));
    const again = setInterval(() => this.signal(signal), 50);
    try {
      await this.line((line) => line.message === `${signal}: stopping at once`);
    } finally {
      clearInterval(again);
    }
  }

  /** Closes the daemon's standard output and error from this side. */
  stopReading(): void {
    this.#child.stdout?.destroy();
    this.#child.stderr?.destroy();
  }

  /** @returns the first line that matches, from the `after`th on; rejects when the daemon ends first, or after `boundMs` */
  async line(
    matches: (line: Line) => boolean,
    { after = 0, boundMs = 15_000 }: { readonly after?: number; readonly boundMs?: number } = {},
  ): Promise<Line> {
    const giveUp = performance.now() + boundMs;
    for (;;) {
      const found = this.lines.slice(after).find(matches);
      if (found !== undefined) return found;
      if (this.#isOver || performance.now() > giveUp) {
        throw new Error(
          `${this.#isOver ? 'the daemon ended' : `${boundMs} ms are over`} before the line came; stderr: ${this.stderr}; log:\n${this.#log()}`,
        );
      }
      await this.#change(giveUp - performance.now());
    }
  }

  #take(text: string): void {
    const parts = (this.#rest + text).split('\n');
    this.#rest = parts.pop() ?? '';
    for (const part of parts) this.lines.push(JSON.parse(part) as Line);
    for (const wake of this.#waiters) wake();
  }

  async #change(boundMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, Math.max(1, boundMs));
    this.#waiters.add(resolve);
    await promise;
    this.#waiters.delete(resolve);
    clearTimeout(timer);
  }

  #log(): string {
    return this.lines
      .slice(-20)
      .map((line) => JSON.stringify(line))
      .join('\n');
  }
}

/** Asks again and again, for what no event tells. */
export async function until<Answer>(ask: () => Answer | undefined, what: string, boundMs = 15_000): Promise<Answer> {
  const giveUp = performance.now() + boundMs;
  for (;;) {
    const answer = ask();
    if (answer !== undefined) return answer;
    if (performance.now() > giveUp) throw new Error(`${boundMs} ms are over before ${what}`);
    await delay(20);
  }
}

function livePids(): number[] {
  const pids = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
  return pids.filter((pid) => pid !== process.pid && isRunning(pid));
}

/** A process that is gone, or another user's, reads as empty. */
function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}

/** Zombies can do nothing any more. */
function isRunning(pid: number): boolean {
  const stat = readProc(pid, 'stat');
  const state = stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3);
  return stat !== '' && state !== 'Z' && state !== 'X';
}
