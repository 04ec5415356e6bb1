/** `${env:NAME}`, `${file:path}` and `${credential:NAME}` inside strings. */
import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Findings, type Path, pathKey } from './finding.ts';
import { isTooShort, SHORTEST_SECRET } from './redact.ts';

/** Where values come from. */
export interface ExpandSource {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Paths are relative to this folder. */
  readonly baseDir: string;
  /** A reference that leads nowhere is a warning. */
  readonly isOnlooker?: boolean;
}

/** The variable in which systemd names the folder of a unit's credentials. */
export const CREDENTIALS_DIRECTORY = 'CREDENTIALS_DIRECTORY';
/** Not `${file:-x}` and its relatives, which belong to the shell. */
const REFERENCE = /\$\{(env|file|credential):(?![-=?+])([^}]*)(\}?)/g;
/** What systemd takes for the name of a credential: that of a file, and no way to one. */
const CREDENTIAL = /^(?!\.{1,2}$)[^/\0\p{Cc}:]{1,255}$/u;
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const FILE_LIMIT_BYTES = 1024 * 1024;

/**
 * Replaces references in every string of a value, in place. What was put in is not looked at again.
 * A string with a reference that leads nowhere is reported and stays as it was written.
 *
 * @param value plain data that belongs to the caller
 * @param source environment and folder
 * @param findings gets what is missing, and remembers the text of each replaced string as its template
 * @param secrets gets each value that was put in
 * @returns the value, or its replacement if it is itself a string
 */
export function expandStrings(value: unknown, source: ExpandSource, findings: Findings, secrets: Set<string>): unknown {
  const walk = (part: unknown, path: Path): unknown => {
    if (typeof part === 'string') return part.includes('${') ? expandText(part, path, source, findings, secrets) : part;
    if (Array.isArray(part)) for (const [index, item] of part.entries()) part[index] = walk(item, [...path, index]);
    else if (isPlain(part))
      for (const key of Object.keys(part)) if (key !== '__proto__') part[key] = walk(part[key], [...path, key]);
    return part;
  };
  return walk(value, []);
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

function expandText(text: string, path: Path, source: ExpandSource, findings: Findings, secrets: Set<string>): string {
  let faults = 0;
  let replaced = false;
  const expanded = text.replace(REFERENCE, (whole: string, kind: string, name: string, end: string) => {
    const found = end === '' ? { fault: `"${whole.slice(0, 40)}" has no closing brace` } : lookUp(kind, name, source);
    if ('fault' in found) {
      faults++;
      if (source.isOnlooker === true) findings.warn(path, found.fault);
      else findings.add(path, found.fault);
      return whole;
    }
    replaced = true;
    secrets.add(found.value);
    if (isTooShort(found.value)) {
      findings.warn(path, `the value of ${whole} is too short to be searched for: logs will show it`, {
        expected: `at least ${SHORTEST_SECRET} characters`,
      });
    }
    return found.value;
  });
  if (faults > 0) {
    findings.seal(path);
    return text;
  }
  if (replaced) findings.templates.set(pathKey(path), text);
  return expanded;
}

function lookUp(kind: string, name: string, source: ExpandSource): { value: string } | { fault: string } {
  if (kind === 'env') {
    if (!NAME.test(name)) return { fault: `"${name}" is not the name of an environment variable` };
    const value = Object.hasOwn(source.env, name) ? source.env[name] : undefined;
    return value === undefined ? { fault: `environment variable ${name} is not set` } : { value };
  }
  if (kind === 'credential') return credential(name, source.env[CREDENTIALS_DIRECTORY]);
  return name === '' ? { fault: '${file:} names no file' } : content(resolve(source.baseDir, name), `file ${name}`);
}

/** The fault says what to write into the unit, since that is where a credential comes from. */
function credential(name: string, folder: string | undefined): { value: string } | { fault: string } {
  if (!CREDENTIAL.test(name)) return { fault: `"${name}" is not the name of a credential` };
  const remedy = `add LoadCredential=${name}:/path/to/the/secret to [Service] of the unit`;
  if (folder === undefined || folder === '') {
    return { fault: `credential ${name}: $${CREDENTIALS_DIRECTORY} is not set; ${remedy}, and start it by systemd` };
  }
  return content(resolve(folder, name), `credential ${name}`, `; ${remedy}`);
}

function content(path: string, what: string, remedy = ''): { value: string } | { fault: string } {
  try {
    if (statSync(path).size > FILE_LIMIT_BYTES) return { fault: `${what} is larger than 1 MiB` };
    return { value: readFileSync(path, 'utf8').replace(/\r?\n$/, '') };
  } catch (error) {
    const code = (error as { code?: unknown }).code;
    return { fault: code === 'ENOENT' ? `${what} does not exist${remedy}` : `${what} cannot be read (${String(code)})` };
  }
}
