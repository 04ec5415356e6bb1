/**
 * Control groups, version 2: the kernel's own list of a run's processes. A process is in its parent's group from birth and
 * cannot leave by `setsid`, by a double fork or by clearing its environment, only by the hand of one who may write to both groups.
 *
 * Layout: `<own group of the daemon>/tickwise-<pid>-<start time>/<id of the run>`. No controllers are enabled, so the rule
 * that inner groups hold no processes does not apply.
 *
 * @see https://docs.kernel.org/admin-guide/cgroup-v2.html
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isAlive, readProcess } from './proc.ts';

const HOME = /^tickwise-(\d+)-(\d+)(?:-\d+)?$/;
/** Two daemons in one process must not remove each other's groups, which are empty until their program has entered. */
let lastHome = 0;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,200}$/;

/**
 * Where this process stands in the version 2 hierarchy, hybrid layouts and bind mounts included.
 *
 * @param mountinfo the text of `/proc/self/mountinfo`
 * @param membership the text of `/proc/self/cgroup`
 * @returns directories to try, likeliest first; none where version 2 is not mounted
 * @see proc_pid_mountinfo(5), cgroups(7)
 */
export function ownCgroups(mountinfo: string, membership: string): string[] {
  const own = /^0::(\/.*)$/m.exec(membership)?.[1];
  if (own === undefined) return [];
  const found: string[] = [];
  for (const line of mountinfo.split('\n')) {
    const [before, after] = line.split(' - ', 2);
    if (after?.split(' ', 1)[0] !== 'cgroup2') continue;
    const [root, mount] = (before ?? '').split(' ').slice(3, 5).map(unescape);
    if (root === undefined || mount === undefined) continue;
    if (root === '/') found.push(join(mount, own));
    else if (own === root || own.startsWith(`${root}/`)) found.push(join(mount, own.slice(root.length)));
    else found.push(mount);
  }
  return found;
}

/** mountinfo writes blanks and the like in octal. */
function unescape(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

/** The groups of one daemon. */
export class CgroupHome {
  readonly #base: string;
  readonly #path: string;

  private constructor(base: string, path: string) {
    this.#base = base;
    this.#path = path;
  }

  /**
   * Looks for a place where this process may make groups and move children into them, by doing it once with a child.
   * Removes what dead daemons left there, as far as it is empty.
   *
   * @returns the daemon's groups, or `undefined` where there is no such place; never throws
   */
  static find(): CgroupHome | undefined {
    const self = readProcess(process.pid);
    if (self === undefined) return undefined;
    let bases: string[];
    try {
      bases = ownCgroups(readFileSync('/proc/self/mountinfo', 'utf8'), readFileSync('/proc/self/cgroup', 'utf8'));
    } catch {
      return undefined;
    }
    for (const base of bases) {
      const home = new CgroupHome(base, join(base, `tickwise-${self.pid}-${self.start}-${++lastHome}`));
      if (home.#isUsable()) {
        home.#removeStale();
        return home;
      }
    }
    return undefined;
  }

  /** The group of an id: this daemon's, which need not exist yet. */
  group(id: string): Cgroup | undefined {
    return NAME.test(id) ? new Cgroup(join(this.#path, id)) : undefined;
  }

  /** The groups of an id that exist, in the homes of all daemons that ever stood here. */
  existing(id: string): Cgroup[] {
    if (!NAME.test(id)) return [];
    return this.#homes()
      .map((home) => join(home, id))
      .filter((path) => existsSync(path))
      .map((path) => new Cgroup(path));
  }

  /** Removes this daemon's groups, as far as they are empty. */
  remove(): void {
    removeTree(this.#path);
  }

  #isUsable(): boolean {
    const probe = new Cgroup(join(this.#path, 'probe'));
    try {
      probe.create();
      return spawnSync('/bin/sh', ['-c', 'echo 0 > "$1"', 'sh', probe.entry], { stdio: 'ignore' }).status === 0;
    } catch {
      return false;
    } finally {
      probe.remove();
      // Stays if this process has groups there already.
      removeEmpty(this.#path);
    }
  }

  #homes(): string[] {
    return childrenOf(this.#base)
      .filter((name) => HOME.test(name))
      .map((name) => join(this.#base, name));
  }

  #removeStale(): void {
    for (const home of this.#homes()) {
      const [, pid, start] = HOME.exec(home.slice(this.#base.length).replace(/^\//, '')) ?? [];
      const owner = readProcess(Number(pid));
      if (owner === undefined || !isAlive(owner) || owner.start !== Number(start)) removeTree(home);
    }
  }
}

/** One group and those below it. */
export class Cgroup {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** The file that a process writes `0` to in order to enter. */
  get entry(): string {
    return join(this.path, 'cgroup.procs');
  }

  /** Makes it; harmless when it exists. @throws the error of the file system */
  create(): void {
    mkdirSync(this.path, { recursive: true });
  }

  /** @returns pids, those of groups that its processes made below it included */
  pids(): number[] {
    const pids = readOrEmpty(this.entry)
      .split('\n')
      .map(Number)
      .filter((pid) => pid > 0);
    return childrenOf(this.path).reduce((all, name) => all.concat(new Cgroup(join(this.path, name)).pids()), pids);
  }

  /** Whether anything in it or below it is alive; a group that does not exist holds nothing. @throws when the kernel does not say */
  isPopulated(): boolean {
    const events = readOrEmpty(join(this.path, 'cgroup.events'));
    return /^populated 1$/m.test(events);
  }

  /** SIGKILL to all at once, forks under way included. @returns `false` before Linux 5.14, which has no `cgroup.kill` */
  kill(): boolean {
    try {
      writeFileSync(join(this.path, 'cgroup.kill'), '1', { flag: 'r+' });
      return true;
    } catch {
      return false;
    }
  }

  /** Removes it and those below it, as far as they are empty. */
  remove(): void {
    removeTree(this.path);
  }
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch (error) {
    // ENODEV: removed between opening and reading.
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENODEV') return '';
    throw error;
  }
}

function childrenOf(path: string): string[] {
  try {
    return readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
  } catch {
    return [];
  }
}

function removeTree(path: string): void {
  for (const name of childrenOf(path)) removeTree(join(path, name));
  removeEmpty(path);
}

function removeEmpty(path: string): void {
  try {
    rmdirSync(path);
  } catch {
    // Populated, or gone already: both are seen by whoever asks for its processes.
  }
}
