/** What is wrong with a schedule, in words. */
import type { CronSchedule, Schedule } from '../core/schedule.ts';
import { type DurationMs, formatDuration, type Instant } from '../core/time.ts';
import type { NextBase } from './calendar-gap.ts';
import { compileFields } from './cron-pattern.ts';
import { zoneFault } from './time-zone.ts';

type ShortestGap = (schedules: readonly Schedule[], from: Instant) => DurationMs | undefined;

const FIELDS = ['second', 'minute', 'hour', 'day of month', 'month', 'day of week', 'year'] as const;
const NICKNAMES = ['@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly'];
/** Sound schedules are measured from here, so that the answer does not depend on the clock. */
const REFERENCE: Instant = Date.UTC(2025, 0, 1);

/** Verdicts kept; a hundred thousand jobs have few patterns. */
const KNOWN_LIMIT = 8_192;

/**
 * Finds what is wrong with schedules: fields, dates that never come, zone, window, jitter. The verdict on a pattern in a zone
 * takes 60 µs and is kept.
 *
 * @param nextBase the first tick of a sound schedule after an instant
 * @param shortestGap the measure that bounds the jitter of a schedule
 * @returns a function that gives one line that can follow `schedule: `; `undefined` when nothing is wrong
 */
export function createFaults(nextBase: NextBase, shortestGap: ShortestGap): (schedule: Schedule) => string | undefined {
  const known = new Map<string, string | undefined>();
  const plainFault = (schedule: Schedule): string | undefined =>
    ownFault(schedule) ?? windowFault(schedule) ?? emptyFault(schedule, nextBase);
  const keptFault = (schedule: CronSchedule): string | undefined => {
    const key = `${schedule.timezone} ${schedule.pattern}`;
    if (known.has(key)) return known.get(key);
    const fault = plainFault(schedule);
    if (known.size >= KNOWN_LIMIT) known.clear();
    known.set(key, fault);
    return fault;
  };
  return (schedule) => {
    const plain = schedule.kind === 'cron' && schedule.startAt === undefined && schedule.stopAt === undefined;
    return (plain ? keptFault(schedule) : plainFault(schedule)) ?? jitterFault(schedule, shortestGap);
  };
}

function ownFault(schedule: Schedule): string | undefined {
  switch (schedule.kind) {
    case 'cron':
      return patternFault(schedule.pattern) ?? zoneFault(schedule.timezone);
    case 'every':
      return Number.isSafeInteger(schedule.everyMs) && schedule.everyMs > 0
        ? undefined
        : `every must be a duration of at least 1ms (got ${schedule.everyMs} ms)`;
    case 'at':
      return Number.isSafeInteger(schedule.at) ? undefined : 'at is not an instant; expected e.g. "2030-01-31T09:00:00Z"';
    default:
      return schedule satisfies never;
  }
}

function patternFault(pattern: string): string | undefined {
  // Each run of white space and control characters is one space: a fault is one line.
  const text = pattern
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim()
    .slice(0, 200);
  if (text.startsWith('@')) {
    if (NICKNAMES.includes(text.toLowerCase())) return undefined;
    const why =
      text.toLowerCase() === '@reboot' ? 'ticks follow the clock, not the start of the daemon' : 'there is no such nickname';
    return `"${text}" is not supported: ${why}; expected ${NICKNAMES.join(', ')}`;
  }
  const count = text === '' ? 0 : text.split(/\s+/).length;
  if (count < 5 || count > 7) {
    return `"${text}" has ${count} field${count === 1 ? '' : 's'}; expected 5 (minute hour day month weekday), 6 (second first) or 7 (year last)`;
  }
  try {
    compileFields(text);
    return undefined;
  } catch (error) {
    return `"${text}" is not a cron pattern: ${readable(error instanceof Error ? error.message : String(error))}`;
  }
}

/** Croner's reasons in the words of a reader: fields by name, and days and months counted from 1 as they were written. */
const WORDS: readonly (readonly [RegExp, (...parts: string[]) => string])[] = [
  [/^CronPattern: (Syntax error, )?/, () => ''],
  [/configuration entry (\d) \((.*)\)/, (_, index = '', text = '') => `${FIELDS[Number(index)] ?? 'field'} "${text}"`],
  [/configuration entry (\w+) \((.*)\)/, (_, name = '', text = '') => `${fieldName(name)} "${text}"`],
  [/^Invalid value for (\w+): (-?\d+)/, (_, name = '', value = '') => `${fieldName(name)} cannot be ${asWritten(name, value)}`],
  [/^(\w+) is not a number/, (_, name = '') => `${fieldName(name)} is not a number`],
  [/^illegal stepping: 0$/, () => 'a step cannot be 0'],
  [
    /^steps cannot be greater than maximum value of part \((\d+)\)/,
    (_, size = '') => `a step cannot be larger than the field (${size})`,
  ],
  [/^stepping with .* prefix \('(.*)'\).*/, (_, text = '') => `a step follows * or a range, as in */5 or 0-59/5 (got "${text}")`],
  [/^From value is larger than to value: '(.*)'/, (_, text = '') => `a range runs from low to high (got "${text}")`],
  [/^nth weekday out of range.*/, () => 'the occurrence after # must be 1 to 5, or L'],
  [/\.$/, () => ''],
];

function readable(message: string): string {
  return WORDS.reduce((text, [pattern, words]) => text.replace(pattern, words), message);
}

function fieldName(name: string): string {
  return { day: 'day of month', nearestWeekdays: 'day of month', dayOfWeek: 'day of week' }[name] ?? name;
}

function asWritten(name: string, value: string): number {
  return Number(value) + (name === 'day' || name === 'month' || name === 'nearestWeekdays' ? 1 : 0);
}

function windowFault(schedule: Schedule): string | undefined {
  const { startAt, stopAt } = schedule;
  if (startAt !== undefined && !Number.isFinite(startAt)) return 'startAt is not an instant';
  if (stopAt !== undefined && !Number.isFinite(stopAt)) return 'stopAt is not an instant';
  if (startAt === undefined || stopAt === undefined || startAt < stopAt) return undefined;
  return `startAt ${iso(startAt)} is not before stopAt ${iso(stopAt)}`;
}

/** No tick at all, wherever one looks from: an impossible date, or a window without a tick. */
function emptyFault(schedule: Schedule, nextBase: NextBase): string | undefined {
  const { startAt, stopAt } = schedule;
  if (nextBase(schedule, (startAt ?? 0) - 1) !== Infinity) return undefined;
  const window = [startAt === undefined ? '' : ` from ${iso(startAt)}`, stopAt === undefined ? '' : ` until ${iso(stopAt)}`].join(
    '',
  );
  return schedule.kind === 'cron' ? `"${schedule.pattern.trim()}" never falls due${window}` : `it never falls due${window}`;
}

function jitterFault(schedule: Schedule, shortestGap: ShortestGap): string | undefined {
  const { jitterMs } = schedule;
  if (jitterMs === undefined) return undefined;
  if (!Number.isSafeInteger(jitterMs) || jitterMs < 0)
    return `jitter must be a duration of whole milliseconds (got ${jitterMs} ms)`;
  const gap = shortestGap([schedule], schedule.startAt ?? REFERENCE);
  if (gap === undefined || jitterMs < gap) return undefined;
  return `jitter ${formatDuration(jitterMs)} is not below the shortest gap between its ticks, ${formatDuration(gap)}`;
}

function iso(instant: Instant): string {
  return Math.abs(instant) <= 8.64e15 ? new Date(instant).toISOString() : String(instant);
}
