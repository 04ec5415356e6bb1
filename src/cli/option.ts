/** What follows an option on the command line, read; commander says the rest of the line around each message. */
import { InvalidArgumentError } from 'commander';
import { LIVE_STATES, RUN_OUTCOMES, type RunState } from '../core/run.ts';
import type { Instant } from '../core/time.ts';
import { suggest } from '../config/suggest.ts';

const MOST = 1_000_000;
/** Date, perhaps time, perhaps offset. */
const INSTANT = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?)(Z|[+-]\d{2}:\d{2})?)?$/i;
/** The ledger does not keep how far a stop has come. */
const KEPT_STATES: readonly RunState[] = [
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
