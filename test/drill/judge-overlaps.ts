/** Were two runs live at once, by what they wrote themselves? */
import type { Note } from './evidence.ts';

/** A run from its first word to its last. */
export interface Interval {
  readonly job: string;
  readonly run: string;
  readonly from: number;
  until: number;
  blurMs: number;
}

/** @param notes of one job, by time */
export function intervalsOf(notes: readonly Note[]): Interval[] {
  const intervals = new Map<string, Interval>();
  for (const { job, run, at, blurMs } of notes) {
    const known = intervals.get(run);
    if (known === undefined) intervals.set(run, { job, run, from: at, until: at, blurMs });
    else known.until = Math.max(known.until, at);
  }
  return [...intervals.values()];
}

/**
 * Finds overlaps, by time and by locks that were found taken.
 *
 * @param notes of jobs none of which may be live beside another: of one job, or of all that share a resource
 * @returns a line for each run that began too early
 */
export function overlapsIn(notes: readonly (readonly Note[])[]): string[] {
  const found = new Map<string, string>();
  for (const { event, job, run, at, pid } of notes.flat()) {
    if (event === 'taken')
      found.set(`${job} ${run}`, `${job}: run ${run} (pid ${pid}) found its lock taken at ${at.toFixed(1)} ms`);
  }
  let longest: Interval | undefined;
  for (const next of notes.flatMap(intervalsOf).toSorted((one, other) => one.from - other.from)) {
    if (longest !== undefined && longest.until - longest.blurMs > next.from + next.blurMs) {
      const earlier = `${longest.job} ${longest.run} was live at ${longest.until.toFixed(1)} ms`;
      found.set(`${next.job} ${next.run}`, `${next.job}: run ${next.run} began at ${next.from.toFixed(1)} ms, and ${earlier}`);
    }
    if (longest === undefined || next.until > longest.until) longest = next;
  }
  return [...found.values()];
}
