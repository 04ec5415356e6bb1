/** The lines of runs in memory. They hang on their runs and leave with them. */
import type { JobName } from '../core/job.ts';
import type { LedgerReader } from '../core/ledger.ts';
import type { LogLine, LogWrite } from '../core/log-line.ts';
import { type Entry, runsNewestFirst } from './memory-entry.ts';
import type { MemoryRun } from './memory-run.ts';

/** See the head of this file. */
export class MemoryLog {
  readonly #entries: ReadonlyMap<JobName, Entry>;
  /** Runs by id, from the first lines on: a store that is never given any pays nothing for it. */
  #runs: Map<string, MemoryRun> | undefined;

  /** @param entries the jobs, as the store goes on changing them */
  constructor(entries: ReadonlyMap<JobName, Entry>) {
    this.#entries = entries;
  }

  /** A run enters the ledger. */
  entered(run: MemoryRun): void {
    this.#runs?.set(run.runId, run);
  }

  /** A run has left the ledger. */
  left(run: MemoryRun): void {
    this.#runs?.delete(run.runId);
  }

  /** @see Store.appendLog */
  append(writes: readonly LogWrite[]): void {
    const runs = (this.#runs ??= this.#index());
    for (const { runId, lines, drop } of writes) {
      const run = runs.get(runId);
      if (run === undefined) continue;
      const known = new Set(run.lines?.map(({ seq }) => seq));
      const all = [...(run.lines ?? []), ...lines.filter(({ seq }) => !known.has(seq))];
      run.lines = all.filter(({ seq }) => drop === undefined || seq < drop.from || seq > drop.to).sort((a, b) => a.seq - b.seq);
    }
  }

  /** @see LedgerReader.log */
  read({ runId, after = 0, limit }: Parameters<LedgerReader['log']>[0]): readonly LogLine[] {
    const lines = this.#runs?.get(runId)?.lines ?? [];
    return lines.filter(({ seq }) => seq > after).slice(0, limit);
  }

  #index(): Map<string, MemoryRun> {
    return new Map(runsNewestFirst(this.#entries.values(), false).map(([, run]) => [run.runId, run]));
  }
}
