/** Does the ledger know each tick that fell due, once, and each run that gave evidence; and the other way round? */
import type { Note } from './evidence.ts';
import type { RangeRow, RunRow, TickRow } from './ledger.ts';

/** Wall-clock instants as the daemon saw them. */
export interface Span {
  /** The first daemon was up, so all later ticks are its affair. */
  readonly upAt: number;
  /** Ticks up to here were due long enough before the end. */
  readonly settledAt: number;
  /** The latest instant that the daemon's clock ever showed. */
  readonly latestAt: number;
}

/** Lists the ticks that share rows, by the same arithmetic. */
export function ticksOf(ranges: readonly RangeRow[], everyMs: number): TickRow[] {
  return ranges.flatMap(({ job, after, to, outcome, reason, run }) => {
    const first = Math.floor(after / everyMs) + 1;
    const count = Math.max(0, Math.floor(to / everyMs) - first + 1);
    return Array.from({ length: count }, (_, index) => ({ job, tick: (first + index) * everyMs, outcome, reason, run }));
  });
}

/**
 * Compares the ticks of one job with arithmetic: an interval is anchored to the epoch, so each multiple of it is a tick.
 *
 * @returns a line for each tick without a row, and for each row that is no tick
 */
export function tickFaults(
  job: string,
  everyMs: number,
  rows: readonly TickRow[],
  { upAt, settledAt, latestAt }: Span,
): string[] {
  const known = new Set(rows.map(({ tick }) => tick));
  const faults: string[] = [];
  for (let tick = (Math.floor(upAt / everyMs) + 1) * everyMs; tick <= settledAt; tick += everyMs) {
    if (!known.has(tick)) faults.push(`${job}: tick ${tick} has no row`);
  }
  if (known.size !== rows.length) faults.push(`${job}: ${rows.length - known.size} ticks have more than one row`);
  for (const { tick } of rows) {
    if (tick % everyMs !== 0) faults.push(`${job}: tick ${tick} is no multiple of ${everyMs} ms`);
    if (tick > latestAt) faults.push(`${job}: tick ${tick} was decided before it was due`);
  }
  return faults;
}

/**
 * Compares ticks with runs, and runs with their evidence.
 *
 * @returns lines: ticks that ran twice; runs without a row; rows that claim what nobody saw
 */
export function runFaults(
  job: string,
  {
    notes,
    ticks,
    runs,
  }: { readonly notes: readonly Note[]; readonly ticks: readonly TickRow[]; readonly runs: readonly RunRow[] },
): { doubles: string[]; unknown: string[]; untrue: string[] } {
  return {
    doubles: doublesIn(job, notes),
    unknown: unknownIn(job, notes, new Map(runs.map((run) => [run.id, run]))),
    untrue: untrueIn(job, notes, ticks, runs),
  };
}

/** A tick that ran under two ids, a run under two fences, a step that was begun twice within an attempt. */
function doublesIn(job: string, notes: readonly Note[]): string[] {
  const faults: string[] = [];
  const runOf = new Map<number, string>();
  const fenceOf = new Map<string, number>();
  const steps = new Set<string>();
  let highest = 0;
  for (const { event, run, tick, fence, attempt, step } of notes) {
    if (event !== 'start') continue;
    if (tick !== undefined && (runOf.get(tick) ?? run) !== run)
      faults.push(`${job}: tick ${tick} ran as ${runOf.get(tick)} and as ${run}`);
    if (tick !== undefined) runOf.set(tick, run);
    if ((fenceOf.get(run) ?? fence) !== fence) faults.push(`${job}: run ${run} had fences ${fenceOf.get(run)} and ${fence}`);
    fenceOf.set(run, fence);
    const key = `${run} ${attempt} ${step}`;
    if (steps.has(key)) faults.push(`${job}: step ${step} of run ${run}, attempt ${attempt}, began twice`);
    steps.add(key);
    if (fence < highest) faults.push(`${job}: run ${run} began with fence ${fence} after fence ${highest}`);
    highest = Math.max(highest, fence);
  }
  return faults;
}

function unknownIn(job: string, notes: readonly Note[], rows: ReadonlyMap<string, RunRow>): string[] {
  const faults = new Set<string>();
  for (const { run, fence, tick } of notes) {
    const row = rows.get(run);
    if (row === undefined) faults.add(`${job}: run ${run} gave evidence and has no row`);
    else if (row.fence !== fence) faults.add(`${job}: run ${run} had fence ${fence}; the ledger says ${row.fence}`);
    else if (tick !== undefined && row.tick !== tick)
      faults.add(`${job}: run ${run} was for tick ${tick}; the ledger says ${row.tick}`);
  }
  return [...faults];
}

function untrueIn(job: string, notes: readonly Note[], ticks: readonly TickRow[], runs: readonly RunRow[]): string[] {
  const faults: string[] = [];
  const ended = new Set(notes.filter(({ event }) => event === 'end').map(({ run }) => run));
  const ids = new Set(runs.map(({ id }) => id));
  for (const { id, outcome, fence, ended_at, queued_at, tick } of runs) {
    if (outcome === 'succeeded' && !ended.has(id)) faults.push(`${job}: run ${id} succeeded, and nobody saw its end`);
    if (fence !== null && ended_at === null) faults.push(`${job}: run ${id} is live in the ledger, and the daemon has stopped`);
    // Not by its grant: a run that waited may be granted after the clock stepped back.
    if (queued_at < tick) faults.push(`${job}: run ${id} was decided ${tick - queued_at} ms before its tick`);
  }
  for (const { tick, outcome, run } of ticks) {
    if ((outcome === 'ran' || outcome === 'folded') && (run === null || !ids.has(run))) {
      faults.push(`${job}: tick ${tick} ${outcome} with run ${run}, which has no row`);
    }
  }
  return faults;
}
