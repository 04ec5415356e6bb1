/** A job each second whose work takes 2.5 s, in each isolation under each policy. */
import { join } from 'node:path';
import { OVERLAP_POLICIES } from '../../src/core/job.ts';
import type { LedgerReader, RunRecord, TickRecord } from '../../src/core/ledger.ts';
import { FIXTURES, type Site } from './daemon-process.ts';
import { overlaps, readEvidence } from './evidence.ts';

export const PLACES = ['inline', 'worker', 'process', 'command', 'shell'] as const;

/** What became of one job. */
export interface Verdict {
  readonly job: string;
  readonly ticks: readonly TickRecord[];
  readonly runs: number;
  readonly byState: Readonly<Record<string, number>>;
  /** Empty: never two live. */
  readonly overlaps: readonly string[];
  /** Empty: each due tick has one row, and what the job and the ledger say of runs agrees. */
  readonly unaccounted: readonly string[];
}

/** @returns the fifteen jobs of the drill; evidence lies beside the configuration. @param workMs what a run's work takes */
export function overlapJobs(site: Site, workMs = 2_500): Record<string, object> {
  const jobs: Record<string, object> = {};
  for (const place of PLACES) {
    for (const onOverlap of OVERLAP_POLICIES) {
      const name = `${place}-${onOverlap}`;
      jobs[name] = {
        schedule: '@every 1s',
        onOverlap,
        budget: '20s',
        grace: '3s',
        ...taskOf(place, site.file(`${name}.log`), workMs),
      };
    }
  }
  return jobs;
}

function taskOf(place: (typeof PLACES)[number], evidence: string, workMs: number): object {
  const script = join(FIXTURES, 'work.sh');
  const beats = String(Math.round(workMs / 50));
  if (place === 'command') return { task: { command: ['sh', script, evidence, beats] } };
  if (place === 'shell') return { task: { shell: `sh '${script}' '${evidence}' ${beats}` } };
  return { isolation: place, task: { module: join(FIXTURES, 'work.ts'), export: 'work', input: { evidence, workMs } } };
}

/** Judges one job after the daemon has ended. `from` and `to`: between these instants each second was due. */
export async function judgeJob(site: Site, ledger: LedgerReader, job: string, from: number, to: number): Promise<Verdict> {
  const witnessed = readEvidence(site.file(`${job}.log`));
  const ticks = (await ledger.ticks({ job, limit: 100_000 })).toReversed();
  const runs = await allRuns(ledger, job);
  const unaccounted: string[] = [];
  const decided = new Set(ticks.map(({ tick }) => tick));
  for (let tick = Math.ceil(from / 1_000) * 1_000; tick < to; tick += 1_000) {
    if (!decided.has(tick)) unaccounted.push(`the tick at ${new Date(tick).toISOString()} has no row`);
  }
  for (const { tick, outcome, runId } of ticks) {
    if (outcome === 'ran' && !runs.some((run) => run.id === runId))
      unaccounted.push(`the tick at ${tick} ran, and no run is of it`);
  }
  for (const { runId } of witnessed) {
    if (!runs.some((run) => run.id === runId)) unaccounted.push(`run ${runId} is not in the ledger`);
  }
  for (const run of runs) {
    // What waits behind the slot at a stop is started by the next daemon.
    if (run.endedAt === undefined && run.state !== 'queued') unaccounted.push(`run ${run.id} has no end`);
    if (run.state === 'succeeded' && witnessed.find(({ runId }) => runId === run.id)?.hasEnded !== true) {
      unaccounted.push(`run ${run.id} succeeded, and did not say so itself`);
    }
  }
  const byState: Record<string, number> = {};
  for (const { state } of runs) byState[state] = (byState[state] ?? 0) + 1;
  return { job, ticks, runs: witnessed.length, byState, overlaps: overlaps(witnessed), unaccounted };
}

/** @returns all runs of a job that the ledger keeps, newest first */
export async function allRuns(ledger: LedgerReader, job: string): Promise<RunRecord[]> {
  const runs: RunRecord[] = [];
  for (;;) {
    const after = runs.at(-1)?.id;
    const page = await ledger.runs({ job, limit: 1_000, ...(after === undefined ? {} : { after }) });
    runs.push(...page);
    if (page.length < 1_000) return runs;
  }
}
