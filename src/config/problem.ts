/** Findings as a user reads them: each a line with its place. */
import { type Finding, type Path, pathKey } from './finding.ts';
import { createPlaces, type Places } from './places.ts';
import { redact } from './redact.ts';

/** One thing that is wrong with a configuration, or worth a warning. */
export interface ConfigProblem {
  /** Absent for a configuration that did not come from a file; so are `line` and `column`. */
  readonly file?: string;
  /** Counted from 1. */
  readonly line?: number;
  /** Counted from 1, in UTF-16 units. */
  readonly column?: number;
  /** e.g. `jobs.cleanup.schedule.cron`; empty for the whole. */
  readonly path: string;
  /** What is wrong, with what was got and what was expected in brackets. */
  readonly message: string;
}

/** More lines than these help nobody; the last one says how many were left out. */
const PROBLEMS_LIMIT = 1_000;

/**
 * A problem as one line.
 *
 * @param problem a problem
 * @returns `file:line:column: path: what is wrong (got …; expected …)`, without the parts that are absent
 */
export function formatProblem(problem: ConfigProblem): string {
  const place = problem.file === undefined ? '' : `${problem.file}:${problem.line ?? 1}:${problem.column ?? 1}: `;
  return `${place}${problem.path === '' ? '' : `${problem.path}: `}${problem.message}`;
}

/**
 * Gives findings their places and their words, in the order of the text.
 *
 * @param list the findings; those of one place and the same words become one
 * @param secrets blotted out of every message
 * @param source the file's name and text; absent for a configuration that did not come from a file
 * @returns at most 1,000 problems, and one that says how many more there are
 */
export function problemsOf(
  list: readonly Finding[],
  secrets: readonly string[],
  source?: { readonly file: string; readonly text: string },
): ConfigProblem[] {
  if (list.length === 0) return [];
  const distinct = withoutRepetition(list);
  const places = source === undefined ? undefined : createPlaces(source.text, distinct);
  const problems =
    places === undefined ? distinct : distinct.toSorted((one, other) => places.offsetOf(one) - places.offsetOf(other));
  const shown = problems.slice(0, PROBLEMS_LIMIT).map((finding) => problemOf(finding, secrets, source?.file, places));
  if (problems.length > shown.length) {
    const message = `and ${problems.length - shown.length} more problems`;
    shown.push({ path: '', message });
  }
  return shown;
}

function problemOf(
  finding: Finding,
  secrets: readonly string[],
  file: string | undefined,
  places: Places | undefined,
): ConfigProblem {
  const facts = [
    finding.got === undefined ? '' : `got ${finding.got}`,
    finding.expected === undefined ? '' : `expected ${finding.expected}`,
  ].filter((fact) => fact !== '');
  const message = `${finding.wrong}${facts.length === 0 ? '' : ` (${facts.join('; ')})`}`;
  return {
    ...(file === undefined || places === undefined ? {} : { file, ...places.positionOf(finding) }),
    path: dotted(finding.path),
    message: oneLine(redact(message, secrets)),
  };
}

/**
 * A path as people write it.
 *
 * @param path the way to a value
 * @returns e.g. `jobs.cleanup.schedule[1].cron` or `jobs["a.b"].budget`
 */
export function dotted(path: Path): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else if (/^[\w$-]+$/.test(part)) text += text === '' ? part : `.${part}`;
    else text += `[${JSON.stringify(part.length <= 80 ? part : `${part.slice(0, 80)}…`)}]`;
  }
  return text;
}

function withoutRepetition(list: readonly Finding[]): Finding[] {
  const seen = new Set<string>();
  return list.filter((finding) => {
    const key = `${finding.offset ?? ''}${pathKey(finding.path)}\u0001${finding.wrong}`;
    return !seen.has(key) && seen.add(key);
  });
}

/**
 * Control characters of a stranger's text must not reach a terminal, nor begin a line.
 *
 * @param text any text
 * @returns it with a space in the place of each run of them
 */
export function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ');
}
