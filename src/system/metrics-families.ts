/** The metrics that every job has, as a table: what a scrape shows is read off here, and so is where each figure is kept. */
import { RUN_OUTCOMES, type RunOutcome } from '../core/run.ts';
import { STEP_BOUNDS_MS } from '../core/step-durations.ts';
import { MISS_REASONS, type MissReason, SKIP_REASONS, type SkipReason, type TickOutcome } from '../core/tick.ts';

/** One metric, with one or more series for each job. */
export interface Family {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  /** What follows the label `job`, one text for each series of a job; a histogram has one series. */
  readonly series: readonly string[];
  /** Of a histogram: the upper bounds of its buckets, ascending, `+Inf` left out. */
  readonly bounds: readonly number[];
  /** Where its figures begin in a row, and how many they are: one for each series; of a histogram the buckets, `+Inf`, and the sum. */
  readonly at: number;
  readonly width: number;
}

/** What made force due. */
export const FORCE_STAGES: readonly ['grace', 'hurry'] = ['grace', 'hurry'] as const;

const TICK_SERIES: readonly (readonly [TickOutcome, string])[] = [
  ['ran', ''],
  ...SKIP_REASONS.map((reason) => ['skipped', reason] as const),
  ...MISS_REASONS.map((reason) => ['missed', reason] as const),
  ['folded', ''],
];

type FamilyKey =
  | 'ticks'
  | 'runs'
  | 'live'
  | 'duration'
  | 'delay'
  | 'steps'
  | 'stepDuration'
  | 'lastSuccess'
  | 'lastEnd'
  | 'nextTick'
  | 'sinceSuccess'
  | 'budget'
  | 'blocked'
  | 'hardStops'
  | 'violations'
  | 'fenceRejections';

/** Of the families that have got their place so far. */
let width = 0;

/** Each of the metrics that have a label `job`. */
export const FAMILIES: Readonly<Record<FamilyKey, Family>> = {
  ticks: family('tickwise_ticks_total', 'counter', 'Ticks that fell due, by what became of them.', {
    series: TICK_SERIES.map(([outcome, reason]) => `,outcome="${outcome}",reason="${reason}"`),
  }),
  runs: family('tickwise_runs_total', 'counter', 'Runs that ended, by outcome.', {
    series: RUN_OUTCOMES.map((outcome) => `,outcome="${outcome}"`),
  }),
  live: family('tickwise_runs_live', 'gauge', 'Runs that hold the slot now: 0 or 1.'),
  duration: family('tickwise_run_duration_seconds', 'histogram', 'From the start of a run to its proved end.', {
    bounds: [0.01, 0.1, 0.5, 1, 5, 15, 60, 300, 900, 3_600, 21_600],
  }),
  delay: family(
    'tickwise_start_delay_seconds',
    'histogram',
    'From the tick to the start of its run, for runs of ticks that were live.',
    {
      bounds: [0.005, 0.02, 0.1, 0.5, 1, 5, 30, 300],
    },
  ),
  steps: family('tickwise_steps_total', 'counter', 'Steps that came back.'),
  stepDuration: family('tickwise_step_duration_seconds', 'histogram', 'How long steps took.', {
    bounds: STEP_BOUNDS_MS.map((boundMs) => boundMs / 1_000),
  }),
  lastSuccess: family(
    'tickwise_last_success_timestamp_seconds',
    'gauge',
    'When the newest successful run ended; 0: none is known.',
  ),
  lastEnd: family('tickwise_last_end_timestamp_seconds', 'gauge', 'When the newest run ended; 0: none is known.'),
  nextTick: family('tickwise_next_tick_timestamp_seconds', 'gauge', 'When the job falls due next; 0: never.'),
  sinceSuccess: family('tickwise_ticks_since_success', 'gauge', 'Ticks since the last success, those of a pause left out.'),
  budget: family('tickwise_budget_seconds', 'gauge', 'How long a run may go on starting steps.'),
  blocked: family('tickwise_blocked', 'gauge', '1 while a run was stopped by force and its end is not proved.'),
  hardStops: family(
    'tickwise_hard_stops_total',
    'counter',
    'Stops by force, by what made force due: the grace was over, or the shutdown was in a hurry.',
    {
      series: FORCE_STAGES.map((stage) => `,stage="${stage}"`),
    },
  ),
  violations: family(
    'tickwise_overlap_violations_total',
    'counter',
    'Promises seen broken: two live runs, or a fence that did not grow.',
  ),
  fenceRejections: family('tickwise_fence_rejections_total', 'counter', 'Writes that the store refused under a stale fence.'),
};

/** Figures of one job. */
export const ROW_WIDTH: number = width;

/** @returns where the figure of such ticks is in a row; `undefined` for a pair that does not exist */
export function placeOfTicks(outcome: TickOutcome, reason: SkipReason | MissReason | undefined): number | undefined {
  const index = TICK_SERIES.findIndex(([known, why]) => known === outcome && why === (reason ?? ''));
  return index < 0 ? undefined : FAMILIES.ticks.at + index;
}

/** @returns where the figure of such runs is in a row */
export function placeOfRuns(outcome: RunOutcome): number {
  return FAMILIES.runs.at + RUN_OUTCOMES.indexOf(outcome);
}

function family(
  name: string,
  type: Family['type'],
  help: string,
  { series = [''], bounds = [] }: Partial<Pick<Family, 'series' | 'bounds'>> = {},
): Family {
  const at = width;
  width += type === 'histogram' ? bounds.length + 2 : series.length;
  return { name, type, help, series, bounds, at, width: width - at };
}
