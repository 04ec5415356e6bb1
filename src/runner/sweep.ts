/**
 * Finding the processes of a run without the kernel's help: whose environment carries the run's mark, who descends from one
 * of those, who is in a group or a session that one of them led.
 *
 * What it covers: background children, `setsid`, double forks, programs that clear their environment while an ancestor
 * lives or while they stay in the session. What it cannot see: a process that cleared (or overwrote) its environment AND left the
 * session AND whose ancestors were all dead at each sweep; and one of another user whose environment may not be read, under
 * the same conditions. A cgroup sees those too.
 */
import { hasEnvironment, type ProcessInfo, readProcess } from './proc.ts';

/** What is known of one run's processes, from sweep to sweep. */
export class Sweep {
  readonly #marks: readonly string[];
  /** pid to start time of all that were found, as long as something still refers to that number. */
  readonly #known: Map<number, number> = new Map();
  #oldestStart: number | undefined;

  /** @param marks environment entries, `NAME=value`, one of which each process of the run carries */
  constructor(marks: readonly string[]) {
    this.#marks = marks;
  }

  /**
   * Takes in a process that was just spawned; to be called before the event loop can reap it.
   *
   * @param pid its number
   */
  started(pid: number): void {
    const process = readProcess(pid);
    if (process === undefined) return;
    this.#known.set(pid, process.start);
    // Nothing of the run is older than its first process, so the environments of older ones need not be read.
    this.#oldestStart ??= process.start;
  }

  /** Whether a group or session of this number was led by a process of the run. */
  leads(group: number): boolean {
    return this.#known.has(group);
  }

  /**
   * Picks the run's processes.
   *
   * @param table all live processes
   * @returns those of the run, never this process itself
   */
  pick(table: readonly ProcessInfo[]): ProcessInfo[] {
    this.#forgetReused(table);
    const found: ProcessInfo[] = [];
    let rest = table.filter((process) => process.pid !== globalThis.process.pid);
    for (let first = true; ; first = false) {
      const others: ProcessInfo[] = [];
      for (const process of rest) {
        if (this.#isKin(process) || (first && this.#isMarked(process))) {
          found.push(process);
          this.#known.set(process.pid, process.start);
        } else {
          others.push(process);
        }
      }
      if (others.length === rest.length) break;
      rest = others;
    }
    this.#forgetUnused(found);
    return found;
  }

  #isKin(process: ProcessInfo): boolean {
    const known = this.#known;
    return known.has(process.pid) || known.has(process.parent) || known.has(process.group) || known.has(process.session);
  }

  #isMarked(process: ProcessInfo): boolean {
    if (this.#oldestStart !== undefined && process.start < this.#oldestStart) return false;
    return hasEnvironment(process.pid, this.#marks);
  }

  /** A number that now belongs to a younger process says nothing about the run any more. */
  #forgetReused(table: readonly ProcessInfo[]): void {
    for (const { pid, start } of table) {
      const known = this.#known.get(pid);
      if (known !== undefined && known !== start) this.#known.delete(pid);
    }
  }

  /** The kernel does not give a number away while it names a group or a session; after that it may, so it is forgotten here. */
  #forgetUnused(found: readonly ProcessInfo[]): void {
    const used = new Set<number>();
    for (const { pid, group, session } of found) used.add(pid).add(group).add(session);
    for (const pid of this.#known.keys()) if (!used.has(pid)) this.#known.delete(pid);
  }
}
