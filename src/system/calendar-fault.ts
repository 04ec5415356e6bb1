/** What is wrong with a schedule, in words. */
import type { Schedule } from '../core/schedule.ts';
import { type DurationMs, formatDuration, type Instant } from '../core/time.ts';
import type { NextBase } from './calendar.ts';
import { compileFields } from './cron-pattern.ts';
import { zoneFault } from './time-zone.ts';

type ShortestGap = (schedules: readonly Schedule[], from: Instant) => DurationMs | undefined;

const FIELDS = ['second', 'minute', 'hour', 'day of month', 'month', 'day of week', 'year'] as const;
const NICKNAMES = ['@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly'];
/** Sound schedules are measured from here, so that the answer does not depend on the clock. */
const REFERENCE: Instant = Date.UTC(2025, 0, 1);

/**
 * Finds what is wrong with a schedule: fields, dates that never come, zone, window, jitter.
 *
 * @param schedule as read from a configuration
 * @param nextBase the first tick of a sound schedule after an instant
 * @param shortestGap the measure that bounds its jitter
 * @returns one line that can follow `schedule: `; `undefined` when nothing is wrong
 */
export function faultOf(schedule: Schedule, nextBase: NextBase, shortestGap: ShortestGap): string | undefined {
  return ownFault(schedule) ?? windowFault(schedule) ?? emptyFault(schedule, nextBase) ?? jitterFault(schedule, shortestGap);
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
  const text = pattern.trim();
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

/** Croner's reason in the words of a reader: fields by name, and days and months counted from 1 as they were written. */
function readable(message: string): string {
  return message
    .replace(/^CronPattern: (Syntax error, )?/, '')
    .replace(/configuration entry (\d) \((.*)\)/, (_, index: string, text: string) => `${FIELDS[Number(index)]} "${text}"`)
    .replace(/configuration entry (\w+) \((.*)\)/, (_, name: string, text: string) => `${fieldName(name)} "${text}"`)
    .replace(
      /^Invalid value for (\w+): (-?\d+)/,
      (_, name: string, value: string) => `${fieldName(name)} cannot be ${asWritten(name, value)}`,
    )
    .replace(/^(\w+) is not a number/, (_, name: string) => `${fieldName(name)} is not a number`)
    .replace(/\.$/, '')
    .replace(/\s+/g, ' ');
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
