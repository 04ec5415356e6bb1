/**
 * What shall be done to the daemon and to what surrounds it, as a list that follows from the seed alone. There are two lanes, which run beside
 * each other, so that the daemon is killed while its disk is full, frozen while its clock jumps, and so on. A seed gives the same
 * disturbances in the same order with the same pauses; which instruction they hit, nobody can repeat.
 */
import { between, randomFrom } from './random.ts';

/** One disturbance; `afterMs` counts from the end of the one before it in its lane. */
export type Disturbance = { readonly afterMs: number } & (
  | { readonly kind: 'kill' | 'restart' }
  /** SIGSTOP, and then SIGCONT; or SIGKILL while it is frozen. */
  | { readonly kind: 'freeze' | 'frozenKill'; readonly forMs: number }
  /** `pick` in [0, 1) chooses among the processes that the daemon has started. */
  | { readonly kind: 'freezeChild'; readonly forMs: number; readonly pick: number }
  /** How far the daemon's wall clock is ahead of the host's from now on. */
  | { readonly kind: 'clockStep'; readonly aheadMs: number }
  | { readonly kind: 'fullDisk' | 'stalledDisk'; readonly forMs: number }
);

export type DisturbanceKind = Disturbance['kind'];

/** What this machine, or whoever runs the drill, allows. */
export interface Means {
  readonly clock: boolean;
  readonly fullDisk: boolean;
  readonly stalledDisk: boolean;
}

/** Ends when the time is over, so it is planned longer than it can take. */
const SHORTEST_TURN_MS = 250;
const FARTHEST_AHEAD_MS = 60_000;
/** A step back is a time without ticks, so it is kept short beside the drill. */
const LONGEST_STEP_BACK_MS = 4_000;

/**
 * Plans both lanes.
 *
 * @param seed any whole number
 * @param forMs how long the drill takes
 * @param means kinds that are not possible are left out
 */
export function planDisturbances(
  seed: number,
  forMs: number,
  means: Means,
): { readonly daemon: readonly Disturbance[]; readonly surroundings: readonly Disturbance[] } {
  const turns = Math.ceil(forMs / SHORTEST_TURN_MS);
  const ofDaemon = randomFrom(seed);
  const ofSurroundings = randomFrom(seed ^ 0x5bd1e995);
  let aheadMs = 0;
  const surroundings = Array.from({ length: turns }, () => {
    const next = disturbSurroundings(ofSurroundings, means, aheadMs);
    if (next.kind === 'clockStep') aheadMs = next.aheadMs;
    return next;
  });
  return { daemon: Array.from({ length: turns }, () => disturbDaemon(ofDaemon)), surroundings };
}

function disturbDaemon(random: () => number): Disturbance {
  // Most lives are short, so that kills hit starts and recoveries too; some are long enough for runs to end.
  const afterMs = random() < 0.8 ? between(random, 250, 1_400) : between(random, 1_800, 4_500);
  const share = random();
  const forMs = between(random, 150, 2_500);
  if (share < 0.74) return { kind: 'kill', afterMs };
  if (share < 0.82) return { kind: 'frozenKill', afterMs, forMs };
  if (share < 0.96) return { kind: 'freeze', afterMs, forMs };
  return { kind: 'restart', afterMs };
}

function disturbSurroundings(random: () => number, means: Means, aheadMs: number): Disturbance {
  const afterMs = between(random, 300, 2_200);
  const share = random();
  const forMs = between(random, 150, 2_500);
  const pick = random();
  const step = between(random, -LONGEST_STEP_BACK_MS, 3 * LONGEST_STEP_BACK_MS);
  if (share < 0.12 && means.fullDisk) return { kind: 'fullDisk', afterMs, forMs };
  if (share >= 0.12 && share < 0.3 && means.stalledDisk) return { kind: 'stalledDisk', afterMs, forMs: forMs / 2 };
  if (share >= 0.3 && share < 0.45 && means.clock) return { kind: 'clockStep', afterMs, aheadMs: bounded(aheadMs, step) };
  return { kind: 'freezeChild', afterMs, forMs, pick };
}

function bounded(aheadMs: number, step: number): number {
  return aheadMs + step > FARTHEST_AHEAD_MS || aheadMs + step < 0
    ? aheadMs - Math.min(Math.abs(step), aheadMs, LONGEST_STEP_BACK_MS)
    : aheadMs + step;
}
