/**
 * Finding the processes of a run without a cgroup: whose environment carries the run's mark, who descends from one of those,
 * who is in a group or a session that one of them led.
 *
 * What it covers: background children, `setsid`, double forks, programs that clear their environment while an ancestor
 * lives or while they stay in the session. What it cannot see: a process that cleared (or overwrote) its environment AND left the
 * session AND whose ancestors were all dead at each look; and one of another user whose environment may not be read, under
 * the same conditions. A cgroup sees those too.
 *
 * A look at a table that changes meanwhile is no proof: a process that forks and leaves between the listing and the reading is not
 * seen, and its child was not listed. A chain of those, each living for a millisecond, was seen to slip through two looks in a row.
 * So a look counts only if the table showed one instant; and for groups the kernel is asked, which answers for all of a group at once.
 */
import type { Marks } from './marks.ts';
import { type ProcessInfo, readProcess } from './proc.ts';
import type { TableReading } from './process-table.ts';

/** What one look says. */
export interface Look {
  /** The run's live processes. */
  readonly found: readonly ProcessInfo[];
  /** Nothing can have been overlooked. */
  readonly isSure: boolean;
}

/** What is known of one run's processes, from look to look. */
export class Sweep {
  readonly #marks: readonly string[];
  /** pid to start time of all that were found, as long as something still refers to that number. */
  readonly #known: Map<number, number> = new Map();
  /** Groups that processes of the run have led, to the start time of the leader, until the kernel says that they are empty. */
  readonly #groups: Map<number, number> = new Map();
  /** Groups that zombies belong to, who stay in them until their parent looks at them. */
  #groupsOfZombies: Set<number> = new Set();
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
    this.#know(process);
    // Nothing of the run is older than its first process, so the environments of older ones need not be read.
    this.#oldestStart ??= process.start;
  }

  /**
   * Picks the run's processes, never this process itself.
   *
   * @param table a reading of the process table
   * @returns its live processes, and whether that is all
   */
  look({ alive, dead, isExact, marks }: TableReading): Look {
    // Of a run that nothing is known of, which is what a dead daemon leaves behind a thousand times, marks alone can tell.
    if (this.#oldestStart === undefined && this.#known.size + this.#groups.size === 0) {
      const marked = marks.find(this.#marks);
      if (marked.found.length === 0) return { found: [], isSure: isExact && marked.isSure };
    }
    this.#forgetReused(alive);
    const found: ProcessInfo[] = [];
    let isSure = isExact;
    let rest = alive.filter(({ pid, isKernel }) => !isKernel && pid !== process.pid);
    for (let isFirst = true; ; isFirst = false) {
      const others: ProcessInfo[] = [];
      for (const candidate of rest) {
        const isOurs = this.#isKin(candidate) || (isFirst && this.#isMarked(candidate, marks));
        if (isOurs === 'unknown') isSure = false;
        if (isOurs === true) {
          found.push(candidate);
          this.#know(candidate);
        } else {
          others.push(candidate);
        }
      }
      if (others.length === rest.length) break;
      rest = others;
    }
    this.#forgetUnused(found);
    this.#groupsOfZombies = new Set(dead.map(({ group }) => group));
    return { found, isSure };
  }

  /**
   * Asks the kernel for groups of the run that are not empty. Its answer holds for the whole group at one instant, so no fork escapes
   * it. Groups in which the last look saw a zombie are left out: one that nobody reaps would keep its group for ever.
   *
   * @returns the numbers of the groups
   */
  liveGroups(): number[] {
    return this.#existingGroups().filter((group) => !this.#groupsOfZombies.has(group));
  }

  /**
   * Signals the groups of the run, each as a whole. After SIGKILL nothing in them can fork, so a look finds what has not died of it
   * yet (or is beyond our rights), and the group itself need not be asked for again.
   *
   * @param signal which
   * @returns the groups that were told
   */
  signalGroups(signal: 'SIGTERM' | 'SIGKILL'): ReadonlySet<number> {
    const groups = this.#existingGroups();
    for (const group of groups) {
      reachesGroup(group, signal);
      if (signal === 'SIGKILL') this.#groups.delete(group);
    }
    return new Set(groups);
  }

  #existingGroups(): number[] {
    for (const [group, start] of this.#groups) {
      const leader = readProcess(group);
      const isReused = leader !== undefined && leader.start !== start;
      if (isReused || !reachesGroup(group, 0)) this.#groups.delete(group);
    }
    return [...this.#groups.keys()];
  }

  #know({ pid, start, group }: ProcessInfo): void {
    this.#known.set(pid, start);
    if (group === pid) this.#groups.set(group, start);
  }

  #isKin(process: ProcessInfo): boolean {
    const known = this.#known;
    return known.has(process.pid) || known.has(process.parent) || known.has(process.group) || known.has(process.session);
  }

  #isMarked(process: ProcessInfo, marks: Marks): boolean | 'unknown' {
    return this.#isYoung(process) && marks.has(process.pid, this.#marks);
  }

  #isYoung({ start }: ProcessInfo): boolean {
    return this.#oldestStart === undefined || start >= this.#oldestStart;
  }

  /** A number that now belongs to a younger process says nothing about the run any more. */
  #forgetReused(alive: readonly ProcessInfo[]): void {
    for (const { pid, start } of alive) {
      const known = this.#known.get(pid);
      if (known !== undefined && known !== start) this.#known.delete(pid);
    }
  }

  /** The kernel does not give a number away while it names a group or a session; after that it may, so it is forgotten here. */
  #forgetUnused(found: readonly ProcessInfo[]): void {
    const used = new Set<number>(this.#groups.keys());
    for (const { pid, group, session } of found) used.add(pid).add(group).add(session);
    for (const pid of this.#known.keys()) if (!used.has(pid)) this.#known.delete(pid);
  }
}

/** @returns whether the group has a process, be it a zombie; one that may not be signalled counts */
function reachesGroup(group: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-group, signal);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
