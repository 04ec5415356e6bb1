/** What the parts of a host's message may be. */
import { STEP_BOUNDS_MS, type StepDurations } from '../core/step-durations.ts';

/** An object that is no array. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A whole number of at least 0. */
export function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

/** A finite number of at least 0. */
export function isAmount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

/**
 * Checks figures of steps, and copies what is legal.
 *
 * @param value anything
 * @returns `undefined` for what does not add up: figures are not worth losing a message for. Never throws
 */
export function parseDurations(value: unknown): StepDurations | undefined {
  if (!isRecord(value)) return undefined;
  const { count, totalMs, buckets } = value;
  if (!isCount(count) || !isAmount(totalMs) || !Array.isArray(buckets) || buckets.length !== STEP_BOUNDS_MS.length + 1)
    return undefined;
  const counts: unknown[] = [...buckets];
  if (!counts.every(isCount) || counts.reduce((sum, each) => sum + each, 0) !== count) return undefined;
  return { count, totalMs, buckets: counts };
}
