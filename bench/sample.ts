/** Samples, taken so that the noise of the machine hits both sides alike, and what is made of them. */

/**
 * Takes turns: A, B, A, B …, after one round that does not count.
 *
 * @param rounds samples of each side
 * @param sides each gives one sample
 * @param collect whether each sample begins with a full collection of garbage. What the collector forgets, the compiler must learn
 *   again, so code is slower after it
 * @returns the samples of each side, in order
 */
export async function takeTurns(
  rounds: number,
  sides: readonly (() => number | Promise<number>)[],
  collect: boolean = false,
): Promise<number[][]> {
  const samples = sides.map((): number[] => []);
  for (let round = -1; round < rounds; round++) {
    for (const [index, side] of sides.entries()) {
      if (collect) globalThis.gc?.();
      const sample = await side();
      if (round >= 0) samples[index]?.push(sample);
    }
  }
  return samples;
}

/** @returns the value below which the given share of the samples lies; NaN of none */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** @returns the middle one; of an even count the mean of the two */
export function median(samples: readonly number[]): number {
  const sorted = samples.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[sorted.length / 2 - 1] ?? Number.NaN)) / 2;
}

/**
 * Compares samples that were taken in turns.
 *
 * @returns both medians, the median of the ratios of neighbours, and the samples themselves: what a Figure holds
 */
export function compare(
  ours: readonly number[],
  baseline: readonly number[],
): { ours: number; baseline: number; ratio: number; samples: { ours: readonly number[]; baseline: readonly number[] } } {
  const ratios = ours.map((sample, index) => sample / (baseline[index] ?? Number.NaN));
  return { ours: median(ours), baseline: median(baseline), ratio: median(ratios), samples: { ours, baseline } };
}

/**
 * Starts counting the processor time of this thread. What never waits is measured by it, for other programs on the machine do not
 * lengthen it; where nothing disturbs, it is the time on the clock.
 *
 * @returns a function that gives the milliseconds since then
 */
export function startThreadTime(): () => number {
  const before = process.threadCpuUsage();
  return () => {
    const { user, system } = process.threadCpuUsage(before);
    return (user + system) / 1_000;
  };
}
