/** Was any finished step forgotten? A walk numbers its steps for ever, so a number that comes again is a step that was repeated. */
import type { Note } from './evidence.ts';
import type { RunRow } from './ledger.ts';

/** What was found in one walk. */
export interface WalkVerdict {
  readonly finished: number;
  /** Finished steps that were begun again. */
  readonly repeated: number;
  /** Most of those after one crash. */
  readonly mostAtOnce: number;
  /** Steps that a crash cut short, and that were begun again: the work of a crash, not a loss. */
  readonly cutShort: number;
  /** Lines: finished steps that came again without a crash; more than one of them after a crash; steps left out. */
  readonly lost: readonly string[];
  readonly beyondOne: readonly string[];
}

/** Ends in which a step's last word may not have been heard: its process was stopped by force, or its daemon died. */
const ROUGH_ENDS = ['lost', 'killed', 'timedOut', 'cancelled'];

/**
 * Follows a walk.
 *
 * @param notes of one job, by time
 * @param runs its rows
 */
export function judgeWalk(job: string, notes: readonly Note[], runs: readonly RunRow[]): WalkVerdict {
  const outcomes = new Map(runs.map(({ id, outcome }) => [id, outcome]));
  const lost: string[] = [];
  const beyondOne: string[] = [];
  let finished = 0;
  let repeated = 0;
  let mostAtOnce = 0;
  let cutShort = 0;
  let last: { readonly n: number; hasEnded: boolean; readonly run: string } | undefined;
  for (const { event, n, run } of notes) {
    if (event === 'end' && last?.n === n && last.run === run) {
      last.hasEnded = true;
      finished++;
    }
    if (event !== 'start') continue;
    const due: number = last === undefined ? 1 : last.hasEnded ? last.n + 1 : last.n;
    const back = due - n;
    if (last !== undefined && !last.hasEnded && back >= 0) cutShort++;
    if (back < 0) lost.push(`${job}: step ${n} of run ${run} came where step ${due} was due`);
    if (back > 0) {
      const wasRough = last?.run !== run && ROUGH_ENDS.includes(outcomes.get(last?.run ?? '') ?? 'lost');
      const how = `${job}: run ${run} began at step ${n}; run ${last?.run} (${outcomes.get(last?.run ?? '')}) had finished step ${due - 1}`;
      repeated += back;
      mostAtOnce = Math.max(mostAtOnce, back);
      if (!wasRough) lost.push(how);
      else if (back > 1) beyondOne.push(how);
    }
    last = { n, hasEnded: false, run };
  }
  return { finished, repeated, mostAtOnce, cutShort, lost, beyondOne };
}
