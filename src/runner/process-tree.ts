/** Every process that a run has started: find them, stop them, prove that they are gone. */

/** All processes of one run, or of one warm host. */
export interface ProcessTree {
  /** The id that its processes carry in their environment. */
  readonly runId: string;
  /**
   * What to spawn instead of a command, so that it is in the tree from its first instruction. Spawn it with `detached: true`,
   * so that it leads a group and a session of its own, and report its pid to `started`.
   *
   * @param command program and arguments; passed on as they are, never read by a shell
   * @returns the command to spawn, and what to add to its environment
   */
  wrap(command: readonly string[]): { command: string[]; env: Record<string, string> };
  /** Tells the pid of a process spawned by `wrap`, at once after the spawn: its descendants, group and session belong to the run. */
  started(pid: number): void;
  /** @returns the pids that are alive now, in no order; zombies are dead */
  members(): Promise<number[]>;
  /** Sends a signal to each member, new ones included, until all that are found have had it. Stopped ones are woken for SIGTERM. */
  signal(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  /**
   * Waits for the proof that nothing of the tree is alive.
   *
   * @param waitMs how long; 0 looks once
   * @returns `true`: proved. `false`: something is alive, or the proof failed
   */
  waitEmpty(waitMs: number): Promise<boolean>;
  /** Gives back what the tree holds in the system. Only when empty. */
  dispose(): Promise<void>;
}
