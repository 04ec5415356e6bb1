/** The patterns that one change of a clock is tried with: more than 200, built around the local times that it repeats or skips. */
import type { Turn } from './turns.ts';

const MINUTE_MS = 60_000;
const MINUTES_LIMIT = 130;

const NICKNAMES = ['@hourly', '@daily', '@midnight', '@weekly', '@monthly', '@yearly', '@annually'];

/** `h` is the hour in which the change begins, `p` the one before, `n` `o` `q` those after; `i` a minute of the changed time. */
const FIXED_MINUTES = ['0', 'i', '59', '0,30', '0,i,59', '10-12', '0-59'];
const FIXED_HOURS = ['h', 'p,h', 'h,n', 'p,h,n', 'p-n', '0,12,h', '0-23', 'o,q'];
const WILD_MINUTES = ['*', '?', '*/5', '*/7', '*/15', '20-40/10', '0-30/30'];
const WILD_HOURS = ['*', '*/2', '*/3', 'p-q/2'];
const ANY_HOURS = ['h', 'p-n'];

/** `d` is the local date of the change, `e` the date after, `M` its month, `Y` its year, `w` its weekday, `k` which of them. */
const DAYS = [
  'd * *',
  'e * *',
  'L * *',
  'dW * *',
  'LW * *',
  '1,15,d * *',
  '1-7 * *',
  'd M *',
  '* M *',
  '* * w',
  '* * w#k',
  '* * w#L',
  '* * MON-FRI',
  'd * w',
  'd * +w',
];
const TIMES_OF_DAYS = ['i h', '0 0', '*/20 h', 'i *'];

const WITH_SECONDS = [
  '30 i h * * *',
  '0,30 i h * * *',
  '59 59 p * * *',
  '1 0 h * * *',
  '0-3 0 n * * *',
  '5,10 i,59 p-n * * *',
  '*/20 i h * * *',
  '15-45/15 0 h * * *',
  '30 */10 h * * *',
  '* i h * * *',
  '*/10 * * * * *',
  '* * * * * *',
  '0,59 59 * * * *',
  '30 0 */2 * * *',
];
const WITH_YEARS = [
  '0 i h d M * Y',
  '0 i h * * * Y',
  '0 i h * M * Y-Z',
  '0 */15 h d M * Y',
  '0 i * d M w#k Y',
  '0 i h 29 2 * *',
  '0 0 0 1 1 * Z',
  '0 i h e M * Y,Z',
];

/**
 * The patterns for a change.
 *
 * @param turn the change
 * @returns sound patterns, each once
 */
export function patternsFor(turn: Turn): string[] {
  const templates = [
    ...FIXED_MINUTES.flatMap((minute) => FIXED_HOURS.map((hour) => `${minute} ${hour} * * *`)),
    ...[...FIXED_MINUTES, ...WILD_MINUTES].flatMap((minute) => WILD_HOURS.map((hour) => `${minute} ${hour} * * *`)),
    ...WILD_MINUTES.flatMap((minute) => ANY_HOURS.map((hour) => `${minute} ${hour} * * *`)),
    ...TIMES_OF_DAYS.flatMap((time) => DAYS.map((days) => `${time} ${days}`)),
    ...WITH_SECONDS,
    ...WITH_YEARS,
  ];
  const values = placeholders(turn);
  return [...new Set([...everyMinute(turn), ...templates.map((template) => filled(template, values)), ...NICKNAMES])];
}

/** A fixed time for each minute that is skipped or repeated, and for those next to them. */
function everyMinute({ localFrom, localUntil }: Turn): string[] {
  const length = (localUntil - localFrom) / MINUTE_MS + 2;
  const stride = Math.ceil(length / MINUTES_LIMIT);
  const found: string[] = [];
  for (let index = 0; index <= length; index += stride) {
    const local = new Date(localFrom + (index - 1) * MINUTE_MS);
    found.push(`${local.getUTCMinutes()} ${local.getUTCHours()} * * *`);
  }
  return found;
}

function placeholders({ localFrom, localUntil }: Turn): ReadonlyMap<string, string> {
  const first = new Date(localFrom);
  const inside = new Date(localFrom + Math.floor((localUntil - localFrom) / 120_000) * MINUTE_MS);
  const next = new Date(localFrom + 86_400_000);
  const hour = (plus: number): string => String((inside.getUTCHours() + 24 + plus) % 24);
  return new Map(
    Object.entries({
      p: hour(-1),
      h: hour(0),
      n: hour(1),
      o: hour(2),
      q: hour(3),
      i: String(inside.getUTCMinutes()),
      d: String(first.getUTCDate()),
      e: String(next.getUTCDate()),
      M: String(first.getUTCMonth() + 1),
      Y: String(first.getUTCFullYear()),
      Z: String(first.getUTCFullYear() + 1),
      w: String(first.getUTCDay()),
      k: String(Math.ceil(first.getUTCDate() / 7)),
    }),
  );
}

/** A range that would run over midnight becomes one that ends there. */
function filled(template: string, values: ReadonlyMap<string, string>): string {
  const text = template.replaceAll(/(?<![A-Z])[phnoqideMYZwk](?![A-VX-Z])/g, (name) => values.get(name) ?? name);
  return text.replaceAll(/\b(\d+)-(\d+)\b/g, (range, low: string, high: string) => {
    if (Number(low) <= Number(high)) return range;
    return Number(low) < 23 ? `${low}-23` : '22-23';
  });
}
