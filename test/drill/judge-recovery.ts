/** How long nothing began after a kill. */
import type { Life } from './daemon.ts';
import type { Note } from './evidence.ts';
import type { RunRow } from './ledger.ts';

/** One kill, and the first run that the next daemon began. Monotonic milliseconds. */
export interface Recovery {
  readonly killedAt: number;
  readonly tookMs: number;
  /** No other disturbance fell between the two. */
  readonly isCalm: boolean;
}

/**
 * Finds, for each kill, when the next daemon first began a run.
 *
 * @param spans of disturbances of the disk and of the daemon
 * @returns the recoveries; and how many of the kills were followed by the next before anything could begin
 */
export function judgeRecovery(
  lives: readonly Life[],
  notes: readonly Note[],
  runs: readonly RunRow[],
  spans: readonly { readonly from: number; readonly to: number }[],
): { recoveries: Recovery[]; cutShort: number } {
  const nodeOf = new Map(runs.map(({ id, node }) => [id, node]));
  const firstOf = new Map<string, number>();
  for (const { event, run, at } of notes) {
    const node = nodeOf.get(run) ?? '';
    if (event === 'start' && at < (firstOf.get(node) ?? Infinity)) firstOf.set(node, at);
  }
  const recoveries: Recovery[] = [];
  let cutShort = 0;
  for (const [index, { killedAt, diedAt = 0 }] of lives.entries()) {
    if (killedAt === undefined) continue;
    const first = firstOf.get(lives[index + 1]?.node ?? 'none');
    if (first === undefined) {
      cutShort++;
      continue;
    }
    recoveries.push({ killedAt, tookMs: first - diedAt, isCalm: !spans.some(({ from, to }) => from < first && to > diedAt) });
  }
  return { recoveries, cutShort };
}

/** @returns p50, p99 and the largest, rounded; undefined when there is none */
export function spread(values: readonly number[]): { p50: number; p99: number; max: number } | undefined {
  const sorted = values.toSorted((one, other) => one - other);
  const at = (share: number): number => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0);
  return sorted.length === 0 ? undefined : { p50: at(0.5), p99: at(0.99), max: at(1) };
}
