/** Reading Linux' `/proc`: who is alive, whose child, in which group and session, and since when. */
import { readdirSync, readFileSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Marks } from './marks.ts';

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
 * Looks at one process.
 *
 * @param pid its number
 * @returns what is known of it, zombies included; `undefined` when it is gone, or vanishes while being read
 */
export function readProcess(pid: number): ProcessInfo | undefined {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'latin1'));
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
 * The numbers of all processes, youngest numbers first: a process that forks and leaves is replaced by a higher number, and
 * the less time passes between listing and reading, the less it can slip through.
 *
 * @returns numbers; some may be gone by the time they are looked at
 */
function listPids(): number[] {
  const pids: number[] = [];
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (pid > 0) pids.push(pid);
  }
  return pids.sort((a, b) => b - a);
}

/**
 * The environment of a process: entries `NAME=value`, each ended by a NUL.
 *
 * @param pid its number
 * @returns `undefined` for one that may not be read (another user's) or is gone; empty for one that has none, or loads a program
 */
export function readEnvironment(pid: number): string | undefined {
  return readText(`/proc/${pid}/environ`);
}

/**
 * Whether a process that shows no environment is loading a program: for some microseconds or, on a busy machine, milliseconds, it
 * shows neither environment nor arguments.
 *
 * @param pid its number
 */
export function isLoading(pid: number): boolean {
  return readText(`/proc/${pid}/cmdline`) === '';
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return undefined;
  }
}

/** All processes, as far as one reading can tell. */
export interface TableReading {
  readonly alive: readonly ProcessInfo[];
  /** Zombies. */
  readonly dead: readonly ProcessInfo[];
  /**
   * Whether it shows one instant: every process that was born while the table was read has been looked at too. Otherwise one
   * that was born and has ended meanwhile may have left a child that nobody listed.
   */
  readonly isExact: boolean;
  /** What those alive carry; to be asked at once. */
  readonly marks: Marks;
}

/** How long reading the table may hold the event loop at a stretch. */
const LONGEST_SLICE_MS = 2;
/** More births than this during one reading are not looked at one by one. */
const MOST_BIRTHS = 1_000;

/**
 * The table of all processes, read when asked. Those who ask in the same turn share one reading, so that sixteen runs that
 * end together cost no more than one.
 */
export class ProcessTable {
  #pending: Promise<TableReading> | undefined;

  /**
   * Reads the table, in slices that leave the event loop free.
   *
   * @returns a reading that was begun after this call, never before it
   * @throws (rejects) when `/proc` cannot be listed
   */
  read(): Promise<TableReading> {
    this.#pending ??= nextTurn().then(() => {
      this.#pending = undefined;
      return readAll();
    });
    return this.#pending;
  }
}

async function readAll(): Promise<TableReading> {
  const alive: ProcessInfo[] = [];
  const dead: ProcessInfo[] = [];
  const look = (pid: number): ProcessInfo | undefined => {
    const process = readProcess(pid);
    if (process !== undefined) (isAlive(process) ? alive : dead).push(process);
    return process;
  };
  let sliceEnd = performance.now() + LONGEST_SLICE_MS;
  let newest = newestPid();
  for (const pid of listPids()) {
    if (newest !== undefined && pid > newest) continue;
    look(pid);
    if (performance.now() < sliceEnd) continue;
    await nextTurn();
    sliceEnd = performance.now() + LONGEST_SLICE_MS;
  }
  let isExact = newest !== undefined;
  for (let births = 0; newest !== undefined && births < MOST_BIRTHS;) {
    const now = newestPid();
    if (now === newest || now === undefined) break;
    // Numbers start anew at the kernel's `pid_max`.
    if (now < newest) return { alive, dead, isExact: false, marks: new Marks(alive) };
    for (let pid = newest + 1; pid <= now && births < MOST_BIRTHS; pid++, births++) {
      const process = look(pid);
      if (process === undefined ? !isThread(pid) : !isAlive(process)) isExact = false;
    }
    if (births === MOST_BIRTHS) isExact = false;
    newest = now;
  }
  return { alive, dead, isExact, marks: new Marks(alive) };
}

/** The number that was given to a process or a thread last. @see proc_sys_kernel(5), proc_loadavg(5) */
function newestPid(): number | undefined {
  for (const [file, field] of [
    ['/proc/sys/kernel/ns_last_pid', 0],
    ['/proc/loadavg', 4],
  ] as const) {
    try {
      const pid = Number(readFileSync(file, 'latin1').trim().split(' ')[field]);
      if (pid > 0) return pid;
    } catch {
      // The first is there on kernels that can restore processes; the second always, but made up in some containers.
    }
  }
  return undefined;
}

/** A living thread of some process has a number too, which is not listed but can be asked for. */
function isThread(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${pid}/status`, 'latin1').includes(`Tgid:\t${pid}\n`);
  } catch {
    return false;
  }
}
