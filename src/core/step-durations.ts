/** How long steps took, gathered where they run and told in bulk: a step may take less time than telling of it would. */
import type { DurationMs } from './time.ts';

/** Upper bounds of the classes, inclusive, in milliseconds; the last class has none. */
export const STEP_BOUNDS_MS: readonly DurationMs[] = [1, 5, 10, 50, 100, 500, 1_000, 5_000, 10_000, 60_000];

/** Steps of one attempt that have come back since the last such report. */
export interface StepDurations {
  readonly count: number;
  readonly totalMs: DurationMs;
  /** How many steps fall into each class, not cumulated: one figure for each of {@link STEP_BOUNDS_MS}, and one for what took longer. */
  readonly buckets: readonly number[];
}

/** @param tookMs how long a step took @returns the index of its class */
export function classOf(tookMs: DurationMs): number {
  const index = STEP_BOUNDS_MS.findIndex((bound) => tookMs <= bound);
  return index === -1 ? STEP_BOUNDS_MS.length : index;
}

/** Adds two reports up. @returns the other one where one is absent */
export function addDurations(one: StepDurations | undefined, other: StepDurations | undefined): StepDurations | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return {
    count: one.count + other.count,
    totalMs: one.totalMs + other.totalMs,
    buckets: one.buckets.map((count, index) => count + (other.buckets[index] ?? 0)),
  };
}
