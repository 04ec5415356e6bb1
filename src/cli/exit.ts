/** Exit codes, and how a command fails: one line on stderr that says what to do. */
import { type ErrorCode, TickwiseError } from '../core/errors.ts';

/** What a caller may rely on. */
export const EXIT: Readonly<Record<'ok' | 'failed' | 'usage' | 'noDaemon' | 'refused', number>> = {
  ok: 0,
  /** The thing asked for failed. */
  failed: 1,
  /** Usage or configuration is wrong. */
  usage: 2,
  /** No daemon to talk to. */
  noDaemon: 3,
  /** Refused, e.g. already running. */
  refused: 4,
};

const CODES: Partial<Record<ErrorCode, number>> = {
  CONFIG_INVALID: EXIT.usage,
  CONFIG_UNREADABLE: EXIT.usage,
  DURATION_INVALID: EXIT.usage,
  SCHEDULE_INVALID: EXIT.usage,
  STORE_UNSUPPORTED: EXIT.usage,
  INPUT_INVALID: EXIT.usage,
  NO_DAEMON: EXIT.noDaemon,
  STORE_LOCKED: EXIT.refused,
  LISTEN_FAILED: EXIT.refused,
  JOB_BUSY: EXIT.refused,
  DRAINING: EXIT.refused,
  NOT_STARTED: EXIT.refused,
};

/** What a daemon answers to what it understands and will not do: not authenticated, forbidden, in conflict, a key used before, too often, not now. */
const REFUSALS: ReadonlySet<unknown> = new Set([401, 403, 409, 422, 429, 503]);

/**
 * Says on stderr what went wrong, and gives the exit code for it. An operating error is one line (an invalid configuration: one
 * for each fault); anything else is a bug, and shows its stack.
 *
 * @param thrown what a command threw
 * @returns the exit code
 */
export function reportFailure(thrown: unknown): number {
  if (!(thrown instanceof TickwiseError)) {
    console.error('tickwise: this is a bug, please report it:', thrown);
    return EXIT.failed;
  }
  console.error(thrown.code === 'CONFIG_INVALID' ? thrown.message : `tickwise: ${thrown.message}`);
  const { status } = thrown.facts;
  if (thrown.code === 'REQUEST_FAILED' && REFUSALS.has(status)) return EXIT.refused;
  // What was written on the command line is of the wrong form, or too long.
  if (thrown.code === 'REQUEST_FAILED' && (status === 400 || status === 413)) return EXIT.usage;
  return CODES[thrown.code] ?? EXIT.failed;
}

/**
 * Says on stderr, in one line, why a command did not do what it was asked for.
 *
 * @param message what is wrong, where, what to do
 * @param exitCode of {@link EXIT}
 * @returns the exit code
 */
export function complain(message: string, exitCode: number): number {
  console.error(`tickwise: ${message}`);
  return exitCode;
}
