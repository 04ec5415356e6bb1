/** The start of a program, up to where it waits for the word. */
import { type ChildProcess, spawn } from 'node:child_process';
import { TickwiseError } from '../core/errors.ts';
import type { DurationMs } from '../core/time.ts';
import { behindLauncher } from './launcher.ts';
import type { ProcessTree } from './process-tree.ts';

/** What is started. */
export interface Launch {
  readonly command: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

/** What the launcher needs to know. */
export interface LaunchParts {
  readonly tree: ProcessTree;
  /** Names the step in errors. */
  readonly title: string;
  /** What is left of the budget. */
  readonly remainingMs: DurationMs;
  readonly graceMs: DurationMs;
  /** See `findTimeout`. */
  readonly timeout: string | undefined;
}

/**
 * Starts the launcher of a program; the program waits for the word.
 *
 * @param launch what it shall be
 * @param parts its tree, and the bounds that the launcher keeps by itself
 * @returns the child, in the tree from its first instruction on; it may yet report an `error`
 * @throws TickwiseError `STEP_FAILED` when it cannot be started
 */
export function startBehindLauncher(launch: Launch, { tree, title, remainingMs, graceMs, timeout }: LaunchParts): ChildProcess {
  const { command, env } = tree.wrap(behindLauncher(launch.command, remainingMs, graceMs, timeout));
  const [program = '', ...args] = command;
  try {
    return spawn(program, args, {
      cwd: launch.cwd,
      env: { ...launch.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
      // A group and a session of its own: a Ctrl-C in the daemon's terminal is not meant for it.
      detached: true,
    });
  } catch (cause) {
    throw cannotStart(title, launch, cause);
  }
}

/** Says why there is no child. @returns `STEP_FAILED`, in one line that names the program */
export function cannotStart(title: string, launch: Launch, cause: unknown): TickwiseError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new TickwiseError('STEP_FAILED', `${title}: cannot start ${launch.command[0] ?? ''}: ${why}`, { cause });
}
