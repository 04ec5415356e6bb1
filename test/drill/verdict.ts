/** Everything that is judged after a drill, from evidence and ledger alone. */
import type { Burial, Life } from './daemon.ts';
import { type Note, readEvidence } from './evidence.ts';
import type { DrillJob } from './jobs.ts';
import { overlapsIn } from './judge-overlaps.ts';
import { judgeRecovery, type Recovery, spread } from './judge-recovery.ts';
import { runFaults, type Span, tickFaults, ticksOf } from './judge-ticks.ts';
import { judgeWalk } from './judge-walks.ts';
import type { Ledger } from './ledger.ts';

/** What the drill saw, beside evidence and ledger. */
export interface Seen {
  readonly dir: string;
  readonly jobs: Readonly<Record<string, DrillJob>>;
  readonly uptimeAheadMs: number;
  readonly span: Span;
  readonly lives: readonly Life[];
  readonly burials: readonly Burial[];
  /** Of disturbances that make a recovery slower than it is by itself. */
  readonly spans: readonly { readonly from: number; readonly to: number }[];
  /** How the daemon ended, and what lived after it. */
  readonly endFaults: readonly string[];
}

/** Each kind of fault with its rows; all must be empty. */
export type Faults = Readonly<Record<(typeof FAULT_KINDS)[number], readonly string[]>>;
export const FAULT_KINDS = [
  'overlaps',
  'double ticks',
  'ticks without a row',
  'runs without a row',
  'rows that are not true',
  'lost checkpoints',
  'crashes that repeated more than one step',
  'recoveries of over 10 s',
  'faults of the end',
] as const;

/** Figures for people. */
export interface Verdict {
  readonly faults: Faults;
  readonly figures: Readonly<Record<string, number | string>>;
  /** For each job. */
  readonly table: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly recoveries: readonly Recovery[];
}

/** SPEC: a run of a dead daemon is proved dead within so long of the next start. */
const LONGEST_BURIAL_MS = 10_000;

/**
 * Judges a drill.
 *
 * @param ledger read after the daemon has gone
 */
export function judge(seen: Seen, ledger: Ledger): Verdict {
  const faults = Object.fromEntries(FAULT_KINDS.map((kind) => [kind, [] as string[]])) as Record<keyof Faults, string[]>;
  const table: Record<string, Record<string, number>> = {};
  const groups = new Map<string, Note[][]>();
  const all: Note[] = [];
  const walked = { finished: 0, repeated: 0, mostAtOnce: 0, cutShort: 0 };
  for (const [job, { everyMs, walks, exclusive }] of Object.entries(seen.jobs)) {
    const { notes, broken } = readEvidence(seen.dir, job, seen.uptimeAheadMs);
    const runs = ledger.runs.filter((run) => run.job === job);
    const ranges = ledger.ranges.filter((range) => range.job === job);
    const ticks = [...ledger.ticks.filter((tick) => tick.job === job), ...ticksOf(ranges, everyMs)];
    all.push(...notes);
    if (exclusive !== undefined) groups.set(exclusive, [...(groups.get(exclusive) ?? []), notes]);
    faults['overlaps'].push(...overlapsIn([notes]));
    faults['ticks without a row'].push(...tickFaults(job, everyMs, ticks, seen.span));
    const found = runFaults(job, { notes, ticks, runs });
    faults['double ticks'].push(...found.doubles);
    faults['runs without a row'].push(...found.unknown);
    faults['rows that are not true'].push(
      ...found.untrue,
      ...broken.map((text) => `${job}: evidence that cannot be read: ${text}`),
    );
    if (walks === true) {
      const walk = judgeWalk(job, notes, runs);
      faults['lost checkpoints'].push(...walk.lost);
      faults['crashes that repeated more than one step'].push(...walk.beyondOne);
      for (const key of ['finished', 'repeated', 'cutShort'] as const) walked[key] += walk[key];
      walked.mostAtOnce = Math.max(walked.mostAtOnce, walk.mostAtOnce);
    }
    table[job] = rowOf(notes, ticks, runs);
  }
  for (const notes of groups.values()) {
    const known = new Set(faults['overlaps']);
    faults['overlaps'].push(...overlapsIn(notes).filter((line) => !known.has(line)));
  }
  const slow = seen.burials.filter(({ afterMs, at }) => afterMs > LONGEST_BURIAL_MS && isCalm(at - afterMs, at, seen.spans));
  faults['recoveries of over 10 s'].push(
    ...slow.map(({ job, runId, afterMs }) => `${job}: run ${runId} was declared lost ${Math.round(afterMs)} ms after the start`),
  );
  faults['faults of the end'].push(...seen.endFaults);
  if (ledger.integrity !== 'ok') faults['faults of the end'].push(`the ledger is damaged: ${ledger.integrity}`);
  const { recoveries, cutShort } = judgeRecovery(seen.lives, all, ledger.runs, seen.spans);
  const calm = recoveries.filter((recovery) => recovery.isCalm);
  const figures = {
    'runs that gave evidence': new Set(all.map(({ job, run }) => `${job} ${run}`)).size,
    'lines of evidence': all.length,
    'ticks in the ledger': Object.values(table).reduce((sum, row) => sum + (row['ticks'] ?? 0), 0),
    'runs in the ledger': ledger.runs.length,
    'steps with checkpoints finished': walked.finished,
    'finished steps repeated after a crash': walked.repeated,
    'most of them after one crash': walked.mostAtOnce,
    'steps that a crash cut short': walked.cutShort,
    'kill to first new run, ms (p50/p99/max)': told(recoveries.map(({ tookMs }) => tookMs)),
    'the same, nothing else disturbed, ms': told(calm.map(({ tookMs }) => tookMs)),
    'kills followed by the next before a run began': cutShort,
    'start to the proof of a lost run, ms': told(seen.burials.map(({ afterMs }) => afterMs)),
  };
  return { faults, figures, table, recoveries };
}

function isCalm(from: number, to: number, spans: Seen['spans']): boolean {
  return !spans.some((span) => span.from < to && span.to > from);
}

function told(values: readonly number[]): string {
  const found = spread(values);
  return found === undefined ? 'none' : `${found.p50}/${found.p99}/${found.max} (${values.length})`;
}

function rowOf(notes: readonly Note[], ticks: Ledger['ticks'], runs: Ledger['runs']): Record<string, number> {
  const ticked = (outcome: string): number => ticks.filter((tick) => tick.outcome === outcome).length;
  const ended = (...outcomes: readonly string[]): number => runs.filter((run) => outcomes.includes(run.outcome ?? '')).length;
  return {
    ticks: ticks.length,
    ran: ticked('ran'),
    skipped: ticked('skipped'),
    folded: ticked('folded'),
    missed: ticked('missed'),
    witnessed: new Set(notes.map(({ run }) => run)).size,
    succeeded: ended('succeeded'),
    unfinished: ended('unfinished'),
    stopped: ended('killed', 'timedOut', 'cancelled'),
    failed: ended('failed'),
    lost: ended('lost'),
  };
}
