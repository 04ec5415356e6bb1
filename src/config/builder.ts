/** What the readers of one configuration share. */
import type { Calendar } from '../core/ports.ts';
import { type DurationMs, type Instant, parseDuration } from '../core/time.ts';
import type { Findings, Path } from './finding.ts';

/** One configuration in the making. Dropped once it is read. */
export interface Builder {
  readonly findings: Findings;
  readonly calendar: Calendar;
  readonly now: Instant;
  /** Zone of schedules that name none. */
  readonly timezone: string;
  readonly baseDir: string;
  /** Where systemd puts a unit's credentials; absent outside such a unit. */
  readonly credentialsDir: string | undefined;
  /** Whether what only the daemon may read is left alone. */
  readonly isOnlooker: boolean;
  /** Frozen values by what they were made of: equal ones are one object, so that 100,000 jobs stay small. */
  readonly interned: Map<string, unknown>;
  readonly durations: Map<string, DurationMs>;
  /** Answers of the calendar and the file system, faults or `undefined`: the same question is asked once. */
  readonly answers: Map<string, string | undefined>;
}

/**
 * Makes a value, or finds the equal one that was made before. A value in whose making something was found is not kept, so that
 * the same mistake is reported wherever it stands.
 *
 * @param builder the configuration in the making
 * @param kind tells apart values that are written alike
 * @param raw plain data
 * @param make builds the value
 * @returns the value, frozen all the way down
 */
export function intern<Value>(builder: Builder, kind: string, raw: unknown, make: () => Value): Value {
  const key = `${kind} ${typeof raw === 'string' ? raw : `\u0000${JSON.stringify(raw)}`}`;
  const known = builder.interned.get(key);
  if (known !== undefined) return known as Value;
  const { count } = builder.findings;
  const made = deepFreeze(make());
  if (builder.findings.count === count) builder.interned.set(key, made);
  return made;
}

/**
 * Asks for a fault, or remembers the answer.
 *
 * @param builder keeps the answers
 * @param question what is asked, with all that the answer depends on
 * @param ask finds out
 * @returns the fault, or `undefined`
 */
export function askOnce(builder: Builder, question: string, ask: () => string | undefined): string | undefined {
  const known = builder.answers.get(question);
  if (known !== undefined || builder.answers.has(question)) return known;
  const answer = ask();
  builder.answers.set(question, answer);
  return answer;
}

/**
 * A checked duration as milliseconds.
 *
 * @param builder remembers what it has read
 * @param text a duration that the schema found sound; `undefined` where there is none
 * @returns milliseconds; `undefined` for `undefined`
 */
export function durationOf(builder: Builder, text: string | undefined): DurationMs | undefined {
  if (text === undefined) return undefined;
  let duration = builder.durations.get(text);
  if (duration === undefined) {
    duration = parseDuration(text);
    builder.durations.set(text, duration);
  }
  return duration;
}

/**
 * Freezes plain data all the way down. What is neither a plain object nor a list, such as a user's handler, is left alone.
 *
 * @param value plain data
 * @returns the same value
 */
export function deepFreeze<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && !Array.isArray(value)) return value;
  Object.freeze(value);
  for (const part of Object.values(value)) deepFreeze(part);
  return value;
}

/**
 * Checks key-values whose names must have a form, and whose values must not hold line breaks or NUL.
 *
 * @param pairs names and values
 * @param path where they stand
 * @param builder gets what is wrong
 * @param form the form of a name
 * @param expected its description
 */
export function checkPairs(
  pairs: Readonly<Record<string, string>>,
  path: Path,
  builder: Builder,
  form: RegExp,
  expected: string,
): void {
  for (const [name, value] of Object.entries(pairs)) {
    if (!form.test(name)) builder.findings.add([...path, name], 'not a legal name', { got: name, expected, at: 'key' });
    // A schema passes over `__proto__`, whose value may be anything.
    if (typeof value === 'string' && value.includes('\0')) builder.findings.add([...path, name], 'holds a NUL character');
  }
}
