/** Tasks that are programs: each step is one execution, and comes back when nothing of it is alive. */
import { TickwiseError } from '../core/errors.ts';
import type { CommandTask, ShellTask } from '../core/job.ts';
import type { AttemptEnd, Clock, LiveAttempt, RunObserver, RunOrder, Runner } from '../core/ports.ts';
import type { StopReason } from '../core/run.ts';
import type { StepResult, TaskContext, TimeoutTaskHandler } from '../core/task.ts';
import { RunLoop } from '../engine/run-loop.ts';
import { SharedTurn } from '../engine/turn.ts';
import { commandEnvironment } from './environment.ts';
import { Exchange, removeStaleFolders } from './exchange.ts';
import { execute, type ExecutionEnd } from './execution.ts';
import type { Launch } from './launch.ts';
import { Output } from './output.ts';
import { LAUNCHER, type ProcessTree, type ProcessTrees } from './process-tree.ts';
import { argumentsOf, launchFault } from './program.ts';

/** What the runner of commands is made of. */
export interface CommandRunnerOptions {
  readonly clock: Clock;
  readonly trees: ProcessTrees;
  /** The daemon's own environment; only `PATH`, `HOME`, `LANG`, `TZ` are taken from it. */
  readonly baseEnv: Readonly<Record<string, string | undefined>>;
  /** Path of coreutils' `timeout`; see `findTimeout`. */
  readonly timeout: string | undefined;
}

/** How `timeout` says that it had to use SIGKILL, where that has not ended itself. */
const KILLED_BY_LAUNCHER = 137;
/** EX_TEMPFAIL of sysexits(3): more to do, call again. */
const MORE_TO_DO = 75;

/**
 * Makes the runner of tasks of kind `command` and `shell`.
 *
 * @param options clock, process trees, environment
 * @returns a runner; disposing it waits for the attempts that are live, and does not stop them
 */
export function createCommandRunner(options: CommandRunnerOptions): Runner {
  const turn = new SharedTurn(options.clock);
  const live = new Set<LiveAttempt>();
  const cleaning = removeStaleFolders();
  return {
    start(order, observer) {
      const attempt = new CommandAttempt(order, observer, options, turn);
      live.add(attempt);
      void attempt.ended.then(() => live.delete(attempt));
      return attempt;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([cleaning, ...[...live].map(({ ended }) => ended)]);
    },
  };
}

class CommandAttempt implements LiveAttempt, TimeoutTaskHandler {
  readonly ended: Promise<AttemptEnd>;
  readonly #order: RunOrder;
  readonly #observer: RunObserver;
  readonly #options: CommandRunnerOptions;
  readonly #output: Output;
  readonly #tree: ProcessTree;
  readonly #force = new AbortController();
  readonly #loop: RunLoop;
  #exchange: Exchange | undefined;
  #killed = false;

  constructor(order: RunOrder, observer: RunObserver, options: CommandRunnerOptions, turn: SharedTurn) {
    this.#order = order;
    this.#observer = observer;
    this.#options = options;
    this.#tree = options.trees.open(order.runId);
    this.#output = new Output({
      line: (source, text) => observer.line('info', source, text),
      omitted: (bytes) =>
        observer.line('warn', 'task', `${bytes} bytes of output were left out here; 64 KiB of a run are kept, head and tail`),
    });
    this.#loop = new RunLoop(() => this, order, observer, { clock: options.clock, turn });
    this.ended = this.#loop.ended.then((end) => this.#close(end));
  }

  stop(reason: StopReason): void {
    this.#loop.stop(reason);
  }

  windDown(): void {
    this.#loop.windDown();
  }

  saved(step: number): void {
    this.#loop.saved(step);
  }

  force(): void {
    this.#force.abort();
  }

  async handleTimeoutTask(context: TaskContext): Promise<StepResult> {
    const order = this.#order;
    this.#exchange ??= new Exchange(order.job.name, order.checkpoint);
    const title = `job ${order.job.name}: step ${context.step}`;
    const launch = this.#launch(context, this.#exchange, title);
    const end = await execute(launch, {
      clock: this.#options.clock,
      tree: this.#tree,
      observer: this.#observer,
      output: this.#output,
      graceMs: order.graceMs,
      remainingMs: context.remainingMs(),
      timeout: this.#options.timeout,
      stop: context.signal,
      force: this.#force.signal,
      title,
    });
    // While the daemon was frozen, the launcher may have used the force.
    if (end.stopped && (end.forced || end.signal === 'SIGKILL' || end.exitCode === KILLED_BY_LAUNCHER)) this.#killed = true;
    if (end.exitCode !== 0 && end.exitCode !== MORE_TO_DO) throw failure(end, launch, context, title);
    const exchanged = this.#exchange.read();
    // A program that ends with 0 because it was told to stop has not said that its work is done: it may go on from where it was.
    const checkpoint = exchanged.checkpoint ?? (end.stopped ? context.checkpoint : undefined);
    return {
      done: end.exitCode === 0,
      ...(checkpoint === undefined ? {} : { checkpoint }),
      ...(exchanged.result === undefined ? {} : { result: exchanged.result }),
    };
  }

  #launch(context: TaskContext, exchange: Exchange, title: string): Launch {
    const { job } = this.#order;
    const { task } = job;
    if (task.kind !== 'command' && task.kind !== 'shell') {
      throw new TickwiseError('TASK_INVALID', `job ${job.name}: a task of kind ${task.kind} is not a command`);
    }
    const env = commandEnvironment(this.#order, context.step, exchange, this.#options.baseEnv, task.env);
    const command = argumentsOf(task);
    const cwd = cwdOf(task);
    const fault = launchFault(command[0] ?? '', cwd, env['PATH']);
    if (fault !== undefined) throw new TickwiseError('STEP_FAILED', `${title} cannot start: ${fault}`);
    return { command, cwd, env };
  }

  async #close(end: AttemptEnd): Promise<AttemptEnd> {
    this.#output.close();
    await this.#tree.dispose();
    await this.#exchange?.[Symbol.asyncDispose]();
    return this.#killed ? { ...end, outcome: 'killed' } : end;
  }
}

function cwdOf(task: CommandTask | ShellTask): string {
  return task.cwd ?? process.cwd();
}

function failure(end: ExecutionEnd, launch: Launch, context: TaskContext, title: string): unknown {
  const { exitCode, signal, lastWords } = end;
  // What a program does when it is told to stop is no error of its own.
  if (end.stopped && (end.forced || isEchoOfStop(end))) return context.signal.reason;
  const last = lastWords.at(-1) ?? '';
  const isLaunchers = last.startsWith(`${LAUNCHER}: `) || /^\S*timeout: failed to run command/.test(last);
  if ((exitCode === 126 || exitCode === 127) && isLaunchers) {
    const why = last.replace(/^[^:]+: (?:line )?(?:\d+: )?(?:exec: |failed to run command )?/, '');
    return new TickwiseError(
      'STEP_FAILED',
      `${title} cannot start ${launch.command[0] ?? ''}: ${why} (does the interpreter in its first line exist?)`,
    );
  }
  const how = exitCode === undefined ? `was ended by ${signal ?? 'a signal'}` : `ended with exit code ${exitCode}`;
  const words = lastWords.length === 0 ? '' : `; last of stderr: ${lastWords.join(' | ')}`;
  return new TickwiseError('STEP_FAILED', `${title} ${how}${words}`, { facts: { exitCode, signal, stderr: lastWords } });
}

function isEchoOfStop({ exitCode, signal }: ExecutionEnd): boolean {
  return signal !== undefined || exitCode === 130 || exitCode === 143;
}
