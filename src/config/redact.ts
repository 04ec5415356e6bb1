/** Keeps secrets out of whatever is written down. */

/** A value shorter than this hides nothing, and to blot it out everywhere would make logs unreadable. */
export const SHORTEST_SECRET = 6;
const BLOT = '[redacted]';

/** One pattern for each list of secrets, built when it is first needed. */
const patterns = new WeakMap<readonly string[], RegExp | null>();

/**
 * Blots out every secret in a text: as it is, and as it reads inside JSON, inside JSON that stands in JSON, in an address and in a
 * form; and each line of it.
 *
 * @param text any text
 * @param secrets a config's `secrets`; those of fewer than 6 characters are left alone. The list must not change
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

/**
 * Blots out every secret in JSON: in its texts and its keys, and numbers that are a secret. What it returns is JSON again, which
 * `redact` cannot promise.
 *
 * @param json JSON text; anything else is treated as by `redact`
 * @param secrets as for `redact`
 * @returns JSON text; the same one if there was nothing to blot out
 */
export function redactJson(json: string, secrets: readonly string[]): string {
  // Escapes that nobody needs to write may hide a secret from a search of the text.
  if (!/\\[u/]/.test(json) && redact(json, secrets) === json) return json;
  try {
    return JSON.stringify(JSON.parse(json, (_, value: unknown) => redactPart(value, secrets)));
  } catch {
    return redact(json, secrets);
  }
}

/** The children of a value have been here before it. */
function redactPart(value: unknown, secrets: readonly string[]): unknown {
  if (typeof value === 'string') return redact(value, secrets);
  if (typeof value === 'number') return redact(String(value), secrets) === BLOT ? BLOT : value;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const entries = Object.entries(value).map(([key, part]): [string, unknown] => [redact(key, secrets), part]);
  return Object.fromEntries(entries);
}

/**
 * @param value one that came from a reference
 * @returns whether it is not searched for, although it is not empty
 */
export function isTooShort(value: string): boolean {
  const { length } = value.trim();
  return length > 0 && length < SHORTEST_SECRET;
}

function patternOf(secrets: readonly string[]): RegExp | null {
  const forms = new Set<string>();
  for (const secret of secrets) {
    for (const part of [secret, secret.trim(), ...secret.split(/\r?\n/)]) {
      if (part.trim().length >= SHORTEST_SECRET) for (const form of formsOf(part)) forms.add(form);
    }
  }
  if (forms.size === 0) return null;
  const longestFirst = [...forms].toSorted((one, other) => other.length - one.length);
  return new RegExp(longestFirst.map((form) => form.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&')).join('|'), 'g');
}

/** As programs write a text: Node, Python (ASCII alone), PHP (slashes escaped), browsers. */
function formsOf(text: string): string[] {
  const inner = (value: string): string => JSON.stringify(value).slice(1, -1);
  const json = inner(text);
  const ascii = json.replace(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
  const address = encodeURIComponent(text.toWellFormed());
  const strict = address.replace(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`);
  const form = new URLSearchParams([['', text]]).toString().slice(1);
  const inAddresses = [address, strict, form].flatMap((written) => [
    written,
    written.replace(/%../g, (byte) => byte.toLowerCase()),
  ]);
  return [text, json, inner(json), ascii, json.replaceAll('/', '\\/'), ...inAddresses];
}
