/** What the tests of runners share: orders, an observer that remembers, proof by `/proc`. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { JOB_DEFAULTS, type Task } from '../../src/core/job.ts';
import type { Clock, RunObserver, RunOrder } from '../../src/core/ports.ts';
import type { StopReason } from '../../src/core/run.ts';
import { createSystemClock } from '../../src/system/clock.ts';

/** The real clock: real threads and processes are the subject. */
export const clock: Clock = createSystemClock();

/** Where the fixture tasks live. */
export const TASKS: string = fileURLToPath(new URL('./fixtures/tasks.ts', import.meta.url));

/** @returns a module task of the fixtures */
export function fixture(name: string, module: string = TASKS): Task {
  return { kind: 'module', module, export: name };
}

let runs = 0;

/** @returns an order that begins now; a minute of budget and half a second of grace unless said otherwise */
export function orderOf(
  task: Task,
  bounds: { budgetMs?: number; graceMs?: number; stepTimeoutMs?: number; job?: string } = {},
  more: Partial<RunOrder> = {},
): RunOrder {
  const { budgetMs = 60_000, graceMs = 500, stepTimeoutMs, job = 'conform' } = bounds;
  return {
    job: { ...JOB_DEFAULTS, name: job, task },
    runId: `0mhxw3k1c-${process.pid}-${++runs}`,
    tick: 1_700_000_000_000,
    fence: 7,
    attempt: 1,
    input: undefined,
    checkpoint: undefined,
    deadline: clock.now() + budgetMs,
    budgetEnd: clock.monotonic() + budgetMs,
    graceMs,
    stepTimeoutMs,
    ...more,
  };
}

/** One remembered call. */
export interface Line {
  readonly level: string;
  readonly source: string;
  readonly text: string;
  readonly fields: Record<string, unknown> | undefined;
}

/** An observer that remembers, and on which one can wait. */
export class Witness implements RunObserver {
  readonly steps: Parameters<RunObserver['stepped']>[0][] = [];
  readonly stops: StopReason[] = [];
  readonly blocks: string[] = [];
  readonly lines: Line[] = [];
  stalls = 0;
  calls = 0;
  #waiting: { readonly holds: () => boolean; readonly resolve: () => void }[] = [];

  stepped(update: Parameters<RunObserver['stepped']>[0]): void {
    this.steps.push(update);
    this.#told();
  }
  stopping(reason: StopReason): void {
    this.stops.push(reason);
    this.#told();
  }
  blocked(what: string): void {
    this.blocks.push(what);
    this.#told();
  }
  stalled(): void {
    this.stalls++;
    this.#told();
  }
  line(level: string, source: string, text: string, fields?: Record<string, unknown>): void {
    this.lines.push({ level, source, text, fields });
    this.#told();
  }

  /** Resolves when the condition holds, looked at after each call. */
  until(holds: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ holds, resolve });
      this.#look();
    });
  }

  untilLine(text: string): Promise<void> {
    return this.until(() => this.lines.some((line) => line.text === text));
  }

  #told(): void {
    this.calls++;
    this.#look();
  }

  #look(): void {
    for (const waiter of this.#waiting) if (waiter.holds()) waiter.resolve();
    this.#waiting = this.#waiting.filter(({ holds }) => !holds());
  }
}

/** A file in which fixtures note pids. */
export class PidFile implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'tickwise-pids-'));
  readonly path: string = join(this.#folder, 'pids');

  pids(): number[] {
    try {
      return readFileSync(this.path, 'utf8').trim().split('\n').map(Number);
    } catch {
      return [];
    }
  }

  [Symbol.dispose](): void {
    for (const pid of this.pids()) if (pid !== process.pid && isAlive(pid)) process.kill(pid, 'SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Whether a process exists and is no zombie. */
export function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX] /s.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}
