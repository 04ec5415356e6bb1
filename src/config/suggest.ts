/** "Did you mean": the nearest of the legal words. */

const LONGEST_WORD = 64;

/**
 * The candidate that a word was probably meant to be.
 *
 * @param word what a user wrote
 * @param candidates the legal words
 * @returns the nearest candidate, if no more than about a third of its letters differ; case is ignored
 */
export function suggest(word: string, candidates: readonly string[]): string | undefined {
  if (word.length === 0 || word.length > LONGEST_WORD) return undefined;
  const wanted = word.toLowerCase();
  let nearest: string | undefined;
  let least = Infinity;
  for (const candidate of candidates) {
    const farthest = Math.max(1, Math.floor(Math.max(word.length, candidate.length) / 3));
    if (Math.abs(candidate.length - word.length) > farthest) continue;
    const away = distance(wanted, candidate.toLowerCase());
    if (away <= farthest && away < least) [nearest, least] = [candidate, away];
  }
  return nearest;
}

/** Letters to add, drop, change or swap with their neighbour. */
function distance(one: string, other: string): number {
  let before: number[] = [];
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let i = 1; i <= one.length; i++) {
    const next = [i];
    for (let j = 1; j <= other.length; j++) {
      const same = one[i - 1] === other[j - 1];
      let least = Math.min((row[j - 1] ?? 0) + (same ? 0 : 1), (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1);
      if (i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1]) {
        least = Math.min(least, (before[j - 2] ?? 0) + 1);
      }
      next.push(least);
    }
    before = row;
    row = next;
  }
  return row[other.length] ?? Infinity;
}
