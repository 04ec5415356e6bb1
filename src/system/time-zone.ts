/** Zones by name. */

/** A name that is this many letters away is offered as what was meant. */
const NEAR = 4;

/**
 * Checks the name of a zone.
 *
 * @param timezone what a user wrote
 * @returns what is wrong with it, with the nearest name if one is near; `undefined` when it is an IANA zone
 */
export function zoneFault(timezone: string): string | undefined {
  if (/^[+-]/.test(timezone)) return `timezone "${timezone}" is an offset; expected an IANA name such as "Europe/Berlin"`;
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: timezone });
    return undefined;
  } catch {
    const meant = nearestZone(timezone);
    return `timezone "${timezone}" is unknown; ${meant === undefined ? 'expected an IANA name such as "Europe/Berlin"' : `did you mean "${meant}"?`}`;
  }
}

function nearestZone(timezone: string): string | undefined {
  const wanted = timezone.toLowerCase().slice(0, 64).replaceAll(' ', '_');
  let nearest: string | undefined;
  let least = NEAR;
  for (const name of [...Intl.supportedValuesOf('timeZone'), 'UTC']) {
    const whole = name.toLowerCase();
    const city = whole.slice(whole.lastIndexOf('/') + 1);
    const away = Math.min(distance(wanted, whole), distance(wanted, city) + 0.5);
    if (away < least) [nearest, least] = [name, away];
  }
  return nearest;
}

/** Letters to add, drop or change (Levenshtein). */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let i = 1; i <= one.length; i++) {
    const next = [i];
    for (let j = 1; j <= other.length; j++) {
      const change = (row[j - 1] ?? 0) + (one[i - 1] === other[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[other.length] ?? Infinity;
}
