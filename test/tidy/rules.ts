/** The rules. Each takes a file's path and text, and gives its breaches as lines that name file and fault. */
import { importsOf } from './imports.ts';
import { COMPUTED_IMPORTS, EMPTY_NAMES, FENCES, FOREIGN_PLACES, LONGEST_FILE, NOT_IN_CORE, NOT_IN_SRC, ROOMS } from './table.ts';
import { type Token, tokensOf } from './tokens.ts';

/** A file as the rules see it; the path is from the root of the repository, with slashes. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** A rule: no breach is an empty list. */
export type Rule = (file: SourceFile) => string[];

/** Rooms import each other only as the table allows. */
export const keepsToItsRoom: Rule = ({ path, text }) => {
  const room = Object.keys(ROOMS).find((prefix) => path.startsWith(prefix));
  if (room === undefined) return path.startsWith('src/') ? [`${path} is in no room of the table`] : [];
  const allowed = [room, ...(ROOMS[room] ?? [])];
  return importsOf(path, text)
    .filter(({ target }) => /^(src|test|bench|config|examples)\//.test(target) || target.startsWith('..'))
    .filter(({ target, typeOnly }) => !allowed.some((entry) => admits(entry, target, typeOnly)))
    .map(({ target }) => `${path} -> ${target}`);
};

function admits(entry: string, target: string, typeOnly: boolean): boolean {
  return entry.startsWith('type ') ? typeOnly && target.startsWith(entry.slice(5)) : target.startsWith(entry);
}

/** Packages stay behind their fences; core imports none, and nothing of Node. */
export const keepsPackagesFenced: Rule = ({ path, text }) => {
  if (!path.startsWith('src/')) return [];
  return importsOf(path, text)
    .filter(({ target }) => !target.startsWith('src/') && !isOpen(path, target))
    .map(({ target }) => `${path} -> ${target}`);
};

function isOpen(path: string, target: string): boolean {
  if (target === '(computed)') return startsWithAny(path, COMPUTED_IMPORTS);
  if (path.startsWith('src/core/')) return false;
  const name = Object.keys(FENCES).find((known) => target === known || target.startsWith(`${known}/`));
  return name === undefined ? target.startsWith('node:') : startsWithAny(path, FENCES[name] ?? []);
}

/** Words of power are spoken only where the table says. */
export const keepsItsTongue: Rule = ({ path, text }) => {
  if (!path.startsWith('src/')) return [];
  const banned = Object.keys(NOT_IN_SRC).filter((word) => !startsWithAny(path, NOT_IN_SRC[word] ?? []));
  if (path.startsWith('src/core/')) banned.push(...NOT_IN_CORE);
  const spoken = wordsOf(text);
  return banned.filter((word) => spoken.has(word)).map((word) => `${path} -> ${word} (line ${spoken.get(word)})`);
};

/** Words and `Owner.member` pairs of the code, comments and texts left out, with the line of the first use. */
function wordsOf(text: string): Map<string, number> {
  const tokens = tokensOf(text).filter((token) => token.kind !== 'comment');
  const words = new Map<string, number>();
  for (const [at, { kind, text: word, line }] of tokens.entries()) {
    const isMember = tokens[at - 1]?.text === '.' && tokens[at - 2]?.text !== '.';
    const isKey = tokens[at + 1]?.text === ':' || (tokens[at + 1]?.text === '?' && tokens[at + 2]?.text === ':');
    if (kind !== 'word' || isKey) continue;
    const spoken = !isMember ? word : `${tokens[at - 2]?.text}.${word}`;
    if (!words.has(spoken)) words.set(spoken, line);
    const isGlobal = isMember && /^(global|globalThis|self|timers\w*)$/.test(tokens[at - 2]?.text ?? '');
    if (isGlobal && !words.has(word)) words.set(word, line);
  }
  return words;
}

/** Files are short enough to be read in one go. */
export const isShort: Rule = ({ path, text }) => {
  const lines = text.replace(/\n$/, '').split('\n').length;
  return path.startsWith('src/') && lines > LONGEST_FILE ? [`${path} -> ${lines} lines (limit ${LONGEST_FILE})`] : [];
};

/** Files are named after the noun that they define. */
export const hasAName: Rule = ({ path }) => {
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (!path.startsWith('src/') || !name.endsWith('.ts')) return [];
  const isBarrel = name === 'index.ts' && path !== 'src/index.ts';
  const isKebab = /^[a-z0-9]+(-[a-z0-9]+)*\.ts$/.test(name);
  return isBarrel || EMPTY_NAMES.test(name) || !isKebab
    ? [`${path} -> a name that says nothing, a barrel, or not kebab-case`]
    : [];
};

/** The type checker and the tests are never told to look away. */
export const looksAtEverything: Rule = ({ path, text }) => {
  const isTest = path.endsWith('.test.ts');
  const silenced = isTest ? /@ts-(ignore|nocheck)/ : /@ts-(ignore|nocheck|expect-error)/;
  const tokens = tokensOf(text);
  const breaches = tokens
    .filter((token) => token.kind === 'comment' && silenced.test(token.text))
    .map(({ line }) => `${path} -> a type error that is silenced (line ${line})`);
  const code = tokens.filter((token) => token.kind !== 'comment');
  for (const [at, { kind, text: word, line }] of code.entries()) {
    if (!isTest || kind !== 'word' || code[at - 1]?.text !== '.') continue;
    const isCalled = ['(', '.', '<'].includes(code[at + 1]?.text ?? '');
    const ofATest = ['test', 'it', 'describe', 'suite', 'each', 'concurrent', 'sequential'].includes(code[at - 2]?.text ?? '');
    if (isCalled && ofATest && ['only', 'skip', 'todo', 'fails'].includes(word))
      breaches.push(`${path} -> .${word} (line ${line})`);
  }
  return breaches;
};

/** Every export of `src/` says what it does; a type that is derived from the documented constant above it need not. */
export const isDocumented: Rule = ({ path, text }) => {
  if (!path.startsWith('src/')) return [];
  const tokens = tokensOf(text);
  return tokens.flatMap((token, at) => {
    if (token.kind !== 'word' || token.text !== 'export' || token.depth > 0 || !declares(tokens, at)) return [];
    const before = tokens[at - 1];
    const documented = before?.kind === 'comment' && before.text.startsWith('/**');
    return documented || isDerivedType(tokens, at) || isOverload(tokens, at)
      ? []
      : [`${path} -> ${nameOf(tokens, at)} has no docstring (line ${token.line})`];
  });
};

const DECLARATIONS = ['function', 'class', 'interface', 'type', 'const', 'let', 'async', 'abstract', 'declare'];

function declares(tokens: readonly Token[], at: number): boolean {
  const isTypeExport = tokens[at + 1]?.text === 'type' && ['{', '*'].includes(tokens[at + 2]?.text ?? '');
  return DECLARATIONS.includes(tokens[at + 1]?.text ?? '') && !isTypeExport;
}

/** `export type Outcome = (typeof OUTCOMES)[number];` */
function isDerivedType(tokens: readonly Token[], at: number): boolean {
  return (
    tokens[at + 1]?.text === 'type' &&
    tokens[at + 3]?.text === '=' &&
    tokens[at + 4]?.text === '(' &&
    tokens[at + 5]?.text === 'typeof'
  );
}

/** The later signatures of a function that was documented at its first. */
function isOverload(tokens: readonly Token[], at: number): boolean {
  const name = nameOf(tokens, at);
  return tokens
    .slice(0, at)
    .some((token, index) => token.text === 'export' && token.depth === 0 && nameOf(tokens, index) === name);
}

function nameOf(tokens: readonly Token[], at: number): string {
  return tokens.slice(at + 1, at + 5).find((token) => token.kind === 'word' && !DECLARATIONS.includes(token.text))?.text ?? '';
}

/** Classes inherit from errors and from nothing else. */
export const inheritsErrorsOnly: Rule = ({ path, text }) => {
  if (!path.startsWith('src/')) return [];
  const tokens = tokensOf(text).filter((token) => token.kind !== 'comment');
  return tokens.flatMap(({ text: word, kind }, at) => {
    const isClass = kind === 'word' && word === 'class' && tokens[at + 1]?.kind === 'word';
    const parent = isClass && tokens[at + 2]?.text === 'extends' ? tokens[at + 3]?.text : undefined;
    return parent === undefined || parent.endsWith('Error') ? [] : [`${path} -> class ${tokens[at + 1]?.text} extends ${parent}`];
  });
};

/** No file names a machine that it was written on, or where packages came from. */
export const namesNoMachine: Rule = ({ path, text }) =>
  text.split('\n').flatMap((line, index) => {
    const place = FOREIGN_PLACES.map((pattern) => pattern.exec(line)?.[0]).find((found) => found !== undefined);
    return place === undefined ? [] : [`${path} -> ${place} (line ${index + 1})`];
  });

/** The lock file says what is installed, never from where. */
export const locksNoAddress: Rule = ({ path, text }) =>
  path === 'package-lock.json' && text.includes('"resolved"') ? [`${path} -> "resolved" addresses`] : [];

function startsWithAny(path: string, prefixes: readonly string[]): boolean {
  return prefixes.some((prefix) => path.startsWith(prefix));
}
