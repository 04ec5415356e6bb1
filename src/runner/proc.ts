/** Reading a process in Linux' `/proc`: alive or not, whose child, in which group and session, since when, with which environment. */
import { readFileSync } from 'node:fs';

/** One process at one instant. `pid` and `start` together name it for ever: a pid alone is used again. */
export interface ProcessInfo {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  /** As in `ps`: R, S, D, T (stopped), Z (zombie) … */
  readonly state: string;
  /** When it was started, in clock ticks since boot. */
  readonly start: number;
  /** A thread of the kernel, which has neither arguments nor environment. */
  readonly isKernel: boolean;
}

/** PF_KTHREAD of the kernel's `sched.h`, in the field `flags`. */
const KERNEL_THREAD = 0x0020_0000;

/**
 * Reads the text of `/proc/PID/stat`.
 *
 * @param text the name of the program stands in parentheses and may itself hold spaces, parentheses and line breaks
 * @returns the process, zombies included; `undefined` for a text of another form
 * @see proc_pid_stat(5)
 */
export function parseStat(text: string): ProcessInfo | undefined {
  const afterName = text.lastIndexOf(')');
  if (afterName === -1) return undefined;
  // Fields from the third on; `starttime` is the 22nd.
  const fields = text.slice(afterName + 2).split(' ', 20);
  const state = fields[0];
  if (fields.length < 20 || state === undefined) return undefined;
  return {
    pid: Number.parseInt(text, 10),
    parent: Number(fields[1]),
    group: Number(fields[2]),
    session: Number(fields[3]),
    state,
    start: Number(fields[19]),
    isKernel: (Number(fields[6]) & KERNEL_THREAD) !== 0,
  };
}

/**
 * Looks at one process, as a proof needs it: to fail to look is not to find it gone.
 *
 * @param pid its number
 * @returns what is known of it, zombies included; `undefined` when it is gone, or vanishes while being read
 * @throws what `fs` throws when the kernel does not say, e.g. `EMFILE` where clients of the API hold all files that may be open
 */
export function lookAtProcess(pid: number): ProcessInfo | undefined {
  const text = readText(`/proc/${pid}/stat`);
  return text === undefined ? undefined : parseStat(text);
}

/**
 * Looks at one process where nothing is proved by its absence.
 *
 * @param pid its number
 * @returns as {@link lookAtProcess}, and `undefined` when that throws
 */
export function readProcess(pid: number): ProcessInfo | undefined {
  try {
    return lookAtProcess(pid);
  } catch {
    return undefined;
  }
}

/**
 * Whether a process can still do anything. A zombie cannot: it waits for its parent to look at its exit code.
 *
 * @param process what was read of it
 */
export function isAlive(process: ProcessInfo): boolean {
  return process.state !== 'Z' && process.state !== 'X' && process.state !== 'x';
}

/**
 * The environment of a process: entries `NAME=value`, each ended by a NUL.
 *
 * @param pid its number
 * @returns `undefined` for one that may not be read (another user's) or is gone; empty for one that has none, or loads a program
 * @throws as {@link lookAtProcess}
 */
export function readEnvironment(pid: number): string | undefined {
  return readText(`/proc/${pid}/environ`);
}

/**
 * Whether a process that shows no environment is loading a program: for some microseconds or, on a busy machine, milliseconds, it
 * shows neither environment nor arguments.
 *
 * @param pid its number
 * @throws as {@link lookAtProcess}
 */
export function isLoading(pid: number): boolean {
  return readText(`/proc/${pid}/cmdline`) === '';
}

/** Gone before or while it is read, or another user's. */
const NOTHING_TO_READ: ReadonlySet<unknown> = new Set(['ENOENT', 'ESRCH', 'EACCES', 'EPERM']);

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'latin1');
  } catch (error) {
    if (NOTHING_TO_READ.has((error as NodeJS.ErrnoException).code)) return undefined;
    throw error;
  }
}
