/** Finds what a file imports, whatever the form. */
import { posix } from 'node:path';
import { type Token, tokensOf } from './tokens.ts';

/** One edge from a file to what it names. */
export interface Import {
  /** A path from the root of the repository for a relative one, e.g. `src/core/job.ts`; else as written, e.g. `node:fs`. */
  readonly target: string;
  /** Erased before the program runs. */
  readonly typeOnly: boolean;
  readonly line: number;
}

/**
 * Every import of a file: static, side-effect, type-only, re-export, dynamic with a literal, `import('…')` types, `require`,
 * and `new URL('…', import.meta.url)`, by which threads and child processes name their entry.
 *
 * @param file path from the root of the repository, with slashes
 * @param source its text
 * @returns in order; a dynamic import of something other than a literal has the target `(computed)`
 */
export function importsOf(file: string, source: string): Import[] {
  const tokens = tokensOf(source).filter((token) => token.kind !== 'comment');
  const found: Import[] = [];
  for (let at = 0; at < tokens.length; at++) {
    const reference = referenceAt(tokens, at);
    if (reference === undefined) continue;
    const { specifier, typeOnly } = reference;
    const target = /^\.\.?(\/|$)/.test(specifier) ? posix.join(posix.dirname(file), specifier) : specifier;
    found.push({ target, typeOnly, line: (tokens[at] as Token).line });
  }
  return found;
}

interface Reference {
  readonly specifier: string;
  readonly typeOnly: boolean;
}

function referenceAt(tokens: readonly Token[], at: number): Reference | undefined {
  const token = tokens[at] as Token;
  const before = tokens[at - 1];
  const next = tokens[at + 1];
  if (token.kind !== 'word' || next === undefined || isMark(before, '.')) return undefined;
  if (token.text === 'URL' && isMark(next, '(')) return urlAt(tokens, at);
  if ((token.text === 'import' || token.text === 'require') && isMark(next, '(')) {
    const typeOnly = isWord(before, 'typeof') || isMark(before, ':') || isMark(before, '<') || isMark(before, '|');
    return { specifier: literal(tokens[at + 2]) ?? '(computed)', typeOnly };
  }
  if (token.depth > 0) return undefined;
  if (token.text === 'import') return isMark(next, '.') ? undefined : fromClause(tokens, at);
  const reexports = isMark(next, '*') || isMark(next, '{') || (isWord(next, 'type') && !isDeclaration(tokens, at + 1));
  return token.text === 'export' && reexports ? fromClause(tokens, at) : undefined;
}

/** `export type Name = …` is a declaration; `export type { … }` and `export type *` are not. */
function isDeclaration(tokens: readonly Token[], at: number): boolean {
  return !isMark(tokens[at + 1], '{') && !isMark(tokens[at + 1], '*');
}

/** `import 'x'`, or the `from 'x'` of the statement that begins here. */
function fromClause(tokens: readonly Token[], start: number): Reference | undefined {
  const bare = literal(tokens[start + 1]);
  if (bare !== undefined) return { specifier: bare, typeOnly: false };
  for (let at = start + 1; at < tokens.length && !isMark(tokens[at], ';'); at++) {
    const specifier = isWord(tokens[at], 'from') && tokens[at]?.depth === 0 ? literal(tokens[at + 1]) : undefined;
    if (specifier !== undefined) return { specifier, typeOnly: isTypeOnly(tokens, start, at) };
    const begun = isWord(tokens[at], 'import') || isWord(tokens[at], 'export');
    if (begun && tokens[at]?.depth === 0) return undefined;
  }
  return undefined;
}

/** `import type …`, or braces in which each name is marked `type`. */
function isTypeOnly(tokens: readonly Token[], start: number, end: number): boolean {
  if (isWord(tokens[start + 1], 'type') && !isWord(tokens[start + 2], 'from') && !isMark(tokens[start + 2], ',')) return true;
  const clause = tokens.slice(start + 1, end);
  if (!isMark(clause[0], '{')) return false;
  const names = clause.filter((token, at) => token.kind === 'word' && (at === 1 || isMark(clause[at - 1], ',')));
  return names.length > 0 && names.every((name) => name.text === 'type');
}

function urlAt(tokens: readonly Token[], at: number): Reference | undefined {
  const specifier = literal(tokens[at + 2]);
  const onModule = isWord(tokens[at + 4], 'import') && isWord(tokens[at + 6], 'meta');
  return specifier !== undefined && onModule && /\.[jt]s$/.test(specifier) ? { specifier, typeOnly: false } : undefined;
}

function literal(token: Token | undefined): string | undefined {
  return token?.kind === 'string' || token?.kind === 'template' ? token.text : undefined;
}

function isMark(token: Token | undefined, text: string): boolean {
  return token?.kind === 'mark' && token.text === text;
}

function isWord(token: Token | undefined, text: string): boolean {
  return token?.kind === 'word' && token.text === text;
}
