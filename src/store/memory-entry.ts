/** A job in memory: its slot and its past. */
import type { RangeDecision } from '../core/gate.ts';
import type { JobName } from '../core/job.ts';
import type { RangeRecord, RunQuery, Tally, TickQuery, TickRecord } from '../core/ledger.ts';
import type { CheckpointWrite, EndWrite, SpawnWrite, TickClaim } from '../core/store.ts';
import type { Horizon } from '../core/reliving.ts';
import type { QueuedRun, SlotState } from '../core/slot.ts';
import type { Instant } from '../core/time.ts';
import type { RunOutcome } from '../core/run.ts';
import { MISS_REASONS, SKIP_REASONS, TICK_OUTCOMES, type TickOutcome } from '../core/tick.ts';
import type { KeptKey } from './memory-keys.ts';
import type { MemoryLog } from './memory-log.ts';
import { type MemoryRun, Ring } from './memory-run.ts';
import { present } from './present.ts';
import { tickCount } from './tally.ts';

/** A job's slot and its past. It is handed to the gate as it is: the names are those of `SlotView`. */
export interface Entry {
  readonly job: JobName;
  decidedUntil: Instant;
  horizons: readonly Horizon[] | undefined;
  paused: boolean;
  fence: number;
  live: MemoryRun | undefined;
  /** Oldest first: by `queuedAt`, then id. */
  queued: readonly MemoryRun[];
  checkpoint: string | undefined;
  /** The run that saved the checkpoint. */
  checkpointOf: string | undefined;
  /** How the job's last run ended; a queued run that was withdrawn never ran. */
  lastOutcome: RunOutcome | undefined;
  /** What triggers' keys stand for, those that are to be looked at first in front. */
  keys: Map<string, KeptKey> | undefined;
  ended: Ring<MemoryRun> | undefined;
  ticks: Ring<TickRecord> | undefined;
  ranges: Ring<RangeRecord> | undefined;
  /** How many of what the rings have let go of: runs by outcome, ticks by reason or else by outcome. */
  dropped: Map<string, number> | undefined;
}

const NO_RUNS: readonly MemoryRun[] = [];

/**
 * @param job the name
 * @param now from here on its ticks are to be decided
 * @returns a free slot without a past
 */
export function newEntry(job: JobName, now: Instant): Entry {
  return {
    job,
    decidedUntil: now,
    horizons: undefined,
    paused: false,
    fence: 0,
    live: undefined,
    queued: NO_RUNS,
    checkpoint: undefined,
    checkpointOf: undefined,
    lastOutcome: undefined,
    keys: undefined,
    ended: undefined,
    ticks: undefined,
    ranges: undefined,
    dropped: undefined,
  };
}

/** Puts a run behind the slot; the queue stays in order of entry. */
export function enqueue(entry: Entry, run: MemoryRun): void {
  entry.queued = [...entry.queued, run].sort((a, b) => a.queuedAt - b.queuedAt || (a.runId < b.runId ? -1 : 1));
}

/**
 * Ends the live run under its fence, or withdraws a queued one.
 *
 * @param log told of the run that leaves the job's past
 * @returns the run; `undefined`: refused, for the slot is not held under that fence, or the queued run is gone
 */
export function endRun(entry: Entry, end: EndWrite, log: MemoryLog): MemoryRun | undefined {
  const run = end.fence === undefined ? entry.queued.find(({ runId }) => runId === end.runId) : entry.live;
  if (run === undefined || run.runId !== end.runId) return undefined;
  if (end.fence === undefined) entry.queued = entry.queued.filter((queued) => queued !== run);
  else if (run.fence === end.fence) entry.live = undefined;
  else return undefined;
  run.end = end;
  if (end.fence !== undefined && end.outcome !== 'cancelled') entry.lastOutcome = end.outcome;
  if (end.checkpoint !== undefined) {
    setCheckpoint(entry, end.checkpoint, end.runId);
    // The job has it now; a history of a thousand runs need not hold a thousand of them.
    run.end = { ...end, checkpoint: undefined };
  }
  const oldest = (entry.ended ??= new Ring(run.keep)).push(run);
  if (oldest !== undefined) {
    count((entry.dropped ??= new Map()), oldest.state());
    log.left(oldest);
  }
  return run;
}

/** Keeps what the live run has saved. @returns `false`: refused, for the slot is not held under that fence */
export function saveRun(entry: Entry, write: CheckpointWrite): boolean {
  const run = entry.live;
  if (run === undefined || run.runId !== write.runId || run.fence !== write.fence) return false;
  run.steps = write.steps;
  if (write.progress !== undefined) run.progress = write.progress;
  if (write.checkpoint !== undefined) setCheckpoint(entry, write.checkpoint, write.runId);
  return true;
}

/** Keeps the process of the live run; a write under a stale fence changes nothing. */
export function keepProcess(entry: Entry, write: SpawnWrite): void {
  const run = entry.live;
  if (run !== undefined && run.runId === write.runId && run.fence === write.fence) run.process = write.process;
}

/** @returns the slot as the store reports it */
export function slotState(entry: Entry): SlotState {
  const { job, decidedUntil, horizons, paused, fence, live, queued } = entry;
  const waiting: QueuedRun[] = queued.map(({ runId, cause }) => ({ runId, cause }));
  const holder = live === undefined ? undefined : { runId: live.runId };
  return { job, fence, decidedUntil, horizons, paused, live: holder, queued: waiting };
}

/** The clock was set back: the slot goes back with it, if it is decided until where the claim takes it to be. */
export function rewind(entry: Entry, { rewind: asked, dueTicks }: TickClaim): void {
  if (asked === undefined || dueTicks.length === 0 || entry.decidedUntil !== asked.horizon.until) return;
  entry.decidedUntil = asked.to;
  entry.horizons = [...(entry.horizons ?? []), asked.horizon];
}

/** A range joins the job's past, and the oldest may leave it. */
export function keepRange(
  entry: Entry,
  { range, outcome, reason, into }: RangeDecision,
  claim: TickClaim,
  decidedAt: Instant,
): void {
  const { schedules, history } = claim.job;
  const horizons = claim.horizons?.length === 0 ? undefined : claim.horizons;
  const record = { job: entry.job, ...range, outcome, reason, runId: into, schedules, horizons, decidedAt };
  (entry.ranges ??= new Ring(history.maxRunsPerJob)).push(present<RangeRecord>(record));
}

/** A tick joins the job's past, and the oldest may leave it. */
export function keepTick(entry: Entry, tick: TickRecord, limit: number): void {
  const oldest = (entry.ticks ??= new Ring(limit)).push(tick);
  if (oldest !== undefined) count((entry.dropped ??= new Map()), oldest.reason ?? oldest.outcome);
}

/** @returns live, queued and kept runs: by their entry into the ledger if asked for, else by id */
export function runsNewestFirst(entries: Iterable<Entry | undefined>, byEntry: boolean): [Entry, MemoryRun][] {
  const pairs: [Entry, MemoryRun][] = [];
  for (const entry of entries) {
    if (entry === undefined) continue;
    for (const run of [...entry.queued, entry.live, ...(entry.ended?.values() ?? [])])
      if (run !== undefined) pairs.push([entry, run]);
  }
  return pairs.sort(([, a], [, b]) => (byEntry ? b.entered - a.entered : a.runId < b.runId ? 1 : -1));
}

/** @returns the runs of a page, out of all of them newest first */
export function pageOfRuns(pairs: readonly [Entry, MemoryRun][], query: RunQuery): (readonly [Entry, MemoryRun])[] {
  const { from = -Infinity, to = Infinity, after, state } = query;
  const start = after === undefined ? 0 : pairs.findIndex(([, run]) => run.runId === after) + 1;
  if (start === 0 && after !== undefined) return [];
  return pairs
    .slice(start)
    .filter(([, run]) => run.tick >= from && run.tick < to && (state === undefined || run.state() === state))
    .slice(0, query.limit);
}

/** @returns the rows that a query asks for, newest first */
export function ticksOf(entry: Entry | undefined, query: TickQuery): TickRecord[] {
  const { from = -Infinity, to = Infinity } = query;
  const rows = (entry?.ticks?.values() ?? []).filter(({ tick }) => tick >= from && tick < to);
  return rows.sort((a, b) => b.tick - a.tick).slice(0, query.limit);
}

/** @returns the ranges that reach into the time of a query, newest first */
export function rangesOf(entry: Entry | undefined, query: TickQuery): RangeRecord[] {
  const { from = -Infinity, to = Infinity } = query;
  const ranges = (entry?.ranges?.values() ?? []).filter((range) => range.to >= from && range.from + 1 < to);
  return ranges.sort((a, b) => b.to - a.to).slice(0, query.limit);
}

/** @returns what has happened to the job so far */
export function tallyOf(entry: Entry): Tally {
  const counts = new Map(entry.dropped);
  for (const tick of entry.ticks?.values() ?? []) count(counts, tick.reason ?? tick.outcome);
  for (const run of entry.ended?.values() ?? []) count(counts, run.state());
  const ticks: Tally['ticks'][number][] = [];
  const runs: Tally['runs'][number][] = [];
  for (const [key, times] of counts) {
    const outcome = tickOutcomeOf(key);
    if (outcome === undefined) runs.push({ outcome: key as RunOutcome, count: times });
    else ticks.push(tickCount(outcome, key === outcome ? '' : key, times));
  }
  return { job: entry.job, ticks, runs };
}

/** `null` clears it. */
function setCheckpoint(entry: Entry, checkpoint: string | null, runId: string): void {
  entry.checkpoint = checkpoint ?? undefined;
  entry.checkpointOf = checkpoint === null ? undefined : runId;
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/** No word is an outcome of runs and a reason or outcome of ticks at once. */
function tickOutcomeOf(key: string): TickOutcome | undefined {
  if ((SKIP_REASONS as readonly string[]).includes(key)) return 'skipped';
  if ((MISS_REASONS as readonly string[]).includes(key)) return 'missed';
  return TICK_OUTCOMES.find((outcome) => outcome === key);
}
