/**
 * Instants and durations. Both are plain numbers of milliseconds, flavoured so that one cannot be
 * passed for the other by mistake. Nothing here reads a clock: time comes in as an argument.
 */
import { TickwiseError } from './errors.ts';

/** A point of wall-clock time: epoch milliseconds, UTC. */
export type Instant = number & { readonly unit?: 'instant' };

/** A length of time in milliseconds. */
export type DurationMs = number & { readonly unit?: 'duration' };

/** A reading of a clock that never steps: milliseconds from an arbitrary origin, with fractions. */
export type MonotonicMs = number & { readonly unit?: 'monotonic' };

const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const DURATION = /^(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+)s)?(?:(\d+)ms)?$/;
/** A hundred years: longer durations are taken for a slip of the pen. */
const LONGEST_MS = 100 * 365.25 * UNITS.d;

/**
 * Reads a duration such as `250ms`, `30s`, `5m`, `2h`, `1d` or a combination, largest unit first (`1h30m`).
 *
 * @param text what a user wrote
 * @returns whole milliseconds, 0 to a hundred years
 * @throws TickwiseError `DURATION_INVALID` when the text is not of that form
 */
export function parseDuration(text: string): DurationMs {
  const parts = DURATION.exec(text);
  if (parts === null || text === '') throw invalidDuration(text);
  const [, d, h, m, s, ms] = parts;
  const total =
    Number(d ?? 0) * UNITS.d + Number(h ?? 0) * UNITS.h + Number(m ?? 0) * UNITS.m + Number(s ?? 0) * UNITS.s + Number(ms ?? 0);
  if (total > LONGEST_MS) throw invalidDuration(text);
  return total;
}

/**
 * Writes a duration in the form that {@link parseDuration} reads; the two are inverse for whole milliseconds.
 *
 * @param duration milliseconds; fractions are rounded
 * @returns e.g. `1h30m`, `250ms`, `0ms`
 */
export function formatDuration(duration: DurationMs): string {
  let rest = Math.round(Math.abs(duration));
  if (rest === 0) return '0ms';
  let text = duration < 0 ? '-' : '';
  for (const unit of ['d', 'h', 'm', 's', 'ms'] as const) {
    const count = Math.floor(rest / UNITS[unit]);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * UNITS[unit];
  }
  return text;
}

function invalidDuration(text: string): TickwiseError {
  return new TickwiseError(
    'DURATION_INVALID',
    `"${text}" is not a duration; expected e.g. "250ms", "30s", "5m", "2h", "1d" or "1h30m"`,
  );
}
