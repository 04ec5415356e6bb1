/** Keeps secrets out of whatever is written down. */

/** A value shorter than this hides nothing, and to blot it out everywhere would make logs unreadable. */
export const SHORTEST_SECRET = 6;
const BLOT = '[redacted]';

/** Longer texts are looked for line by line alone. */
const LONGEST_WHOLE = 4_096;

/** What is looked for. A regular expression would not do: with a file of some hundred lines it is too large for V8. */
interface Search {
  readonly forms: Set<string>;
  /** By the first characters of a form, how long such forms are, longest first. */
  readonly lengths: Map<string, number[]>;
  /** 1 for each code with which a form begins. */
  readonly beginnings: Uint8Array;
}

/** One for each list of secrets, built when it is first needed. */
const searches = new WeakMap<readonly string[], Search>();

/**
 * Blots out every secret in a text: as it is, and as it reads inside JSON, inside JSON that stands in JSON, in an address and in a
 * form; and each line of it.
 *
 * @param text any text
 * @param secrets a config's `secrets`; those of fewer than 6 characters are left alone. The list must not change
 * @returns the text with `[redacted]` in their places
 */
export function redact(text: string, secrets: readonly string[]): string {
  if (secrets.length === 0) return text;
  let search = searches.get(secrets);
  if (search === undefined) searches.set(secrets, (search = searchFor(secrets)));
  const { forms, lengths, beginnings } = search;
  let clean = '';
  let from = 0;
  for (let at = 0; at <= text.length - SHORTEST_SECRET; at++) {
    if (beginnings[text.charCodeAt(at)] === 0) continue;
    const length = lengths.get(text.slice(at, at + SHORTEST_SECRET))?.find((one) => forms.has(text.slice(at, at + one)));
    if (length === undefined) continue;
    clean += text.slice(from, at) + BLOT;
    from = at + length;
    at = from - 1;
  }
  return from === 0 ? text : clean + text.slice(from);
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

function searchFor(secrets: readonly string[]): Search {
  const search: Search = { forms: new Set(), lengths: new Map(), beginnings: new Uint8Array(65_536) };
  for (const secret of secrets) {
    const lines = secret.split(/\r?\n/);
    const isTooLong = lines.length > 1 && secret.length > LONGEST_WHOLE;
    for (const part of isTooLong ? lines : [secret, secret.trim(), ...lines]) {
      if (part.trim().length >= SHORTEST_SECRET) for (const form of formsOf(part)) search.forms.add(form);
    }
  }
  for (const form of search.forms) {
    search.beginnings[form.charCodeAt(0)] = 1;
    const beginning = form.slice(0, SHORTEST_SECRET);
    const known = search.lengths.get(beginning) ?? [];
    if (!known.includes(form.length)) search.lengths.set(beginning, [...known, form.length]);
  }
  for (const known of search.lengths.values()) known.sort((one, other) => other - one);
  return search;
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
