/**
 * Every process that a run has started: find them, stop them, prove that they are gone.
 *
 * Authority. The kernel alone knows what is alive. We ask it in two ways, and the end is proved only when neither finds anything.
 *
 * - `cgroup`: the run's processes are born in a cgroup of their own (the launcher enters it and then becomes the program), and
 *   the proof is `populated 0` of that group, followed by one sweep, for one who was let out of the group by a hand that may do so.
 * - `sweep`: where no cgroup can be written, `/proc` is searched for the run's mark in environments, for descendants, groups and
 *   sessions (see `sweep.ts` for what that covers). The proof is two sweeps that find nothing, each sure of having seen everything,
 *   and the kernel's word that the run's process groups are empty.
 * - `group`: elsewhere than on Linux the process group is all that can be asked for. `doctor` says so.
 *
 * Races, and what happens then. A member forks while it is being stopped: SIGTERM is repeated until a round finds nobody new;
 * SIGKILL goes to the whole cgroup or process group at once, which no fork survives, and is repeated by the caller until the proof.
 * A pid is used again: pid and start time are compared right before each signal. A member is stopped (SIGSTOP): it is
 * continued after SIGTERM, and SIGKILL needs no help. A member is beyond our rights (a setuid program): it stays a member, so there is no
 * proof, and the run says `blocked`. A process cannot be killed (state D): the same.
 */
import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { type Cgroup, CgroupHome } from './cgroup.ts';
import { GroupTree } from './process-group.ts';
import { isAlive, type ProcessInfo, readProcess } from './proc.ts';
import { ProcessTable } from './process-table.ts';
import { Sweep } from './sweep.ts';

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
   * @param cut ends the waiting early
   * @returns `true`: proved. `false`: something is alive, or the proof failed
   */
  waitEmpty(waitMs: number, cut?: AbortSignal): Promise<boolean>;
  /** Gives back what the tree holds in the system. Only when empty. */
  dispose(): Promise<void>;
}

/** Makes process trees, all of one kind. */
export interface ProcessTrees extends AsyncDisposable {
  /** How the end is proved on this machine. */
  readonly kind: 'cgroup' | 'sweep' | 'group';
  /**
   * A tree for processes that are yet to be started.
   *
   * @param id of a run or a host
   * @param mark under which name they carry it: `TICKWISE_RUN_ID` (the default) or `TICKWISE_HOST_ID`
   */
  open(id: string, mark?: TreeMark): ProcessTree;
  /**
   * The tree of what an earlier daemon left behind on this machine under an id. It can be stopped and proved, not added to.
   *
   * @param mark under which name its processes carry it: `TICKWISE_RUN_ID` unless given
   */
  findRun(id: string, mark?: TreeMark): ProcessTree;
}

/** The names under which processes carry their tree's id. */
const TREE_MARKS = ['TICKWISE_RUN_ID', 'TICKWISE_HOST_ID', 'TICKWISE_NODE_ID'] as const;
export type TreeMark = (typeof TREE_MARKS)[number];

/** The name under which the launcher speaks on stderr when it cannot become the program (it then exits with 126 or 127). */
export const LAUNCHER: string = 'tickwise-launcher';

/**
 * Chooses the strongest proof that this machine allows. Trying for a cgroup costs one short-lived process, once.
 *
 * @param options `useCgroup: false` makes do without, which tests and `doctor` want
 * @returns the maker of trees; dispose it when the last tree is empty
 */
export function createProcessTrees(options: { readonly useCgroup?: boolean } = {}): ProcessTrees {
  const onLinux = process.platform === 'linux' && existsSync('/proc/self/stat');
  const home = onLinux && options.useCgroup !== false ? CgroupHome.find() : undefined;
  const table = new ProcessTable();
  return {
    kind: home !== undefined ? 'cgroup' : onLinux ? 'sweep' : 'group',
    open(id, mark = 'TICKWISE_RUN_ID') {
      if (!onLinux) return new GroupTree(id, mark);
      const group = home?.group(id);
      return new LinuxTree(id, mark, table, group === undefined ? [] : [group], group);
    },
    findRun: (id, mark = 'TICKWISE_RUN_ID') =>
      onLinux ? new LinuxTree(id, mark, table, home?.existing(id) ?? [], undefined) : new GroupTree(id, mark),
    async [Symbol.asyncDispose]() {
      home?.remove();
    },
  };
}

/** Rounds of one `signal` call: a tree that still shows new members after as many is left to the caller's next call. */
const MOST_ROUNDS = 20;
/** One would do if `/proc` never showed anything half done; the second costs little. */
const LOOKS_OF_A_PROOF = 2;
/** Where processes are born and end during so many looks in a row, there is no proof yet; the caller looks again. */
const MOST_LOOKS = 20;
const SHORTEST_PAUSE_MS = 1;
const LONGEST_PAUSE_MS = 50;

class LinuxTree implements ProcessTree {
  readonly runId: string;
  readonly #mark: TreeMark;
  readonly #table: ProcessTable;
  readonly #groups: readonly Cgroup[];
  readonly #entered: Cgroup | undefined;
  readonly #sweep: Sweep;

  constructor(id: string, mark: TreeMark, table: ProcessTable, groups: readonly Cgroup[], entered: Cgroup | undefined) {
    this.runId = id;
    this.#mark = mark;
    this.#table = table;
    this.#groups = groups;
    this.#entered = entered;
    this.#sweep = new Sweep(TREE_MARKS.map((name) => `${name}=${id}`));
  }

  wrap(command: readonly string[]): { command: string[]; env: Record<string, string> } {
    const env = { [this.#mark]: this.runId };
    if (this.#entered === undefined) return { command: [...command], env };
    this.#entered.create();
    // Writing 0 moves the writer itself; `echo` is built in. PWD is what the shell adds to the environment on its own.
    const enter = 'echo 0 > "$1" || exit 126; shift; unset PWD OLDPWD; exec "$@"';
    return { command: ['/bin/sh', '-c', enter, LAUNCHER, this.#entered.entry, ...command], env };
  }

  started(pid: number): void {
    this.#sweep.started(pid);
  }

  async members(): Promise<number[]> {
    return (await this.#find()).map(({ pid }) => pid);
  }

  async signal(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    if (signal === 'SIGKILL') for (const group of this.#groups) group.kill();
    const told = new Set<string>();
    for (let round = 0; round < MOST_ROUNDS; round++) {
      const untold = (await this.#find()).filter(({ pid, start }) => !told.has(`${pid} ${start}`));
      // No fork outruns a signal to a whole group; what is in none of the run's own groups is told one by one.
      const groups = round === 0 || signal === 'SIGKILL' ? this.#sweep.signalGroups(signal) : NONE;
      if (untold.length === 0) return;
      for (const member of untold) {
        told.add(`${member.pid} ${member.start}`);
        send(signal, member, groups.has(member.group));
      }
    }
  }

  async waitEmpty(waitMs: number, cut?: AbortSignal): Promise<boolean> {
    const until = performance.now() + waitMs;
    for (let pauseMs = SHORTEST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      if (await this.#isEmpty()) return true;
      const leftMs = until - performance.now();
      if (leftMs <= 0 || cut?.aborted === true) return false;
      await delay(Math.min(pauseMs, leftMs), undefined, cut === undefined ? {} : { signal: cut }).catch(() => undefined);
    }
  }

  async dispose(): Promise<void> {
    for (const group of this.#groups) group.remove();
  }

  async #isEmpty(): Promise<boolean> {
    if (this.#groups.length > 0) {
      // The kernel counts for us. One look is for who was let out of the group.
      return !this.#isPopulated() && this.#sweep.look(await this.#table.read()).found.length === 0 && !this.#isPopulated();
    }
    for (let looks = 0, sure = 0; looks < MOST_LOOKS; looks++) {
      const { found, isSure } = this.#sweep.look(await this.#table.read());
      if (found.length > 0) return false;
      if (isSure && ++sure === LOOKS_OF_A_PROOF) return this.#sweep.liveGroups().length === 0;
    }
    return false;
  }

  #isPopulated(): boolean {
    return this.#groups.some((group) => group.isPopulated());
  }

  async #find(): Promise<ProcessInfo[]> {
    const found = new Map(this.#sweep.look(await this.#table.read()).found.map((member) => [member.pid, member]));
    for (const pid of this.#groups.flatMap((group) => group.pids())) {
      const member = found.has(pid) ? undefined : readProcess(pid);
      if (member !== undefined && isAlive(member)) found.set(pid, member);
    }
    return [...found.values()];
  }
}

const NONE: ReadonlySet<number> = new Set();

function send(signal: 'SIGTERM' | 'SIGKILL', { pid, start }: ProcessInfo, wasTold: boolean): void {
  const now = readProcess(pid);
  if (now === undefined || now.start !== start || !isAlive(now)) return;
  if (!wasTold) tryKill(pid, signal);
  if (signal === 'SIGTERM' && now.state === 'T') tryKill(pid, 'SIGCONT');
}

function tryKill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Gone, or beyond our rights: then it stays a member, and there is no proof.
  }
}
