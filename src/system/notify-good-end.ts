/** What the ledger knows of a job that may be overdue. */
import type { JobName } from '../core/job.ts';
import type { LedgerReader } from '../core/ledger.ts';
import type { Instant } from '../core/time.ts';

/** What is read of the ledger. */
export type GoodEndLedger = Pick<LedgerReader, 'runs' | 'ticks'>;

/** As far back as the oldest trace of a job without a good end is looked for. */
const MOST_TRACES = 1_000;
/** Older ticks say nothing: with so many after them the job is overdue in any case. */
const MOST_RECENT = 10;

/**
 * When a job last ended well.
 *
 * @returns the instant; `undefined` when the ledger holds no good end of it
 * @throws what the ledger throws
 */
export async function lastGoodEndOf(job: JobName, ledger: GoodEndLedger): Promise<Instant | undefined> {
  const succeeded = await ledger.runs({ job, state: 'succeeded', limit: 1 });
  const unfinished = await ledger.runs({ job, state: 'unfinished', limit: 1 });
  const ends = [...succeeded, ...unfinished].map(({ endedAt }) => endedAt ?? -Infinity);
  return ends.length === 0 ? undefined : Math.max(...ends);
}

/**
 * From when a job's ticks count: its last good end, or a later tick that was not meant to run. A job without a good end was armed when
 * its oldest run or tick fell due, or later.
 *
 * @param lastGoodEnd as {@link lastGoodEndOf} gave it
 * @returns the instant; `undefined` when the ledger knows nothing of the job
 * @throws what the ledger throws
 */
export async function countsFrom(
  job: JobName,
  lastGoodEnd: Instant | undefined,
  ledger: GoodEndLedger,
): Promise<Instant | undefined> {
  const ticks = await ledger.ticks({ job, limit: lastGoodEnd === undefined ? MOST_TRACES : MOST_RECENT });
  const idle = ticks.find(({ reason }) => reason === 'paused' || reason === 'unmatched')?.tick;
  if (lastGoodEnd !== undefined || idle !== undefined) return Math.max(lastGoodEnd ?? -Infinity, idle ?? -Infinity);
  const runs = await ledger.runs({ job, limit: MOST_TRACES });
  const oldest = Math.min(ticks.at(-1)?.tick ?? Infinity, runs.at(-1)?.tick ?? Infinity);
  return oldest === Infinity ? undefined : oldest;
}
