/**
 * What stands between the daemon and a program: a shell that waits for the word, and `timeout` of coreutils, which keeps the run's
 * bounds when the daemon is frozen or gone.
 *
 * - The word comes through a pipe on fd 3, when the ledger knows the process. A daemon that dies before leaves the pipe at its
 *   end, and the shell exits: nothing of the program has begun.
 * - `timeout` speaks a second later than the daemon would, so that a living daemon is always first. It reaches its process group; what
 *   left the group is found by recovery.
 */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { DurationMs } from '../core/time.ts';
import { LAUNCHER } from './process-tree.ts';

/** How much later than the daemon. */
const LATER_S = 1;
const WAIT_FOR_WORD = 'IFS= read -r word <&3 || exit 126; exec 3<&-; unset PWD OLDPWD; exec "$@"';

/** The number of the pipe through which the word comes. */
export const WORD_FD = 3;

/**
 * Puts the launcher before a command.
 *
 * @param command program and arguments; never read by a shell
 * @param remainingMs what is left of the budget
 * @param graceMs between SIGTERM and SIGKILL
 * @param timeout path of coreutils' `timeout`; without one a dead daemon's program goes on until the next start finds it
 * @returns the command to start; it reads {@link WORD_FD}
 */
export function behindLauncher(
  command: readonly string[],
  remainingMs: DurationMs,
  graceMs: DurationMs,
  timeout: string | undefined,
): readonly string[] {
  const seconds = (ms: DurationMs): string => String(Math.max(1, Math.ceil(ms / 1_000)));
  const bounds = timeout === undefined ? [] : [timeout, '-k', seconds(graceMs), seconds(remainingMs + LATER_S * 1_000)];
  return ['/bin/sh', '-c', WAIT_FOR_WORD, LAUNCHER, ...bounds, ...command];
}

/**
 * Looks for `timeout`.
 *
 * @param path the `PATH` of the daemon
 * @returns its absolute path; `undefined` where there is none
 */
export function findTimeout(path: string | undefined): string | undefined {
  return (path ?? '')
    .split(delimiter)
    .filter((folder) => folder.startsWith('/'))
    .map((folder) => join(folder, 'timeout'))
    .find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
