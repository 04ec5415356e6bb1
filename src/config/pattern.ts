/** Regular expressions of a configuration, which strangers' texts are held against. */
import { inTime } from './in-time.ts';

/** They take less than a millisecond; this much only so that a busy machine is not taken for a bad pattern. */
const PATIENCE_MS = 500;
const LENGTH_LIMIT = 1_000;
/** What most patterns are about; the pattern's own letters come after it. */
const USUAL = ['a', '0', ' ', '-', '.', '_', 'A', '\n'];
const LETTERS_LIMIT = 20;

const answers = new Map<string, string | undefined>();
const ANSWERS_LIMIT = 1_000;

/**
 * What is wrong with a regular expression. One that takes ages is found by trial: texts that repeat what it is about, with an end
 * that does not fit.
 *
 * @param source of a regular expression
 * @returns what is wrong, or `undefined`
 */
export function patternFault(source: string): string | undefined {
  if (answers.has(source)) return answers.get(source);
  if (answers.size >= ANSWERS_LIMIT) answers.clear();
  const fault = faultOf(source);
  answers.set(source, fault);
  return fault;
}

function faultOf(source: string): string | undefined {
  if (source.length > LENGTH_LIMIT) return `a pattern of more than ${LENGTH_LIMIT} characters`;
  try {
    const pattern = new RegExp(source);
    const trials = trialsOf(source);
    inTime(() => trials.forEach((text) => pattern.test(text)), PATIENCE_MS);
    return undefined;
  } catch (error) {
    return error instanceof SyntaxError ? 'not a pattern' : 'this pattern can take ages: its repetitions overlap';
  }
}

function trialsOf(source: string): string[] {
  const written = source.replace(/\\u([0-9a-f]{4})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  const own = written.replace(/\\./g, '').match(/[\p{L}\p{N}\s,:;@/_=-]/gu) ?? [];
  const letters = [...new Set([...USUAL, ...own])];
  const chosen = letters.slice(0, LETTERS_LIMIT);
  const units = [...chosen, ...chosen.flatMap((one) => chosen.map((other) => one + other))];
  return units.map((unit) => `${unit.repeat(32)}\u0001`);
}
