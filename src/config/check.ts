/** From the issues of a zod schema to findings in a reader's words. */
import type { z } from 'zod';
import type { Findings, Path } from './finding.ts';
import { KEYS, SPLIT } from './schema.ts';
import { suggest } from './suggest.ts';

/** The parts of an issue that are read here. */
interface Issue {
  readonly code?: string | undefined;
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly input?: unknown;
  readonly keys?: readonly string[];
  readonly values?: readonly unknown[];
  readonly maximum?: number | bigint;
}

const NONE: ReadonlySet<string> = new Set();

/**
 * Checks a value against a schema and reports each issue.
 *
 * @param schema one of `schema.ts`
 * @param value any value
 * @param path where the value stands
 * @param findings gets what is wrong
 * @returns the keys of the value in which something is wrong, `''` for the value itself; empty if it is sound
 */
export function check(schema: z.ZodType, value: unknown, path: Path, findings: Findings): ReadonlySet<string> {
  const result = schema.safeParse(value, { reportInput: true });
  if (result.success) return NONE;
  const unsound = new Set<string>();
  for (const issue of result.error.issues as readonly Issue[]) {
    const where = [...path, ...issue.path.map((part) => (typeof part === 'number' ? part : String(part)))];
    unsound.add(String(issue.path[0] ?? ''));
    if (issue.code === 'unrecognized_keys') reportUnknownKeys(issue, where, findings);
    else reportIssue(issue, where, findings);
  }
  return unsound;
}

function reportUnknownKeys(issue: Issue, path: Path, findings: Findings): void {
  const known = issue.message.slice(0, issue.message.indexOf(SPLIT)).split(' ').slice(1, -1);
  for (const key of issue.keys ?? []) {
    const meant = suggest(key, known);
    const expected = meant === undefined ? `one of ${known.join(', ')}` : undefined;
    findings.add([...path, key], `unknown key${meant === undefined ? '' : `, did you mean "${meant}"?`}`, { at: 'key', expected });
  }
}

function reportIssue(issue: Issue, path: Path, findings: Findings): void {
  const split = issue.message.indexOf(SPLIT);
  const said = split === -1 ? '' : issue.message.slice(0, split);
  const got = issue.input;
  const wrong = said === '' || said.startsWith(`${KEYS} `) ? wordsFor(issue) : said;
  if (issue.code === 'invalid_value') {
    const values = (issue.values ?? []).map(String);
    const meant = typeof got === 'string' && !findings.isTemplate(path) ? suggest(got, values) : undefined;
    const expected = values.map((word) => `"${word}"`).join(' or ');
    findings.add(path, got === undefined ? 'missing' : `not a legal value${meant === undefined ? '' : `, did you mean "${meant}"?`}`, { got, expected });
    return;
  }
  findings.add(path, wrong, { got, expected: split === -1 ? undefined : issue.message.slice(split + 1) });
}

function wordsFor(issue: Issue): string {
  if (issue.input === undefined) return 'missing';
  switch (issue.code) {
    case 'invalid_type':
    case 'invalid_union':
      return 'of the wrong kind';
    case 'invalid_format':
      return 'not of the right form';
    case 'too_small':
      return 'too small';
    case 'too_big':
      return 'too large';
    default:
      return 'not legal';
  }
}
