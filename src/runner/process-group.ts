/** Where there is no `/proc`: the process group is all that can be asked for. A process that left it is not seen. */
import { setTimeout as delay } from 'node:timers/promises';
import type { ProcessTree, TreeMark } from './process-tree.ts';

const PAUSE_MS = 20;

/** The groups led by the processes that were reported as started. */
export class GroupTree implements ProcessTree {
  readonly runId: string;
  readonly #mark: TreeMark;
  #leaders: number[] = [];

  /**
   * @param id of a run or a host
   * @param mark the name under which processes carry it
   */
  constructor(id: string, mark: TreeMark) {
    this.runId = id;
    this.#mark = mark;
  }

  wrap(command: readonly string[]): { command: string[]; env: Record<string, string> } {
    return { command: [...command], env: { [this.#mark]: this.runId } };
  }

  started(pid: number): void {
    this.#leaders.push(pid);
  }

  async members(): Promise<number[]> {
    // A group that is found empty once may be given to strangers, so it is never asked for again.
    this.#leaders = this.#leaders.filter((pid) => reaches(pid, 0));
    return [...this.#leaders];
  }

  async signal(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    for (const pid of await this.members()) {
      reaches(pid, signal);
      if (signal === 'SIGTERM') reaches(pid, 'SIGCONT');
    }
  }

  async waitEmpty(waitMs: number, cut?: AbortSignal): Promise<boolean> {
    const until = performance.now() + waitMs;
    for (;;) {
      if ((await this.members()).length === 0) return true;
      const leftMs = until - performance.now();
      if (leftMs <= 0 || cut?.aborted === true) return false;
      await delay(Math.min(PAUSE_MS, leftMs), undefined, cut === undefined ? {} : { signal: cut }).catch(() => undefined);
    }
  }

  async dispose(): Promise<void> {}
}

/** @returns whether the group has a process; one that may not be signalled counts */
function reaches(leader: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-leader, signal);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
