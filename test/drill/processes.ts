/** What the kernel says of processes. */
import { readdirSync, readFileSync } from 'node:fs';

/** One process; `start` tells it apart from a later one with the same number. */
export interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly start: string;
  readonly state: string;
}

/** All live processes; zombies are dead. */
export function processes(): Process[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => readProcess(Number(name)) ?? []);
}

/** @returns undefined when it is gone, or a zombie */
export function readProcess(pid: number): Process | undefined {
  const stat = readOrEmpty(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state = 'X', parent] = fields;
  return 'ZX'.includes(state) ? undefined : { pid, parent: Number(parent), start: fields[19] ?? '', state };
}

/** All that carry a mark in their environment or command line: what a daemon has started, and what those have started. */
export function processesMarked(mark: string): Process[] {
  return processes().filter(({ pid }) => pid !== process.pid && isMarked(pid, mark));
}

function isMarked(pid: number, mark: string): boolean {
  return readOrEmpty(`/proc/${pid}/environ`).includes(mark) || readOrEmpty(`/proc/${pid}/cmdline`).includes(mark);
}

/** @returns what it was started with, for people */
export function commandLine(pid: number): string {
  return readOrEmpty(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim();
}

/** Sends a signal to this very process and no later one of the same number. */
export function signal({ pid, start }: Process, name: NodeJS.Signals): boolean {
  if (readProcess(pid)?.start !== start) return false;
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
