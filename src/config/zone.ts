/** Names of time zones. */
import type { Findings, Path } from './finding.ts';
import { suggest } from './suggest.ts';

const known = new Map<string, boolean>();
const meanings = new Map<string, string | undefined>();
const KNOWN_LIMIT = 1_000;

/**
 * Whether a text names an IANA zone. Offsets such as `+01:00` are none.
 *
 * @param zone any text
 * @returns whether this runtime knows it
 */
export function isZone(zone: string): boolean {
  let answer = known.get(zone);
  if (answer === undefined) {
    answer = /^[A-Za-z]/.test(zone) && isAccepted(zone);
    if (known.size >= KNOWN_LIMIT) known.clear();
    known.set(zone, answer);
  }
  return answer;
}

function isAccepted(zone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: zone }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

/**
 * Reports a zone that is unknown, with the nearest name.
 *
 * @param zone what a user wrote
 * @param path where it stands; sealed if the zone is unknown
 * @param findings gets what is wrong
 */
export function checkZone(zone: string, path: Path, findings: Findings): void {
  if (isZone(zone)) return;
  const meant = findings.isTemplate(path) ? undefined : nearest(zone);
  findings.add(path, `unknown time zone${meant === undefined ? '' : `, did you mean "${meant}"?`}`, {
    got: zone,
    expected: 'an IANA zone such as "Europe/Berlin"',
  });
  findings.seal(path);
}

function nearest(zone: string): string | undefined {
  if (!meanings.has(zone)) {
    if (meanings.size >= KNOWN_LIMIT) meanings.clear();
    meanings.set(zone, search(zone));
  }
  return meanings.get(zone);
}

function search(zone: string): string | undefined {
  const names = [...Intl.supportedValuesOf('timeZone'), 'UTC'];
  const wanted = zone.replaceAll(' ', '_');
  const city = suggest(
    wanted,
    names.map((name) => name.slice(name.lastIndexOf('/') + 1)),
  );
  return suggest(wanted, names) ?? names.find((name) => city !== undefined && name.endsWith(`/${city}`));
}
