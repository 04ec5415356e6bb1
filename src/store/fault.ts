/** What SQLite and the file system throw, as one line that says what is wrong, where, and what to do. */
import { TickwiseError } from '../core/errors.ts';

/** What to do with a ledger that cannot be trusted. */
export const IF_DAMAGED =
  'restore a backup made with "tickwise backup", or move the file (with its "-wal" and "-shm") aside to begin a new ledger';

/** SQLite's primary result codes that need advice of their own (https://sqlite.org/rescode.html). */
const ADVICE: Readonly<Record<number, string>> = {
  3: 'give this user the right to read and write the file and its folder',
  5: 'another program holds a write lock on it; end that program',
  6: 'another program holds a write lock on it; end that program',
  8: 'give this user the right to write the file, its "-wal" and "-shm" and the folder, or mount the file system writable',
  10: 'look for disk errors in the system log; then start again',
  11: `the file is damaged; ${IF_DAMAGED}`,
  13: 'the disk is full or a quota is reached; free some space',
  14: 'see that it is a file, that its folder exists and that this user may read and write both',
  19: 'the ledger refused what would break the promise; please report this',
  26: `the file is not a SQLite database; name another file as "store", or ${IF_DAMAGED}`,
};

/** Extended codes that say more than their primary code (https://sqlite.org/rescode.html). */
const EXTENDED_ADVICE: Readonly<Record<number, string | undefined>> = {
  /** SQLITE_IOERR_SHMSIZE: the index of the log could not grow. */
  4874: ADVICE[13],
};

/**
 * Turns whatever an attempt to open, read or write the store threw into the one error for it.
 *
 * @param thrown from `node:sqlite` or `node:fs`; a TickwiseError comes back as it is
 * @param doing what was tried, e.g. `cannot be written`
 * @param path the file
 * @param ifDamaged what to do when the file is damaged or no database; absent: what to do with a ledger
 * @returns a TickwiseError `STORE_UNUSABLE`, or the very value that was thrown if it is neither of SQLite nor of the system: a bug
 */
export function storeFault(thrown: unknown, doing: string, path: string, ifDamaged?: string): unknown {
  if (!(thrown instanceof Error) || thrown instanceof TickwiseError) return thrown;
  const { code, errcode } = thrown as { code?: unknown; errcode?: unknown };
  if (typeof code !== 'string') return thrown;
  const primary = primaryCode(thrown);
  const isDamaged = primary === 11 || primary === 26;
  const extended = typeof errcode === 'number' ? EXTENDED_ADVICE[errcode] : undefined;
  const known = extended ?? (primary === undefined ? undefined : ADVICE[primary]);
  const advice = (isDamaged ? ifDamaged : undefined) ?? known ?? 'see that the file can be read and written';
  const cause = thrown.message.replaceAll(/\s*\n\s*/g, ' ');
  return new TickwiseError('STORE_UNUSABLE', `${path}: the store ${doing}: ${cause}; ${advice}`, {
    cause: thrown,
    facts: { path, ...(typeof errcode === 'number' ? { errcode } : { code }) },
  });
}

/**
 * Whether SQLite gave up because another connection holds a lock.
 *
 * @param thrown any value
 * @returns true for SQLITE_BUSY and its extended codes
 */
export function isBusy(thrown: unknown): boolean {
  return primaryCode(thrown) === 5;
}

/**
 * Whether SQLite gave up because it may not write the file, or may not make another beside it.
 *
 * @param thrown any value
 * @returns true for SQLITE_READONLY, SQLITE_CANTOPEN and their extended codes
 */
export function isNotWritable(thrown: unknown): boolean {
  const code = primaryCode(thrown);
  return code === 8 || code === 14;
}

function primaryCode(thrown: unknown): number | undefined {
  const errcode: unknown = thrown instanceof Error ? (thrown as { errcode?: unknown }).errcode : undefined;
  return typeof errcode === 'number' ? errcode & 0xff : undefined;
}
