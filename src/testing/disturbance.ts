/** What may happen next, and how often. */
import type { Random } from './random.ts';

/** One thing that happens to a daemon. */
export type Disturbance = 'trigger' | 'cancel' | 'pause' | 'reload' | 'restart' | 'crash' | 'clock' | 'hold' | 'store';

const SHARES: readonly (readonly [number, Disturbance])[] = [
  [30, 'trigger'],
  [15, 'cancel'],
  [15, 'pause'],
  [14, 'reload'],
  [7, 'restart'],
  [6, 'crash'],
  [6, 'clock'],
  [5, 'hold'],
  [11, 'store'],
];
const ALL_SHARES = SHARES.reduce((sum, [share]) => sum + share, 0);

/** @returns one of them, each as often as its share says */
export function pickDisturbance(random: Random): Disturbance {
  let rest = random.next() * ALL_SHARES;
  return SHARES.find(([share]) => (rest -= share) < 0)?.[1] ?? 'trigger';
}
