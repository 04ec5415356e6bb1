/** Where metrics go on from: what the ledger has counted, so that a restart looks neither like a new job nor like an alert that is over. */
import type { Job, JobName } from '../core/job.ts';
import type { LedgerReader, RangeRecord, Tally, TickRecord } from '../core/ledger.ts';
import type { Instant } from '../core/time.ts';

/** What the ledger knows of a job's newest runs; absent: there is none. */
export interface LastEnds {
  readonly job: JobName;
  readonly endedAt?: Instant | undefined;
  readonly succeededAt?: Instant | undefined;
  /** Ticks that led to runs which are no success, since that one; at most 10. */
  readonly ticksSince?: number | undefined;
}

/** Counters and gauges go on from these. */
export interface MetricsSeed {
  readonly tallies?: readonly Tally[] | undefined;
  /** Tallies leave out the ticks of these. */
  readonly ranges?: readonly RangeRecord[] | undefined;
  readonly lastEnds?: readonly LastEnds[] | undefined;
}

/** A job has few: one for each long downtime that its history still holds. */
const MOST_RANGES = 100;
/** Looked at for the newest end and the newest success: a job whose last two failed is in trouble already. */
const MOST_RUNS = 10;

/** Jobs whose runs are looked at: 0.5 ms each. Those beyond, in the order of the configuration, show no last end until they have one. */
const MOST_READ = 1_000;

/**
 * Reads the seed. To be called before the first event; it holds the start of the daemon up, by less than a second.
 *
 * @param ledger of the store that the daemon has opened
 * @param jobs as configured
 * @returns what `createMetrics` goes on from
 * @throws TickwiseError `STORE_UNUSABLE`
 */
export async function readSeed(ledger: LedgerReader, jobs: readonly Job[]): Promise<MetricsSeed> {
  const known = new Set((await ledger.slots()).map(({ job }) => job));
  const ranges: RangeRecord[] = [];
  const lastEnds: LastEnds[] = [];
  for (const { name: job } of jobs) {
    if (!known.has(job)) continue;
    ranges.push(...(await ledger.ranges({ job, limit: MOST_RANGES })));
    if (lastEnds.length < MOST_READ) lastEnds.push(await readLastEnds(ledger, job));
  }
  return { tallies: await ledger.tallies(), ranges, lastEnds };
}

/**
 * Whether a tick asks for a success. Those that somebody wanted to lead nowhere do not.
 *
 * @param reason why it led to no run, if it did not
 * @returns `false` for ticks of a pause, of a shutdown and of other nodes
 */
export function asksForSuccess(reason: TickRecord['reason']): boolean {
  return reason !== 'paused' && reason !== 'draining' && reason !== 'unmatched';
}

async function readLastEnds(ledger: LedgerReader, job: JobName): Promise<LastEnds> {
  const runs = await ledger.runs({ job, limit: MOST_RUNS });
  const ended = runs.filter((run) => run.endedAt !== undefined);
  const success = runs.findIndex(({ state }) => state === 'succeeded');
  const succeededAt = success < 0 ? await findSuccess(ledger, job, runs.length) : runs[success]?.endedAt;
  const since = success < 0 ? runs : runs.slice(0, success);
  return { job, endedAt: ended[0]?.endedAt, succeededAt, ticksSince: since.filter(({ cause }) => cause !== 'trigger').length };
}

async function findSuccess(ledger: LedgerReader, job: JobName, looked: number): Promise<Instant | undefined> {
  if (looked < MOST_RUNS) return undefined;
  const [newest] = await ledger.runs({ job, state: 'succeeded', limit: 1 });
  return newest?.endedAt;
}
