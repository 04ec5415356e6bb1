/** A line of the log, for people or for programs. Whatever the fields hold, it is one line and it does not act on a terminal. */
import { errorRecord } from '../core/errors.ts';
import type { Instant } from '../core/time.ts';

/** The levels, least first; a log writes its own and those after it. */
export const LOG_LEVELS: readonly ['debug', 'info', 'warn', 'error'] = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** What a line is made of. */
export interface LogEntry {
  readonly at: Instant;
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** How lines are written. */
export interface LineStyle {
  readonly format: 'pretty' | 'json';
  readonly colour: boolean;
  /** Takes secrets out of a text. */
  readonly redact?: ((text: string) => string) | undefined;
}

/** Longer texts are cut, and the line says by how much. */
const TEXT_LIMIT = 16_384;
const DEPTH_LIMIT = 6;
const ENTRIES_LIMIT = 100;
/** Keys of the line itself; a field of that name gets an underscore. */
const RESERVED: ReadonlySet<string> = new Set(['time', 'level', 'message']);
/** C0, C1 and DEL, line separators, and what turns the direction of writing. */
const UNSAFE = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;
const PLAIN = /^[\w.:/@+-]+$/;
const COLOURS: Readonly<Record<LogLevel, number>> = { debug: 90, info: 36, warn: 33, error: 31 };

/**
 * Writes one entry as one line.
 *
 * @param entry any values may stand in its fields: circular, hostile getters, errors, big numbers
 * @param style format, colour and what to take out
 * @returns the line without its line break. Pretty: local time, level, job, message, `key=value`; JSON: `time` ISO, `level`,
 *   `message`, fields flat
 */
export function lineOf(entry: LogEntry, style: LineStyle): string {
  const clean = (text: string): string => shorten(style.redact === undefined ? text : style.redact(text));
  const fields: Record<string, unknown> = {};
  for (const [key, value] of entriesOf(entry.fields)) {
    if (value !== undefined) fields[RESERVED.has(key) ? `_${key}` : clean(key)] = plain(value, clean, DEPTH_LIMIT);
  }
  return style.format === 'json'
    ? jsonLine(entry, clean(entry.message), fields)
    : prettyLine(entry, clean(entry.message), fields, style.colour);
}

function jsonLine(entry: LogEntry, message: string, fields: Record<string, unknown>): string {
  const line = { time: new Date(entry.at).toISOString(), level: entry.level, message, ...fields };
  return escaped(JSON.stringify(line));
}

function prettyLine(entry: LogEntry, message: string, fields: Record<string, unknown>, colour: boolean): string {
  const paint = (code: number, text: string): string => (colour ? `\u001b[${code}m${text}\u001b[0m` : text);
  const { job, ...rest } = fields;
  const parts = [paint(90, localTime(entry.at)), paint(COLOURS[entry.level], entry.level.padEnd(5))];
  if (job !== undefined) parts.push(paint(1, wordOf(job)));
  parts.push(escaped(message));
  for (const [key, value] of Object.entries(rest)) parts.push(`${paint(90, `${escaped(key)}=`)}${wordOf(value)}`);
  return parts.join(' ');
}

/** A value as one word: bare where that is unmistakable, else as JSON. */
function wordOf(value: unknown): string {
  if (typeof value === 'string' && PLAIN.test(value)) return value;
  if (isError(value)) return escaped(JSON.stringify(`${value.name}: ${value.message}`));
  return escaped(JSON.stringify(value));
}

/** People are spared the stack; it is in the JSON lines and in the ledger. */
function isError(value: unknown): value is { name: string; message: string } {
  return typeof value === 'object' && value !== null && 'name' in value && 'message' in value;
}

/** What remains is legal inside JSON strings too: an escape of six characters. */
function escaped(text: string): string {
  return text.replace(UNSAFE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function shorten(text: string): string {
  return text.length <= TEXT_LIMIT ? text : `${text.slice(0, TEXT_LIMIT)}… (${text.length - TEXT_LIMIT} more characters)`;
}

/** Plain data of bounded depth and size, every text in it cleaned. */
function plain(value: unknown, clean: (text: string) => string, depth: number): unknown {
  switch (typeof value) {
    case 'string':
      return clean(value);
    case 'number':
      return Number.isFinite(value) ? cleanNumber(value, clean) : String(value);
    case 'boolean':
      return value;
    case 'object':
      break;
    case 'undefined':
      return undefined;
    case 'bigint':
    case 'symbol':
      return clean(value.toString());
    default:
      return '[function]';
  }
  if (value === null) return null;
  if (depth === 0) return '…';
  if (value instanceof Error) return plain(recordOf(value, clean), clean, depth - 1);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
  if (Array.isArray(value)) return value.slice(0, ENTRIES_LIMIT).map((item) => plain(item, clean, depth - 1) ?? null);
  const copy: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const [key, item] of entriesOf(value).slice(0, ENTRIES_LIMIT)) copy[clean(key)] = plain(item, clean, depth - 1);
  return copy;
}

/** A secret may be a number. One that only has the digits of a secret in it is none: most are times and sizes. */
function cleanNumber(value: number, clean: (text: string) => string): number | string {
  const text = clean(String(value));
  return /\d/.test(text) ? value : text;
}

/** Cleaned before it is cut: a cut through a secret would leave a part that nothing finds. */
function recordOf(error: Error, clean: (text: string) => string): Record<string, unknown> {
  const record = errorRecord(error);
  const whole = (key: 'message' | 'stack', cut: string): string => {
    try {
      const text = String(error[key]);
      return text.length === cut.length ? clean(text) : clean(text).slice(0, cut.length);
    } catch {
      return '';
    }
  };
  const { message, stack } = record;
  return { ...record, message: whole('message', message), ...(stack === undefined ? {} : { stack: whole('stack', stack) }) };
}

function entriesOf(value: object): [string, unknown][] {
  try {
    return Object.entries(value);
  } catch (error) {
    return [['unreadable', errorRecord(error).message]];
  }
}

function localTime(at: Instant): string {
  const date = new Date(at);
  const digits = (value: number, width = 2): string => String(value).padStart(width, '0');
  return `${digits(date.getHours())}:${digits(date.getMinutes())}:${digits(date.getSeconds())}.${digits(date.getMilliseconds(), 3)}`;
}
