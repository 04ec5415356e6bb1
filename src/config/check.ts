/**
 * The pieces that schemas are made of, and how the issues of a schema become findings in a reader's words. Both are in one file
 * because they share a code: the message of an issue is what is wrong, a tab, and what is expected.
 */
import { z } from 'zod';
import { parseDuration } from '../core/time.ts';
import type { Findings, Path } from './finding.ts';
import { suggest } from './suggest.ts';

const SPLIT = '\t';
/** Opens the message of an object's schema, which goes on with the keys that it knows. */
const KEYS = 'keys';
const DURATION = /^(?=.)(?:\d+d)?(?:\d+h)?(?:\d+m)?(?:\d+s)?(?:\d+ms)?$/;
const LONGER_THAN_0 = /^(?=.*[1-9])(?:\d+d)?(?:\d+h)?(?:\d+m)?(?:\d+s)?(?:\d+ms)?$/;
const DURATION_EXPECTED = 'e.g. "250ms", "30s", "5m", "2h", "1d" or "1h30m"';

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
    findings.add([...path, key], `unknown key${meant === undefined ? '' : `, did you mean "${meant}"?`}`, {
      at: 'key',
      expected,
    });
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
    findings.add(
      path,
      got === undefined ? 'missing' : `not a legal value${meant === undefined ? '' : `, did you mean "${meant}"?`}`,
      { got, expected },
    );
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

/** An option of a schema that gives its words. */
export interface Says {
  readonly error: (issue: { readonly input?: unknown }) => string;
}

/**
 * Words for whatever is wrong with a value.
 *
 * @param expected what is legal
 * @param wrong what is wrong with an input; empty: what follows from the kind of issue
 * @returns the option `error` of a schema
 */
export function says(expected: string, wrong: (input: unknown) => string = () => ''): Says {
  return { error: (issue) => `${wrong(issue.input)}${SPLIT}${expected}` };
}

/**
 * @param expected what is legal, in words
 * @param pattern which form it must have
 * @returns the schema of a text that is not empty
 */
export function text(expected: string, pattern?: RegExp): z.ZodString {
  const base = z.string(says(expected)).min(
    1,
    says(expected, () => 'empty'),
  );
  return pattern === undefined ? base : base.regex(pattern, { ...says(expected), abort: true });
}

/**
 * @param least whether 0 is legal
 * @returns the schema of a duration with its unit
 */
export function duration(least: 'from 0' | 'above 0'): z.ZodString {
  const said = says(DURATION_EXPECTED, (input) => {
    if (typeof input === 'number') return `a bare number has no unit: write "${Math.max(0, input)}s" if seconds are meant`;
    if (typeof input !== 'string') return 'not a duration';
    return DURATION.test(input)
      ? LONGER_THAN_0.test(input)
        ? 'longer than a hundred years'
        : 'must be longer than 0'
      : 'not a duration';
  });
  return z
    .string(said)
    .regex(least === 'from 0' ? DURATION : LONGER_THAN_0, { ...said, abort: true })
    .refine(isDuration, said);
}

function isDuration(value: string): boolean {
  try {
    return parseDuration(value) >= 0;
  } catch {
    return false;
  }
}

/**
 * @param least the smallest legal number
 * @param most the largest
 * @returns the schema of a whole number
 */
export function whole(least: number, most: number): z.ZodNumber {
  const said = says(`a whole number from ${least} to ${most}`);
  return z.number(said).int(said).min(least, said).max(most, said);
}

/**
 * @param least the smallest legal number
 * @param most the largest
 * @returns the schema of a number
 */
export function between(least: number, most: number): z.ZodNumber {
  const said = says(`a number from ${least} to ${most}`);
  return z.number(said).min(least, said).max(most, said);
}

/**
 * @param words the legal words
 * @returns the schema of one of them
 */
export function oneOf(words: readonly [string, ...string[]]): z.ZodEnum {
  return z.enum(words);
}

/**
 * @param shape schemas by key
 * @returns the schema of an object that has no other keys
 */
export function strict<Shape extends z.core.$ZodLooseShape>(shape: Shape): z.ZodObject<Shape, z.core.$strict> {
  return z.strictObject(
    shape,
    says('an object', () => `${KEYS} ${Object.keys(shape).join(' ')} `),
  );
}

/**
 * @param element the schema of an item
 * @param expected what is legal, in words
 * @param least the smallest legal number of items
 * @returns the schema of a list of at most 10,000 items
 */
export function list<Element extends z.ZodType>(element: Element, expected: string, least = 0): z.ZodArray<Element> {
  return z
    .array(element, says(expected))
    .min(
      least,
      says(expected, () => 'empty'),
    )
    .max(10_000, says('at most 10000 items'));
}

/**
 * @param schema of a field
 * @param description for editors
 * @param standard its default, if that is a constant
 * @returns the schema of a field that may be left out
 */
export function described<Schema extends z.ZodType>(
  schema: Schema,
  description: string,
  standard?: unknown,
): z.ZodOptional<Schema> {
  return schema.optional().meta({ description, ...(standard === undefined ? {} : { default: standard }) });
}
