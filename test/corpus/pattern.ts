/** Cron patterns as their users read them; written for the corpus, from the documentation of the syntax and not from its code. */

/** A pattern, ready to be compared with a wall clock. */
export interface Pattern {
  readonly text: string;
  /** No wildcard and no step in seconds, minutes and hours. */
  readonly fixed: boolean;
  /** Seconds of the day, ascending. */
  readonly times: readonly number[];
  /** Whether a day is due: its number since the epoch. */
  isDue(day: number): boolean;
}

interface DayRule {
  readonly any: boolean;
  matches(date: CalendarDate): boolean;
}

interface CalendarDate {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  readonly date: number;
  /** 0 is Sunday. */
  readonly weekday: number;
  /** Days of the month. */
  readonly length: number;
}

const DAY_MS = 86_400_000;
const NICKNAMES: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};
const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const WEEKDAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];
const LAST_YEAR = 9_999;

/**
 * Reads a pattern.
 *
 * @param text 5, 6 or 7 fields or a nickname, and sound: faults are not looked for
 * @returns the pattern
 */
export function parsePattern(text: string): Pattern {
  const fields = (NICKNAMES[text] ?? text).split(' ');
  if (fields.length === 5) fields.unshift('0');
  const [second = '0', minute = '*', hour = '*', date = '*', month = '*', weekday = '*', year = '*'] = fields;
  const hours = numbers(hour, 0, 23);
  const minutes = numbers(minute, 0, 59);
  const seconds = numbers(second, 0, 59);
  const times = hours.flatMap((h) => minutes.flatMap((m) => seconds.map((s) => h * 3_600 + m * 60 + s)));
  return { text, fixed: !/[*?/]/.test(second + minute + hour), times, isDue: dayTest(date, month, weekday, year) };
}

function dayTest(date: string, month: string, weekday: string, year: string): (day: number) => boolean {
  const months = new Set(numbers(named(month, MONTHS, 1), 1, 12));
  const years = isAny(year) ? undefined : new Set(numbers(year, 1, LAST_YEAR));
  const byDate = dateRule(date);
  const both = weekday.startsWith('+');
  const byWeekday = weekdayRule(weekday.replace('+', ''));
  if (byDate.any && byWeekday.any && years === undefined && months.size === 12) return () => true;
  const found = new Map<number, boolean>();
  const judge = (day: number): boolean => {
    const on = calendarDate(day);
    if (!months.has(on.month) || (years !== undefined && !years.has(on.year))) return false;
    if (byWeekday.any) return byDate.matches(on);
    if (byDate.any || both) return byDate.matches(on) && byWeekday.matches(on);
    return byDate.matches(on) || byWeekday.matches(on);
  };
  return (day) => {
    const known = found.get(day);
    if (known !== undefined) return known;
    const due = judge(day);
    found.set(day, due);
    return due;
  };
}

function dateRule(field: string): DayRule {
  const rules = field.split(',').map((part): ((on: CalendarDate) => boolean) => {
    if (part === 'L') return (on) => on.date === on.length;
    if (part === 'LW') return (on) => on.date === nearestWorkday(on, on.length);
    if (part.endsWith('W')) return (on) => on.date === nearestWorkday(on, Number(part.slice(0, -1)));
    const dates = new Set(numbers(part, 1, 31));
    return (on) => dates.has(on.date);
  });
  return { any: isAny(field), matches: (on) => rules.some((rule) => rule(on)) };
}

function weekdayRule(field: string): DayRule {
  const rules = named(field, WEEKDAYS, 0)
    .split(',')
    .map((part): ((on: CalendarDate) => boolean) => {
      const [days = '', nth] = part.split('#');
      const weekdays = new Set(numbers(days, 0, 7).map((value) => value % 7));
      if (nth === undefined) return (on) => weekdays.has(on.weekday);
      if (nth === 'L') return (on) => weekdays.has(on.weekday) && on.date + 7 > on.length;
      return (on) => weekdays.has(on.weekday) && Math.ceil(on.date / 7) === Number(nth);
    });
  return { any: isAny(field), matches: (on) => rules.some((rule) => rule(on)) };
}

/** The workday nearest to a date of the same month; `Infinity` if the month has no such date. */
function nearestWorkday(on: CalendarDate, date: number): number {
  if (date > on.length) return Infinity;
  const weekday = (((on.weekday + date - on.date) % 7) + 7) % 7;
  if (weekday === 6) return date === 1 ? 3 : date - 1;
  if (weekday === 0) return date === on.length ? date - 2 : date + 1;
  return date;
}

function calendarDate(day: number): CalendarDate {
  const at = new Date(day * DAY_MS);
  const length = new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + 1, 0)).getUTCDate();
  return { year: at.getUTCFullYear(), month: at.getUTCMonth() + 1, date: at.getUTCDate(), weekday: at.getUTCDay(), length };
}

function numbers(field: string, min: number, max: number): number[] {
  const found = new Set<number>();
  for (const part of field.split(',')) {
    const [range = '', step = '1'] = part.split('/');
    const [low = '', high = low] = isAny(range) ? [String(min), String(max)] : range.split('-');
    for (let value = Number(low); value <= Number(high); value += Number(step)) found.add(value);
  }
  return [...found].toSorted((one, other) => one - other);
}

function named(field: string, names: readonly string[], first: number): string {
  return names.reduce((text, name, index) => text.replaceAll(name, String(index + first)), field);
}

function isAny(field: string): boolean {
  return field === '*' || field === '?';
}
