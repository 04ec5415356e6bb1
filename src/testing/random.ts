/** Chance that can be replayed: the same seed gives the same numbers on every machine. */

/** A source of chance. */
export interface Random {
  /** @returns a number in [0, 1) */
  next(): number;
  /** @returns a whole number of `from` … `to`, both included */
  int(from: number, to: number): number;
  /** @returns whether something of this probability happens now */
  chance(probability: number): boolean;
  /** @returns one of the values, which are at least one */
  pick<Value>(values: readonly Value[]): Value;
  /** @returns a number of `from` … `to`, small ones as likely as large ones by order of magnitude; both above 0 */
  scale(from: number, to: number): number;
}

/**
 * Makes a source of chance: sfc32, seeded by splitmix32 (https://pracrand.sourceforge.net/RNG_engines.txt).
 *
 * @param seed a whole number
 * @returns a source of its own; two of the same seed agree
 */
export function createRandom(seed: number): Random {
  let mix = seed >>> 0;
  const splitmix = (): number => {
    mix = (mix + 0x9e3779b9) | 0;
    let z = mix ^ (mix >>> 16);
    z = Math.imul(z, 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return z ^ (z >>> 15);
  };
  let [a, b, c, counter] = [splitmix(), splitmix(), splitmix(), splitmix()];
  const next = (): number => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + sum) | 0;
    return (sum >>> 0) / 4_294_967_296;
  };
  const int = (from: number, to: number): number => from + Math.floor(next() * (to - from + 1));
  return {
    next,
    int,
    chance: (probability) => next() < probability,
    pick: <Value>(values: readonly Value[]): Value => values[int(0, values.length - 1)] as Value,
    scale: (from, to) => from * (to / from) ** next(),
  };
}
