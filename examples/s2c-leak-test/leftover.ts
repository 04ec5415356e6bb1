/** What this process holds at the moment, as the system and Node tell it. */
import { readdirSync, readFileSync } from 'node:fs';

/** Counts that must be the same before and after. */
export interface Holdings {
  /** Timers, sockets, pipes, workers …: what keeps Node's event loop busy, by kind. */
  readonly handles: Readonly<Record<string, number>>;
  /** Threads of this process. */
  readonly threads: number;
  /** Processes below this one. */
  readonly processes: number;
}

/** Counts. */
export function countHoldings(): Holdings {
  const handles: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo().toSorted()) handles[kind] = (handles[kind] ?? 0) + 1;
  return { handles, threads: readdirSync('/proc/self/task').length, processes: countDescendants(process.pid) };
}

function countDescendants(root: number): number {
  const parents = new Map<number, number>();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
      // pid (name) state parent …; the name may hold anything, so begin behind its last bracket.
      parents.set(Number(entry), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
    } catch {
      // It ended while we looked.
    }
  }
  const isBelow = (pid: number | undefined): boolean =>
    pid !== undefined && pid > 1 && (pid === root || isBelow(parents.get(pid)));
  return [...parents.keys()].filter((pid) => pid !== root && isBelow(pid)).length;
}
