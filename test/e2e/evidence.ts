/** Judges what jobs wrote about themselves. */
import { existsSync, readFileSync } from 'node:fs';

/** One run by its own words; seconds by a monotonic clock. */
export interface Witnessed {
  readonly runId: string;
  readonly pids: readonly number[];
  readonly from: number;
  readonly until: number;
  readonly hasEnded: boolean;
}

/** Reads a file of evidence. @returns runs in the order of their first words */
export function readEvidence(file: string): Witnessed[] {
  const runs = new Map<string, { runId: string; pids: number[]; from: number; until: number; hasEnded: boolean }>();
  for (const line of existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : []) {
    const [what, runId = '', pidText, secondsText] = line.split(' ');
    const seconds = Number(secondsText);
    if (line === '' || Number.isNaN(seconds)) continue;
    const run = runs.get(runId) ?? { runId, pids: [], from: seconds, until: seconds, hasEnded: false };
    runs.set(runId, run);
    run.from = Math.min(run.from, seconds);
    run.until = Math.max(run.until, seconds);
    if (what === 'end') run.hasEnded = true;
    if (!run.pids.includes(Number(pidText))) run.pids.push(Number(pidText));
  }
  return [...runs.values()];
}

/** @returns a line for each run whose first words came before the last words of an earlier one */
export function overlaps(runs: readonly Witnessed[]): string[] {
  const found: string[] = [];
  let longest: Witnessed | undefined;
  for (const run of runs.toSorted((one, other) => one.from - other.from)) {
    if (longest !== undefined && longest.until > run.from) {
      found.push(`${run.runId} began at ${run.from} s, and ${longest.runId} was alive at ${longest.until} s`);
    }
    if (longest === undefined || run.until > longest.until) longest = run;
  }
  return found;
}
