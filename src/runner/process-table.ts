/** Reading the whole of Linux' `/proc`, and how far one reading can be trusted. */
import { readdirSync, readFileSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Marks } from './marks.ts';
import { isAlive, lookAtProcess, type ProcessInfo } from './proc.ts';

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
  readonly #newest: () => number | undefined;
  #pending: Promise<TableReading> | undefined;

  /** @param newest tells the number that was given away last; the kernel's word unless given */
  constructor(newest: () => number | undefined = newestPid) {
    this.#newest = newest;
  }

  /**
   * Reads the table, in slices that leave the event loop free.
   *
   * @returns a reading that was begun after this call, never before it
   * @throws (rejects) when `/proc` cannot be listed, or a process cannot be looked at: then nothing is proved
   */
  read(): Promise<TableReading> {
    this.#pending ??= nextTurn().then(() => {
      this.#pending = undefined;
      return readAll(this.#newest);
    });
    return this.#pending;
  }
}

async function readAll(newestPid: () => number | undefined): Promise<TableReading> {
  const alive: ProcessInfo[] = [];
  const dead: ProcessInfo[] = [];
  const seen = new Map<number, ProcessInfo | undefined>();
  const look = (pid: number): ProcessInfo | undefined => {
    if (seen.has(pid)) return seen.get(pid);
    const process = lookAtProcess(pid);
    seen.set(pid, process);
    if (process !== undefined) (isAlive(process) ? alive : dead).push(process);
    return process;
  };
  let sliceEnd = performance.now() + LONGEST_SLICE_MS;
  let newest = newestPid();
  // A number above the newest one is an old process's, too, once the kernel has begun anew with its numbers.
  for (const pid of listPids()) {
    look(pid);
    if (performance.now() < sliceEnd) continue;
    await nextTurn();
    sliceEnd = performance.now() + LONGEST_SLICE_MS;
  }
  let isExact = newest !== undefined;
  for (let births = 0; newest !== undefined && births < MOST_BIRTHS;) {
    const now = newestPid();
    if (now === undefined) isExact = false;
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
