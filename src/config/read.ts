/** From text to a plain value, with everything that is wrong with the text itself. */
import { parse, type ParseErrorCode, printParseErrorCode, visit } from 'jsonc-parser';
import type { Findings, Path } from './finding.ts';

/** Deeper than any configuration, and far from the end of the stack. */
export const DEPTH_LIMIT = 64;
/** About 400,000 jobs. */
export const SIZE_LIMIT_BYTES: number = 64 * 1024 * 1024;
/** Names that reach into the machinery of objects. */
export const FORBIDDEN_KEYS: ReadonlySet<string> = new Set(['__proto__', 'constructor']);

const SYNTAX: Record<string, string> = {
  InvalidSymbol: 'this is not JSON; names and texts stand in double quotes',
  InvalidNumberFormat: 'not a number',
  PropertyNameExpected: 'a key in double quotes is expected here',
  ValueExpected: 'a value is expected here',
  ColonExpected: 'a colon is expected here',
  CommaExpected: 'a comma is missing before this',
  CloseBraceExpected: 'a "}" is missing at the end',
  CloseBracketExpected: 'a "]" is missing at the end',
  EndOfFileExpected: 'there is more after the end of the configuration',
  UnexpectedEndOfComment: 'this comment has no end',
  UnexpectedEndOfString: 'this text has no closing quote on its line',
  UnexpectedEndOfNumber: 'this number has no end',
  InvalidUnicode: 'not a valid \\u escape',
  InvalidEscapeCharacter: 'no such escape; a backslash is written "\\\\"',
  InvalidCharacter: 'a control character in a text; write it as an escape such as "\\t"',
};

interface SyntaxFault {
  readonly code: ParseErrorCode;
  readonly offset: number;
  readonly line: number;
}

/** What one pass over a text has seen. */
interface Survey {
  readonly faults: SyntaxFault[];
  /** Comments and trailing commas: start and end in turn. */
  readonly blanks: number[];
  tooDeepAt: number | undefined;
}

/** Ends a pass from inside of it. */
const TOO_DEEP = new Error('nested too deeply');

/**
 * Reads JSON with comments and trailing commas. One pass of a visitor finds duplicate keys, forbidden keys, depth and
 * syntax; the value itself comes from `JSON.parse`, which is three times as fast and keeps no part of the text alive.
 *
 * @param text without a byte order mark
 * @param findings gets what is wrong, with offsets
 * @returns the value; `undefined` if the text cannot be understood, which is then among the findings
 */
export function readText(text: string, findings: Findings): unknown {
  const survey = surveyOf(text, findings);
  if (survey.tooDeepAt !== undefined) {
    findings.add([], 'nested too deeply', { expected: `at most ${DEPTH_LIMIT} levels`, offset: survey.tooDeepAt });
    return undefined;
  }
  if (survey.faults.length === 0) return parseStrict(withBlanks(text, survey.blanks), findings);
  if (withBlanks(text, survey.blanks).trim() === '') {
    findings.add([], 'the file is empty', { expected: 'an object with "jobs"; "tickwise init" writes an example', offset: 0 });
    return undefined;
  }
  reportSyntax(survey.faults, findings);
  const missingCommasOnly = survey.faults.every(({ code }) => printParseErrorCode(code) === 'CommaExpected');
  return missingCommasOnly ? (parse(text, [], { allowTrailingComma: true }) as unknown) : undefined;
}

function surveyOf(text: string, findings: Findings): Survey {
  const survey: Survey = { faults: [], blanks: [], tooDeepAt: undefined };
  /** The keys of each open object; `undefined` for a list. */
  const open: (Set<string> | undefined)[] = [];
  let comma = -1;
  const enter = (offset: number, keys: Set<string> | undefined): void => {
    comma = -1;
    open.push(keys);
    if (open.length <= DEPTH_LIMIT) return;
    survey.tooDeepAt = offset;
    throw TOO_DEEP;
  };
  const leave = (): void => {
    if (comma !== -1) survey.blanks.push(comma, comma + 1);
    comma = -1;
    open.pop();
  };
  const visitor = {
    onObjectBegin: (offset: number): void => enter(offset, new Set()),
    onArrayBegin: (offset: number): void => enter(offset, undefined),
    onObjectEnd: leave,
    onArrayEnd: leave,
    onLiteralValue: (): void => void (comma = -1),
    onSeparator: (character: string, offset: number): void => void (comma = character === ',' ? offset : -1),
    onComment: (offset: number, length: number): void => void survey.blanks.push(offset, offset + length),
    onError: (code: ParseErrorCode, offset: number, _: number, line: number): void =>
      void survey.faults.push({ code, offset, line }),
    onObjectProperty(
      key: string,
      offset: number,
      _: number,
      _line: number,
      _column: number,
      path: () => (string | number)[],
    ): void {
      comma = -1;
      const keys = open.at(-1);
      if (FORBIDDEN_KEYS.has(key)) forbid([...path(), key], findings, offset);
      else if (keys?.has(key) === true) {
        const where = path();
        const what = where.length === 1 && where[0] === 'jobs' ? 'a second job of this name' : 'duplicate key';
        findings.add([...where, key], what, { expected: 'each name once', offset });
      }
      keys?.add(key);
    },
  };
  try {
    visit(text, visitor, { allowTrailingComma: true });
  } catch (thrown) {
    if (thrown !== TOO_DEEP) throw thrown;
  }
  return survey;
}

/**
 * Reports a key that no configuration may have, and hides what else would be said about it.
 *
 * @param path the way to the key
 * @param findings gets it
 * @param offset where it stands in the text, if there is one
 */
export function forbid(path: Path, findings: Findings, offset?: number): void {
  findings.add(path, 'this key is not allowed anywhere', { at: 'key', ...(offset === undefined ? {} : { offset }) });
  findings.seal(path);
}

/** One fault brings others in its wake: the first of each line is enough, and none after an end that is missing. */
function reportSyntax(faults: readonly SyntaxFault[], findings: Findings): void {
  let line = -1;
  for (const fault of faults) {
    if (fault.line === line) continue;
    line = fault.line;
    findings.add([], SYNTAX[printParseErrorCode(fault.code)] ?? 'this is not JSON', { offset: fault.offset });
  }
}

/** The text as strict JSON of the same length: spaces for comments and trailing commas. */
function withBlanks(text: string, blanks: readonly number[]): string {
  if (blanks.length === 0) return text;
  const ranges: [number, number][] = [];
  for (let index = 0; index < blanks.length; index += 2) ranges.push([blanks[index] ?? 0, blanks[index + 1] ?? 0]);
  ranges.sort((one, other) => one[0] - other[0]);
  const parts: string[] = [];
  let end = 0;
  for (const [from, to] of ranges) {
    parts.push(text.slice(end, from), ' '.repeat(to - from));
    end = to;
  }
  parts.push(text.slice(end));
  return parts.join('');
}

function parseStrict(text: string, findings: Findings): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const message = error instanceof Error ? error.message : '';
    const offset = Number(/position (\d+)/.exec(message)?.[1] ?? 0);
    findings.add([], 'this is not JSON', { offset });
    return undefined;
  }
}
