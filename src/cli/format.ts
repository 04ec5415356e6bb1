/** Tables, instants and durations for people, and JSON for programs. */
import { styleText } from 'node:util';
import { redact } from '../config/redact.ts';
import type { DurationMs, Instant } from '../core/time.ts';
import { formatDuration } from '../core/time.ts';

/** A cell of a table; `colour` is used on a terminal only, and never when `NO_COLOR` is set. */
export interface Cell {
  readonly text: string;
  readonly colour?: 'green' | 'red' | 'yellow' | 'cyan' | 'gray' | undefined;
}

const GAP = '  ';
/** Control characters of a job's output must not reach a terminal. */
const CONTROL = /[\p{Cc}\u2028\u2029]+/gu;

/**
 * Lays a table out in columns. On a terminal the last column is cut at its edge.
 *
 * @param head names of the columns
 * @param rows cells or plain texts, each row as long as the head
 * @returns lines, each with its line break
 */
export function table(head: readonly string[], rows: readonly (readonly (Cell | string)[])[]): string {
  const cells = rows.map((row) => row.map((cell) => (typeof cell === 'string' ? { text: cell } : cell)).map(onOneLine));
  const all = [head.map((text): Cell => ({ text, colour: 'gray' })), ...cells];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.text.length ?? 0)));
  const width = process.stdout.isTTY === true ? process.stdout.columns : Infinity;
  return all.map((row) => `${line(row, widths, width)}\n`).join('');
}

/**
 * Paints a text for a stream, if that is a terminal that wants colour.
 *
 * @param cell the text
 * @param stream standard output unless given
 * @returns the text to write
 */
export function paint({ text, colour }: Cell, stream: NodeJS.WriteStream = process.stdout): string {
  return colour === undefined ? text : styleText(colour, text, { stream });
}

/** The colour of a run's or job's state. @param state a word of the ledger @returns a colour, or none */
export function colourOf(state: string): Cell['colour'] {
  if (state === 'succeeded') return 'green';
  if (state === 'failed' || state === 'killed' || state === 'lost' || state === 'blocked') return 'red';
  if (state === 'timedOut' || state === 'cancelled' || state === 'paused') return 'yellow';
  return state === 'running' || state === 'queued' || state === 'unfinished' ? 'cyan' : undefined;
}

/**
 * Local time as people write it, e.g. `2026-03-29 03:00:00 +02:00`.
 *
 * @param at the instant
 * @param timezone an IANA name
 * @returns date, time (milliseconds only if there are any) and offset
 */
export function localTime(at: Instant, timezone: string): string {
  const shifted = new Date(at + offsetOf(at, timezone)).toISOString();
  return `${shifted.slice(0, 10)} ${shifted.slice(11, at % 1_000 === 0 ? 19 : 23)} ${offsetText(offsetOf(at, timezone))}`;
}

const formats = new Map<string, Intl.DateTimeFormat>();

/**
 * How far local time is ahead of UTC.
 *
 * @param at the instant
 * @param timezone an IANA name
 * @returns milliseconds, negative in the west
 */
export function offsetOf(at: Instant, timezone: string): DurationMs {
  let format = formats.get(timezone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-US', { timeZone: timezone, timeZoneName: 'longOffset' });
    formats.set(timezone, format);
  }
  const [, sign, hours, minutes, seconds] = /GMT([+-])(\d+):(\d+)(?::(\d+))?/.exec(format.format(at)) ?? [];
  const offsetS = Number(hours ?? 0) * 3_600 + Number(minutes ?? 0) * 60 + Number(seconds ?? 0);
  return (sign === '-' ? -offsetS : offsetS) * 1_000;
}

/** @param offset milliseconds @returns e.g. `+05:30` */
export function offsetText(offset: DurationMs): string {
  const minutes = Math.round(Math.abs(offset) / 60_000);
  const two = (count: number): string => String(count).padStart(2, '0');
  return `${offset < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}

/** @param at the instant, if there is one @returns ISO 8601, UTC */
export function iso(at: Instant): string {
  return new Date(at).toISOString();
}

/**
 * A duration of which only the two largest units matter.
 *
 * @param duration milliseconds
 * @returns e.g. `3d4h`, `5m10s`, `1s250ms`, `12ms`
 */
export function roughly(duration: DurationMs): string {
  const units = formatDuration(duration).match(/\d+(?:ms|[dhms])/g) ?? [];
  return `${duration < 0 ? '-' : ''}${units.slice(0, 2).join('')}`;
}

/** @param at the instant @param now the wall clock @returns `in 5m10s` or `12s ago` */
export function relative(at: Instant, now: Instant): string {
  const wholeSeconds = Math.round(Math.abs(at - now) / 1_000) * 1_000;
  if (wholeSeconds === 0) return 'now';
  return at > now ? `in ${roughly(wholeSeconds)}` : `${roughly(wholeSeconds)} ago`;
}

/**
 * Writes a value as JSON for programs.
 *
 * @param value plain data
 * @param secrets blotted out of it
 */
export function printJson(value: unknown, secrets: readonly string[] = []): void {
  process.stdout.write(`${redact(JSON.stringify(value, undefined, 2), secrets)}\n`);
}

/** @param count how many @param noun in the singular @returns e.g. `1 job`, `4 jobs` */
export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function onOneLine(cell: Cell): Cell {
  return { ...cell, text: cell.text.replace(CONTROL, ' ') };
}

function line(row: readonly Cell[], widths: readonly number[], width: number): string {
  let used = 0;
  const parts = row.map((cell, column) => {
    const isLast = column === row.length - 1;
    const room = Math.max(8, width - used);
    const text = isLast && cell.text.length > room ? `${cell.text.slice(0, room - 1)}…` : cell.text;
    used += (widths[column] ?? 0) + GAP.length;
    return `${paint({ ...cell, text })}${isLast ? '' : ' '.repeat((widths[column] ?? 0) - text.length)}`;
  });
  return parts.join(GAP).trimEnd();
}
