/** Who holds each exclusive resource, in memory. */
import type { MemoryRun } from './memory-run.ts';

/** One holder for each name, by shape. */
export class MemoryResources {
  readonly #holders = new Map<string, MemoryRun>();

  /** The run holds these names from now on. */
  take(names: readonly string[], run: MemoryRun): void {
    if (names.length === 0) return;
    run.exclusive = names;
    for (const name of names) this.#holders.set(name, run);
  }

  /** The run has ended. */
  free(run: MemoryRun): void {
    for (const name of run.exclusive ?? []) this.#holders.delete(name);
  }

  /** @param own the job's own live run, which is the slot's business. @returns whether another run holds one of the names */
  areHeld(names: readonly string[], own: MemoryRun | undefined): boolean {
    return names.some((name) => {
      const holder = this.#holders.get(name);
      return holder !== undefined && holder !== own;
    });
  }
}
