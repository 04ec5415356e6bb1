/** Reading the ledger in memory. */
import type { JobName } from '../core/job.ts';
import type { LedgerReader, NodeIdentity, RunRecord } from '../core/ledger.ts';
import { type Entry, pageOfRuns, rangesOf, runsNewestFirst, slotState, tallyOf, ticksOf } from './memory-entry.ts';
import type { MemoryLog } from './memory-log.ts';
import type { MemoryRun } from './memory-run.ts';

const MOST_FOUND = 10;

/** What a store in memory answers; there is nothing to close. */
export type MemoryLedger = Omit<LedgerReader, typeof Symbol.asyncDispose> & { liveRuns(): Promise<readonly RunRecord[]> };

/**
 * The reads of a ledger in memory, each of the moment in which it is asked for.
 *
 * @param entries the jobs, as the store goes on changing them
 * @param node named by the granted runs
 * @param log of the same jobs
 * @returns reads that never reject
 */
export function createMemoryLedger(entries: ReadonlyMap<JobName, Entry>, node: NodeIdentity, log: MemoryLog): MemoryLedger {
  const record = (entry: Entry, run: MemoryRun): RunRecord =>
    run.record(entry.job, node, entry.checkpointOf === run.runId ? entry.checkpoint : undefined);
  const newestFirst = (job: JobName | undefined): [Entry, MemoryRun][] =>
    runsNewestFirst(job === undefined ? entries.values() : [entries.get(job)], job !== undefined);
  return {
    slots: async () => [...entries.values()].map(slotState).sort((a, b) => (a.job < b.job ? -1 : 1)),
    liveRuns: async () => {
      const live: RunRecord[] = [];
      for (const entry of entries.values()) if (entry.live !== undefined) live.push(record(entry, entry.live));
      return live.sort((a, b) => (a.id < b.id ? -1 : 1));
    },
    runs: async (query) => pageOfRuns(newestFirst(query.job), query).map(([entry, run]) => record(entry, run)),
    findRuns: async (idOrPart) => {
      const pairs = newestFirst(undefined);
      const exact = pairs.filter(([, run]) => run.runId === idOrPart);
      const found = exact.length > 0 ? exact : pairs.filter(([, run]) => run.runId.includes(idOrPart));
      return found.slice(0, MOST_FOUND).map(([entry, run]) => record(entry, run));
    },
    ticks: async (query) => ticksOf(entries.get(query.job), query),
    ranges: async (query) => rangesOf(entries.get(query.job), query),
    log: async (query) => log.read(query),
    checkpoint: async (job) => entries.get(job)?.checkpoint,
    tallies: async (job) => {
      const asked = [...entries.values()].filter((entry) => job === undefined || entry.job === job);
      return asked.map(tallyOf).sort((a, b) => (a.job < b.job ? -1 : 1));
    },
  };
}
