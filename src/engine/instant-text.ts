/** Instants and durations as a person reads them. */
import { type DurationMs, formatDuration, type Instant } from '../core/time.ts';

const formats = new Map<string, Intl.DateTimeFormat>();

/**
 * Local time with its zone, and the same in UTC.
 *
 * @param at the instant
 * @param timezone an IANA name
 * @returns e.g. `2026-03-29 03:00:00 Europe/Berlin (2026-03-29T01:00:00.000Z)`
 */
export function instantText(at: Instant, timezone: string): string {
  let format = formats.get(timezone);
  if (format === undefined) {
    // Sweden writes dates as ISO 8601 does.
    format = new Intl.DateTimeFormat('sv-SE', {
      timeZone: timezone,
      dateStyle: 'short',
      timeStyle: 'medium',
    });
    formats.set(timezone, format);
  }
  return `${format.format(at)} ${timezone} (${new Date(at).toISOString()})`;
}

/** The zone of this machine. */
export function hostZone(): string {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/**
 * A duration of which the two largest units are enough.
 *
 * @param duration milliseconds, negative ones taken for 0
 * @returns whole seconds from one second on, e.g. `3d4h`, `5m10s`, `12ms`
 */
export function roughly(duration: DurationMs): string {
  const ms = Math.max(0, duration);
  const units = formatDuration(ms < 1_000 ? Math.round(ms) : Math.round(ms / 1_000) * 1_000).match(/\d+(?:ms|[dhms])/g) ?? [];
  return units.slice(0, 2).join('');
}
