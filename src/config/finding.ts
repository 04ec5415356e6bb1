/** What is wrong with a configuration, as it is found; places and lines come later. */

/** The way to a value, from the root of the configuration. */
export type Path = readonly (string | number)[];

/** One thing that is wrong, or worth a warning. */
export interface Finding {
  readonly path: Path;
  /** In words, without the value. */
  readonly wrong: string;
  /** The value, as it shall be shown. */
  readonly got?: string | undefined;
  readonly expected?: string | undefined;
  /** Whether the place is that of the key or that of the value. */
  readonly at: 'key' | 'value';
  /** Where it is in the text, if that is known already. */
  readonly offset?: number | undefined;
}

/** What may be said about a finding beside the words. */
export interface FindingDetails {
  readonly got?: unknown;
  readonly expected?: string | undefined;
  readonly at?: 'key' | 'value';
  readonly offset?: number;
}

const LONGEST_SHOWN = 60;
/** What an address holds before its host; it may be written in the file, and is no less a secret for that. */
const CREDENTIALS = /:\/\/[^\s/]*@/g;
const SEPARATOR = '\u0000';

/** Collects findings. One that lies at or below a sealed path is a consequence of one already made, and is dropped. */
export class Findings {
  readonly errors: Finding[] = [];
  readonly warnings: Finding[] = [];
  /** Texts with `${…}` as they were written, by path. Where one stands, its value is not shown. */
  readonly templates: Map<string, string> = new Map();
  private readonly sealed = new Set<string>();

  /** How many there are, warnings included; grows whenever something is found. */
  get count(): number {
    return this.errors.length + this.warnings.length;
  }

  add(path: Path, wrong: string, details: FindingDetails = {}): void {
    if (!this.isSealed(path)) this.errors.push(this.finding(path, wrong, details));
  }

  warn(path: Path, wrong: string, details: FindingDetails = {}): void {
    this.warnings.push(this.finding(path, wrong, details));
  }

  seal(path: Path): void {
    this.sealed.add(pathKey(path));
  }

  isSealed(path: Path): boolean {
    if (this.sealed.size === 0) return false;
    for (let length = path.length; length >= 0; length--) if (this.sealed.has(pathKey(path.slice(0, length)))) return true;
    return false;
  }

  /** Whether a value, or a part of it, came from a reference. */
  isTemplate(path: Path): boolean {
    const key = pathKey(path);
    for (const known of this.templates.keys()) if (known === key || known.startsWith(key + SEPARATOR)) return true;
    return false;
  }

  private finding(path: Path, wrong: string, details: FindingDetails): Finding {
    const template = this.templates.get(pathKey(path));
    const isHidden = details.got === undefined || (path.at(-1) === 'secret' && template === undefined);
    const got = isHidden ? undefined : show(template ?? details.got);
    return { path, wrong, got, expected: details.expected, at: details.at ?? 'value', offset: details.offset };
  }
}

/**
 * A path as the key of a map.
 *
 * @param path the way to a value
 * @returns a text that differs for different paths
 */
export function pathKey(path: Path): string {
  let key = '';
  for (const part of path) key += SEPARATOR + part;
  return key;
}

/**
 * A value as a message shows it.
 *
 * @param value any value
 * @returns short JSON for a scalar, a word for anything larger
 */
export function show(value: unknown): string {
  if (typeof value === 'string') {
    const shown = value.slice(0, 4 * LONGEST_SHOWN).replace(CREDENTIALS, '://…@');
    return JSON.stringify(shown.length <= LONGEST_SHOWN ? shown : `${shown.slice(0, LONGEST_SHOWN)}…`);
  }
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object' && value !== null) return Object.keys(value).length === 0 ? 'an empty object' : 'an object';
  return typeof value === 'function' ? 'a function' : String(value);
}
