/** A figure: what was measured, with what it is compared, and whether it meets its target. */

/** What must hold: of our own value, of the ratio of ours to the baseline's, or of what ours is more than the baseline's. */
export interface Target {
  readonly of: 'ours' | 'ratio' | 'excess';
  readonly atMost?: number;
  readonly atLeast?: number;
}

/** One line of the table. */
export interface Figure {
  readonly figure: string;
  readonly unit: string;
  readonly ours: number;
  /** `undefined`: it could not be measured here, and the note says why. */
  readonly baseline: number | undefined;
  /** What the baseline is, in two to five words. */
  readonly against: string;
  /** The median of the ratios of neighbouring samples, where there are such pairs; else ours ÷ baseline. */
  readonly ratio?: number | undefined;
  /** Absent: the figure is there to be read. */
  readonly target?: Target;
  readonly note?: string;
  /** All that was measured, in the order of measuring. */
  readonly samples?: { readonly ours: readonly number[]; readonly baseline?: readonly number[] };
}

/** What a measure is told. */
export interface Plan {
  readonly quick: boolean;
}

/** Figures that are measured together. */
export interface Measure {
  readonly name: string;
  /** It needs the packages of `bench/package.json`. */
  readonly needsPeers: boolean;
  /** About how long it takes, `--quick` and in full. */
  readonly seconds: readonly [quick: number, full: number];
  figures(plan: Plan): Promise<readonly Figure[]>;
}

/** @returns ours ÷ baseline; `undefined` without a baseline */
export function ratioOf(figure: Figure): number | undefined {
  if (figure.ratio !== undefined) return figure.ratio;
  return figure.baseline === undefined ? undefined : figure.ours / figure.baseline;
}

/** @returns whether the target is met; `undefined` without a target, or without what it is about */
export function isMet(figure: Figure): boolean | undefined {
  const { target, ours, baseline } = figure;
  if (target === undefined) return undefined;
  const value = { ours, ratio: ratioOf(figure), excess: baseline === undefined ? undefined : ours - baseline }[target.of];
  if (value === undefined) return undefined;
  return value <= (target.atMost ?? Infinity) && value >= (target.atLeast ?? -Infinity);
}
