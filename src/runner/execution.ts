/**
 * One execution of a program, from its launch to the proof that nothing of it is alive.
 *
 * - It ends by itself: what it left behind has {@link LEFT_BEHIND_PATIENCE_MS} to end too, is then asked to stop, and after the grace
 *   killed. The program's own exit stands.
 * - A stop is asked for: SIGTERM to all, and SIGKILL to all when the grace is over or cut short.
 * - SIGKILL brings no proof: said after 2 s, tried again each second, for as long as it takes.
 *
 * Left-over processes may hold the pipes open, so the pipes' end is not waited for: after the proof they are read empty and closed.
 */
import type { ChildProcess } from 'node:child_process';
import type { Writable } from 'node:stream';
import type { Clock, RunObserver } from '../core/ports.ts';
import { Cut } from './cut.ts';
import { LastWords } from './last-words.ts';
import { cannotStart, type Launch, type LaunchParts, startBehindLauncher } from './launch.ts';
import { WORD_FD } from './launcher.ts';
import type { Output, OutputSource } from './output.ts';
import { readProcess } from './proc.ts';

/** What an execution needs. Its title names the step, e.g. `job disk: step 2`. */
export interface ExecutionParts extends LaunchParts {
  readonly clock: Clock;
  readonly observer: RunObserver;
  readonly output: Output;
  /** Aborted: stop. */
  readonly stop: AbortSignal;
  /** Aborted: do not wait for the grace to be over. */
  readonly force: AbortSignal;
}

/** How it ended. */
export interface ExecutionEnd {
  /** Absent when a signal ended it. */
  readonly exitCode: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
  /** The program was still running when a stop was asked for. */
  readonly stopped: boolean;
  /** SIGKILL was used. */
  readonly forced: boolean;
  /** The last lines that it wrote to stderr. */
  readonly lastWords: readonly string[];
}

/** A program may end a moment before its helpers do, e.g. before a `tee` that writes its output. */
const LEFT_BEHIND_PATIENCE_MS = 100;
const FIRST_REMINDER_MS = 100;
/** Without a cgroup, one who forks and leaves the session can escape a shot, but not many. */
const KILL_AGAIN_MS = 50;
const BLOCKED_AFTER_MS = 2_000;
const RETRY_MS = 1_000;
const DRAIN_MS = 500;

/**
 * Starts a program and comes back when nothing of it is alive.
 *
 * @param launch program, arguments, folder, whole environment
 * @param parts how to stop it and whom to tell
 * @returns its end
 * @throws (rejects) TickwiseError `STEP_FAILED` when it cannot be started
 */
export async function execute(launch: Launch, parts: ExecutionParts): Promise<ExecutionEnd> {
  const running = new Running(launch, parts);
  const stopped = await running.exitedOrStopped();
  const forced = await running.clear(stopped);
  return running.close(stopped, forced);
}

class Running {
  readonly #parts: ExecutionParts;
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  readonly #closed: Promise<void>;
  #hasExited = false;
  readonly #lastWords = new LastWords();

  constructor(launch: Launch, parts: ExecutionParts) {
    this.#parts = parts;
    this.#child = startBehindLauncher(launch, parts);
    this.#exited = new Promise((resolve, reject) => {
      this.#child.once('error', (cause) => reject(cannotStart(parts.title, launch, cause)));
      this.#child.once('exit', () => {
        this.#hasExited = true;
        resolve();
      });
    });
    // A failed start is reported by `close`, if nobody waited for the exit before.
    this.#exited.catch(() => undefined);
    this.#closed = new Promise((resolve) => this.#child.once('close', () => resolve()));
    if (this.#child.pid !== undefined) parts.tree.started(this.#child.pid);
    void this.#giveWord();
    this.#listen('stdout');
    this.#listen('stderr');
  }

  /** Without the word the launcher exits, and nothing of the program has begun. */
  async #giveWord(): Promise<void> {
    const pipe = this.#child.stdio[WORD_FD] as Writable | null | undefined;
    const { pid } = this.#child;
    // A launcher that is gone takes no word.
    pipe?.on('error', () => undefined);
    if (pid !== undefined) await this.#parts.observer.spawned?.({ pid, start: readProcess(pid)?.start ?? 0 });
    pipe?.end('go\n');
  }

  /** @returns whether a stop was asked for before the program ended */
  async exitedOrStopped(): Promise<boolean> {
    const { stop } = this.#parts;
    await this.#exitOr(stop);
    return !this.#hasExited;
  }

  /** Comes back when nothing is alive. @returns whether force was needed */
  async clear(stopped: boolean): Promise<boolean> {
    const { tree, observer, title } = this.#parts;
    if (!stopped && (await this.#isEmptyWithin(LEFT_BEHIND_PATIENCE_MS, this.#parts.stop))) return false;
    if (!stopped)
      observer.line('warn', 'task', `${title} ended and left ${await this.#describeMembers()} behind; stopping what is left`);
    const forced = await this.#stopAll();
    if (forced && !stopped) observer.line('warn', 'task', `${title}: what was left behind had to be killed (${tree.runId})`);
    return forced;
  }

  /** Reads what is still in the pipes, and lets go of them. */
  async close(stopped: boolean, forced: boolean): Promise<ExecutionEnd> {
    await this.#exited;
    // Somebody outside the run may hold the other end of a pipe; it is not worth waiting for.
    const { clock } = this.#parts;
    const timer = clock.setTimer(clock.monotonic() + DRAIN_MS, () => this.#letGo());
    await this.#closed;
    timer.cancel();
    this.#parts.output.endStep();
    return {
      exitCode: this.#child.exitCode ?? undefined,
      signal: this.#child.signalCode ?? undefined,
      stopped,
      forced,
      lastWords: this.#lastWords.lines(),
    };
  }

  async #stopAll(): Promise<boolean> {
    const { clock, graceMs, force } = this.#parts;
    using cut = new Cut(clock, graceMs, force);
    await this.#tell('SIGTERM');
    await this.#exitOr(cut.signal);
    // A shell's child that had not yet become its program loses the signal to the handler that it was born with. So those who
    // outlive the program are told again.
    for (let patienceMs = FIRST_REMINDER_MS; !(await this.#isEmptyWithin(patienceMs, cut.signal)); patienceMs *= 2) {
      if (cut.signal.aborted) return this.#killAll();
      await this.#tell('SIGTERM');
    }
    return false;
  }

  async #killAll(): Promise<true> {
    const { clock, tree, observer } = this.#parts;
    const blockedAt = clock.monotonic() + BLOCKED_AFTER_MS;
    for (let said = ''; ;) {
      await this.#tell('SIGKILL');
      const leftMs = blockedAt - clock.monotonic();
      if (await this.#isEmptyWithin(leftMs > 0 ? Math.min(leftMs, KILL_AGAIN_MS) : RETRY_MS)) return true;
      if (clock.monotonic() < blockedAt) continue;
      const alive = `${await this.#describeMembers()} of ${tree.runId} alive after SIGKILL`;
      if (alive !== said) observer.blocked(alive);
      said = alive;
    }
  }

  /** Failing to look is not a proof: it is tried again by whoever waits. */
  async #isEmptyWithin(waitMs: number, cut?: AbortSignal): Promise<boolean> {
    try {
      return await this.#parts.tree.waitEmpty(waitMs, cut);
    } catch {
      await this.#pause(Math.min(waitMs, RETRY_MS), cut);
      return false;
    }
  }

  async #tell(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    try {
      await this.#parts.tree.signal(signal);
    } catch {
      this.#child.kill(signal);
    }
  }

  async #describeMembers(): Promise<string> {
    const pids = await this.#parts.tree.members().catch(() => []);
    if (pids.length === 0) return 'processes that cannot be listed';
    const shown = pids.slice(0, 10).join(', ') + (pids.length > 10 ? ', …' : '');
    return pids.length === 1 ? `process ${shown}` : `${pids.length} processes (${shown})`;
  }

  /** Resolves when the program has exited or the signal is aborted, whichever is first. @throws (rejects) when it could not be started */
  async #exitOr(signal: AbortSignal): Promise<void> {
    if (signal.aborted || this.#hasExited) return;
    await new Promise<void>((resolve, reject) => {
      const onAbort = (): void => resolve();
      signal.addEventListener('abort', onAbort, { once: true });
      this.#exited.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
    });
  }

  #pause(ms: number, cut: AbortSignal | undefined): Promise<void> {
    const { clock } = this.#parts;
    return new Promise((resolve) => {
      const timer = clock.setTimer(clock.monotonic() + ms, () => {
        cut?.removeEventListener('abort', onCut);
        resolve();
      });
      const onCut = (): void => {
        timer.cancel();
        resolve();
      };
      cut?.addEventListener('abort', onCut, { once: true });
    });
  }

  #listen(source: OutputSource): void {
    this.#child[source]?.on('data', (chunk: Buffer) => {
      this.#parts.output.write(source, chunk);
      if (source === 'stderr') this.#lastWords.add(chunk);
    });
    // A pipe that breaks while it is read has nothing more to say.
    this.#child[source]?.on('error', () => undefined);
  }

  #letGo(): void {
    this.#child.stdout?.destroy();
    this.#child.stderr?.destroy();
  }
}
