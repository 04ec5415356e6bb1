/**
 * Whether a process has started another, asked of the kernel in 50 µs, where finding all that it may have left behind takes a
 * sweep of all processes. What was forked is either still listed as a child, alive or not yet reaped; or was reaped, and then its
 * page faults, of which a process cannot have none, were added to those of its parent. So no children and unchanged sums mean
 * that nothing was started in between, and nothing that leaves a session or forks twice can have come of it.
 *
 * @see proc_pid_stat(5) `cminflt`, `cmajflt`; proc_pid_task(5) `children`
 */
import { readdirSync, readFileSync } from 'node:fs';

/** Follows one process from its birth. */
export class ForkWatch {
  readonly #pid: number;
  /** Sums of a process that has reaped nothing. */
  #seen = '0 0';

  /** @param pid a child of ours that was just spawned */
  constructor(pid: number) {
    this.#pid = pid;
  }

  /**
   * Whether nothing was forked since the process began, or since the last `acknowledge`.
   *
   * @returns `false` too when the kernel does not tell
   */
  isChildless(): boolean {
    try {
      // In this order: what is reaped between the two readings shows in the second.
      return !this.#hasChildren() && this.#reaped() === this.#seen;
    } catch {
      return false;
    }
  }

  /** What was forked so far has been proved dead by other means; to be called before that proof begins. */
  acknowledge(): void {
    try {
      this.#seen = this.#reaped();
    } catch {
      this.#seen = '';
    }
  }

  #hasChildren(): boolean {
    const tasks = `/proc/${this.#pid}/task`;
    return readdirSync(tasks).some((task) => readFileSync(`${tasks}/${task}/children`, 'latin1') !== '');
  }

  #reaped(): string {
    const stat = readFileSync(`/proc/${this.#pid}/stat`, 'latin1');
    // Fields from the third on: state ppid pgrp session tty tpgid flags minflt cminflt majflt cmajflt.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ', 11);
    const [minor, major] = [fields[8], fields[10]];
    if (minor === undefined || major === undefined) throw new Error('no such fields');
    return `${minor} ${major}`;
  }
}
