/** The marks that processes carry in their environment, as of one reading of the process table: each environment is read once. */
import { isLoading, type ProcessInfo, readEnvironment } from './proc.ts';

/** What one look for marks says. */
export interface Marked {
  readonly found: readonly ProcessInfo[];
  /** No process was between two programs, when it shows nothing. */
  readonly isSure: boolean;
}

const PREFIX = 'TICKWISE_';
const NONE: ReadonlySet<string> = new Set();

/** To be asked at once after the reading that it belongs to. */
export class Marks {
  readonly #alive: readonly ProcessInfo[];
  readonly #known = new Map<number, ReadonlySet<string> | 'unknown'>();
  #carriers: ReadonlyMap<string, readonly ProcessInfo[]> | undefined;
  #isSure = true;

  /** @param alive of the reading */
  constructor(alive: readonly ProcessInfo[]) {
    this.#alive = alive;
  }

  /**
   * Whether a process carries one of these marks.
   *
   * @param marks environment entries, each as `NAME=value` with a name that begins with `TICKWISE_`
   * @returns `unknown` while it loads a program; one that may not be read, or is gone, carries none
   */
  has(pid: number, marks: readonly string[]): boolean | 'unknown' {
    const carried = this.#of(pid);
    return carried === 'unknown' ? carried : marks.some((mark) => carried.has(mark));
  }

  /** All processes but the kernel's and this one that carry one of these marks: one search, however many processes there are. */
  find(marks: readonly string[]): Marked {
    this.#carriers ??= this.#collect();
    const found = marks.flatMap((mark) => this.#carriers?.get(mark) ?? []);
    return { found, isSure: this.#isSure };
  }

  #collect(): Map<string, ProcessInfo[]> {
    const carriers = new Map<string, ProcessInfo[]>();
    for (const process of this.#alive) {
      if (process.isKernel || process.pid === globalThis.process.pid) continue;
      const carried = this.#of(process.pid);
      if (carried === 'unknown') this.#isSure = false;
      else for (const mark of carried) carriers.set(mark, [...(carriers.get(mark) ?? []), process]);
    }
    return carriers;
  }

  #of(pid: number): ReadonlySet<string> | 'unknown' {
    let carried = this.#known.get(pid);
    if (carried === undefined) this.#known.set(pid, (carried = marksOf(pid)));
    return carried;
  }
}

function marksOf(pid: number): ReadonlySet<string> | 'unknown' {
  const text = readEnvironment(pid);
  if (text === undefined) return NONE;
  if (text === '') return isLoading(pid) ? 'unknown' : NONE;
  if (!text.includes(PREFIX)) return NONE;
  return new Set(text.split('\0').filter((entry) => entry.startsWith(PREFIX)));
}
