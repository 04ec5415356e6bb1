/** Keeps secrets out of whatever is written down. */

/** A value shorter than this hides nothing, and to blot it out everywhere would make logs unreadable. */
const SHORTEST_SECRET = 4;
const BLOT = '[redacted]';

/** One pattern for each list of secrets, built when it is first needed. */
const patterns = new WeakMap<readonly string[], RegExp | null>();

/**
 * Blots out every secret in a text: as it is, as it reads inside JSON, as it reads inside a URL, and each line of it.
 *
 * @param text any text
 * @param secrets a config's `secrets`; those of fewer than 4 characters are left alone. The list must not change
 * @returns the text with `[redacted]` in their places
 */
export function redact(text: string, secrets: readonly string[]): string {
  let pattern = patterns.get(secrets);
  if (pattern === undefined) {
    pattern = patternOf(secrets);
    patterns.set(secrets, pattern);
  }
  return pattern === null ? text : text.replace(pattern, BLOT);
}

function patternOf(secrets: readonly string[]): RegExp | null {
  const forms = new Set<string>();
  for (const secret of secrets) {
    for (const part of [secret, ...secret.split(/\r?\n/)]) {
      if (part.trim().length < SHORTEST_SECRET) continue;
      forms.add(part);
      forms.add(JSON.stringify(part).slice(1, -1));
      forms.add(encodeURIComponent(part.toWellFormed()));
    }
  }
  if (forms.size === 0) return null;
  const longestFirst = [...forms].toSorted((one, other) => other.length - one.length);
  return new RegExp(longestFirst.map((form) => form.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&')).join('|'), 'g');
}
