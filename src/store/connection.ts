/** Opening the file of a ledger for reading: while no daemon runs, or beside one. */
import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { TickwiseError } from '../core/errors.ts';
import { isNotWritable } from './fault.ts';
import { LEDGER_VERSION, versionOf } from './migrations.ts';

/** How long a statement waits for a lock of some other program, e.g. a shell that writes to the file. */
export const BUSY_WAIT_MS = 250;

/**
 * Connects to a ledger of the current version. Never writes to it.
 *
 * @param path resolved
 * @returns the connection; the caller closes it
 * @throws TickwiseError `STORE_UNUSABLE` for another version or another program's file; SQLite's error when it cannot be opened
 */
export function connectReader(path: string): DatabaseSync {
  try {
    return openForReading(path, path);
  } catch (thrown) {
    // A reader who may not write beside the file cannot share memory with a daemon. Without a log there is no daemon to share it with,
    // and all that was committed is in the file.
    if (!isNotWritable(thrown) || existsSync(`${path}-wal`)) throw thrown;
    const url = pathToFileURL(path);
    url.searchParams.set('immutable', '1');
    return openForReading(url, path);
  }
}

function openForReading(location: string | URL, path: string): DatabaseSync {
  const db = new DatabaseSync(location, { readOnly: true, timeout: BUSY_WAIT_MS });
  try {
    const version = versionOf(db, path);
    if (version === LEDGER_VERSION) return db;
    throw new TickwiseError(
      'STORE_UNUSABLE',
      `${path}: the ledger was written by an older Tickwise; start the daemon once to bring it up to date`,
    );
  } catch (thrown) {
    db.close();
    throw thrown;
  }
}
