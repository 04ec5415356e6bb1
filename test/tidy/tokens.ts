/**
 * A scanner for TypeScript source that knows no grammar: it tells words, marks, texts, regular expressions and comments apart,
 * which is all that the tidy rules need. TypeScript 7 has no stable API for JavaScript programs (ADR 0005), and a rule that
 * matches on raw text would trip over its own examples in comments and strings.
 */

/** One piece of source. `text` of a string is its content without the quotes. */
export interface Token {
  readonly kind: 'word' | 'mark' | 'string' | 'template' | 'regexp' | 'comment';
  readonly text: string;
  /** Counted from 1. */
  readonly line: number;
  /** How many brackets of any kind are open around it. */
  readonly depth: number;
}

const SPACE = /\s/;
const WORD_START = /[\p{ID_Start}$_#\d]/u;
const WORD_PART = /[\p{ID_Continue}$\u200c\u200d]/u;
/** After these words a slash begins a regular expression; after any other word it divides. */
const BEFORE_REGEXP = new Set([
  'return',
  'typeof',
  'case',
  'in',
  'of',
  'do',
  'else',
  'void',
  'delete',
  'throw',
  'await',
  'yield',
  'new',
]);

/**
 * Splits source into tokens; spaces are dropped.
 *
 * @param source TypeScript text
 * @returns tokens in order; those inside `${…}` of a template follow the template's own
 */
export function tokensOf(source: string): Token[] {
  return scan(source, 1, 0);
}

function scan(source: string, firstLine: number, firstDepth: number): Token[] {
  const tokens: Token[] = [];
  let line = firstLine;
  let depth = firstDepth;
  let at = 0;
  const push = (kind: Token['kind'], text: string): void => void tokens.push({ kind, text, line, depth });
  while (at < source.length) {
    const char = source[at] as string;
    const from = at;
    if (SPACE.test(char)) {
      at += 1;
    } else if (source.startsWith('//', at)) {
      at = indexOr(source, '\n', at);
      push('comment', source.slice(from, at));
    } else if (source.startsWith('/*', at)) {
      at = indexOr(source, '*/', at + 2) + 2;
      push('comment', source.slice(from, at));
    } else if (char === "'" || char === '"') {
      at = endOfString(source, at);
      push('string', source.slice(from + 1, at - 1));
    } else if (char === '`') {
      const template = readTemplate(source, at);
      at = template.end;
      push('template', template.text);
      for (const hole of template.holes) {
        tokens.push(...scan(source.slice(hole.from, hole.to), line + linesIn(source, from, hole.from), depth + 1));
      }
    } else if (char === '/' && mayBeginRegexp(tokens)) {
      at = endOfRegexp(source, at);
      push('regexp', source.slice(from, at));
    } else if (WORD_START.test(char)) {
      do at += 1;
      while (at < source.length && WORD_PART.test(source[at] as string));
      push('word', source.slice(from, at));
    } else {
      at += 1;
      if (')]}'.includes(char)) depth -= 1;
      push('mark', char);
      if ('([{'.includes(char)) depth += 1;
    }
    line += linesIn(source, from, at);
  }
  return tokens;
}

function indexOr(source: string, needle: string, from: number): number {
  const found = source.indexOf(needle, from);
  return found === -1 ? source.length : found;
}

function linesIn(source: string, from: number, to: number): number {
  let lines = 0;
  for (let at = from; at < to; at++) if (source[at] === '\n') lines += 1;
  return lines;
}

function endOfString(source: string, from: number): number {
  let at = from + 1;
  while (at < source.length && source[at] !== source[from]) at += source[at] === '\\' ? 2 : 1;
  return at + 1;
}

function endOfRegexp(source: string, from: number): number {
  let inClass = false;
  let at = from + 1;
  for (; at < source.length && (inClass || source[at] !== '/'); at++) {
    if (source[at] === '\\') at += 1;
    else if (source[at] === '[') inClass = true;
    else if (source[at] === ']') inClass = false;
  }
  at += 1;
  while (at < source.length && WORD_PART.test(source[at] as string)) at += 1;
  return at;
}

interface Template {
  readonly end: number;
  readonly text: string;
  readonly holes: readonly { readonly from: number; readonly to: number }[];
}

function readTemplate(source: string, from: number): Template {
  const holes: { from: number; to: number }[] = [];
  let text = '';
  let at = from + 1;
  while (at < source.length && source[at] !== '`') {
    if (source.startsWith('${', at)) {
      const to = endOfHole(source, at + 2);
      holes.push({ from: at + 2, to });
      at = to + 1;
    } else {
      text += source[at];
      if (source[at] === '\\') text += source[at + 1] ?? '';
      at += source[at] === '\\' ? 2 : 1;
    }
  }
  return { end: at + 1, text, holes };
}

/** The place of the brace that closes a `${`. */
function endOfHole(source: string, from: number): number {
  let open = 0;
  let at = from;
  while (at < source.length) {
    const char = source[at] as string;
    if (char === '}' && open === 0) return at;
    if (char === "'" || char === '"') at = endOfString(source, at);
    else if (char === '`') at = readTemplate(source, at).end;
    else if (source.startsWith('/*', at)) at = indexOr(source, '*/', at + 2) + 2;
    else if (source.startsWith('//', at)) at = indexOr(source, '\n', at);
    else {
      if (char === '{') open += 1;
      if (char === '}') open -= 1;
      at += 1;
    }
  }
  return at;
}

function mayBeginRegexp(tokens: readonly Token[]): boolean {
  const last = tokens.findLast((token) => token.kind !== 'comment');
  if (last === undefined) return true;
  if (last.kind === 'word') return BEFORE_REGEXP.has(last.text);
  return last.kind === 'mark' && !')]}'.includes(last.text);
}
