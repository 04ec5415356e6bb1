/** What follows an option on the command line, read; commander says the rest of the line around each message. */
import { InvalidArgumentError } from 'commander';
import { LIVE_STATES, RUN_OUTCOMES, type RunState } from '../core/run.ts';
import { JOB_NAME } from '../core/job.ts';
import { type Instant, parseDuration } from '../core/time.ts';
import { suggest } from '../config/suggest.ts';

const MOST = 1_000_000;
/** Date, perhaps time, perhaps offset. */
const INSTANT = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?)(Z|[+-]\d{2}:\d{2})?)?$/i;
/** What `--state` may say: the ledger does not keep how far a stop has come. */
export const KEPT_STATES: readonly RunState[] = [
  ...LIVE_STATES.filter((state) => state === 'queued' || state === 'running'),
  ...RUN_OUTCOMES,
];

/** @param text of `-n` @returns 1 to a million @throws InvalidArgumentError */
export function parseCount(text: string): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && count >= 1 && count <= MOST) return count;
  throw new InvalidArgumentError(`Expected a whole number from 1 to ${MOST}.`);
}

/**
 * Reads an instant; UTC is meant where no offset is written. A day that the month does not have is refused.
 *
 * @param text e.g. `2026-03-29`, `2026-03-29T01:00Z`, `2026-03-29 01:00:00+01:00`
 * @returns epoch milliseconds
 * @throws InvalidArgumentError
 */
export function parseInstant(text: string): Instant {
  const [, date, time = '00:00', offset = 'Z'] = INSTANT.exec(text) ?? [];
  const day = Date.parse(`${date}T00:00Z`);
  const at = Date.parse(`${date}T${time}${offset.toUpperCase()}`);
  if (!Number.isNaN(at) && new Date(day).toISOString().startsWith(String(date))) return at;
  throw new InvalidArgumentError('Expected an instant such as 2026-03-29T01:00:00Z.');
}

/** @param text of `--state` @returns a state that the ledger keeps @throws InvalidArgumentError */
export function parseState(text: string): RunState {
  const state = KEPT_STATES.find((candidate) => candidate === text);
  if (state !== undefined) return state;
  const meant = suggest(text, KEPT_STATES);
  throw new InvalidArgumentError(
    `${meant === undefined ? '' : `Did you mean ${meant}? `}Expected one of ${KEPT_STATES.join(', ')}.`,
  );
}

/** @param text of `--budget` @returns the text itself, which is a duration above 0 @throws InvalidArgumentError */
export function parseBudget(text: string): string {
  try {
    if (parseDuration(text) > 0) return text;
  } catch {
    // Said below, in commander's words.
  }
  throw new InvalidArgumentError('Expected a duration above 0 such as 30s, 5m or 1h30m.');
}

/** @param text of `--idempotency-key` @returns 1 to 255 printable characters of ASCII, as a header may hold @throws InvalidArgumentError */
export function parseKey(text: string): string {
  if (/^[\x21-\x7e]{1,255}$/.test(text)) return text;
  throw new InvalidArgumentError('Expected 1 to 255 printable characters without spaces.');
}

/** @param text of `--name` @returns the name of a token @throws InvalidArgumentError */
export function parseTokenName(text: string): string {
  if (JOB_NAME.test(text)) return text;
  throw new InvalidArgumentError('Expected 1 to 63 of a-z, 0-9, ".", "_" and "-", the first a letter or digit.');
}

/** What `--scopes` may hold. */
export const SCOPES: readonly ['read', 'run', 'admin'] = ['read', 'run', 'admin'] as const;
type Scope = (typeof SCOPES)[number];

/** @param text of `--scopes` @returns scopes, each once @throws InvalidArgumentError */
export function parseScopes(text: string): readonly Scope[] {
  const given = text.split(',').map((word) => word.trim());
  const scopes = SCOPES.filter((scope) => given.includes(scope));
  if (given.every((word) => scopes.some((scope) => scope === word))) return scopes;
  throw new InvalidArgumentError('Expected a list of read, run, admin, with commas.');
}
