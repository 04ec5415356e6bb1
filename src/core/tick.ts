/** Ticks, their outcomes, and the identities that follow from `(job, tick)` on every node alike. */
import type { JobName } from './job.ts';
import type { Instant } from './time.ts';

/** How a tick ended; each tick that fell due has exactly one. */
export const TICK_OUTCOMES: readonly ['ran', 'skipped', 'missed', 'folded'] = ['ran', 'skipped', 'missed', 'folded'] as const;
export type TickOutcome = (typeof TICK_OUTCOMES)[number];

/** Why a tick was skipped. */
export const SKIP_REASONS: readonly ['overlap', 'paused', 'exclusive', 'capacity', 'draining', 'unmatched'] = [
  'overlap',
  'paused',
  'exclusive',
  'capacity',
  'draining',
  'unmatched',
] as const;
export type SkipReason = (typeof SKIP_REASONS)[number];

/** Why a tick was missed: no node was up, it was older than the window, or over the limit of `all`. */
export const MISS_REASONS: readonly ['down', 'window', 'limit'] = ['down', 'window', 'limit'] as const;
export type MissReason = (typeof MISS_REASONS)[number];

/**
 * A 64-bit FNV-1a hash in two halves, the same in every process and on every machine.
 *
 * @param text any text
 * @returns two unsigned 32-bit numbers
 */
export function hashOf(text: string): { readonly high: number; readonly low: number } {
  let low = 0x811c9dc5;
  let high = 0x01000193;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    low = Math.imul(low ^ code, 0x01000193);
    high = Math.imul(high ^ code ^ (low >>> 13), 0x5bd1e995);
  }
  high ^= high >>> 15;
  low ^= low >>> 15;
  return { high: Math.imul(high, 0x2c1b3c6d) >>> 0, low: Math.imul(low, 0x297a2d39) >>> 0 };
}

/** Nine base-36 digits hold every instant up to the year 5188. */
const INSTANT_DIGITS = 9;
const HASH_DIGITS = 7;
/** Characters of a run's id. */
export const RUN_ID_LENGTH: number = INSTANT_DIGITS + 1 + 2 * HASH_DIGITS;

/**
 * The id of the run that a tick leads to. It follows from `(job, tick)`, so a tick that is decided twice by mistake,
 * here or on another node, would collide in the ledger instead of running twice. Ids sort by time.
 *
 * @param job the name of the job
 * @param tick the instant of the tick
 * @returns 24 characters of base 36 and a hyphen, e.g. `0mhxw3k1c-1a2b3c41x2y3z4`
 */
export function runIdOf(job: JobName, tick: Instant): string {
  const { high, low } = hashOf(job);
  return `${instantDigits(tick)}-${high.toString(36).padStart(HASH_DIGITS, '0')}${low.toString(36).padStart(HASH_DIGITS, '0')}`;
}

/**
 * The id of a run that no tick asked for.
 *
 * @param at when it was asked for
 * @param source {@link digitsOf} a random number, new for each scheduler
 * @param sequence counts the triggers of that scheduler
 * @returns an id of the same form as {@link runIdOf}'s
 */
export function runIdOfTrigger(at: Instant, source: string, sequence: number): string {
  return `${instantDigits(at)}-${source}${sequence.toString(36).padStart(HASH_DIGITS, '0')}`;
}

/** Seven digits of base 36. @param share a number in [0, 1) */
export function digitsOf(share: number): string {
  return Math.floor(share * 36 ** HASH_DIGITS)
    .toString(36)
    .padStart(HASH_DIGITS, '0');
}

function instantDigits(at: Instant): string {
  return Math.max(0, Math.floor(at)).toString(36).padStart(INSTANT_DIGITS, '0');
}
