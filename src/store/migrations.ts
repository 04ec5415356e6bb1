/** How a file of an earlier version comes to the shape that this program writes. */
import type { DatabaseSync } from 'node:sqlite';
import { TickwiseError } from '../core/errors.ts';
import { STEPS } from './migration-steps.ts';

/** "TkWs": marks the file as a ledger, so that no other program's database is taken for one. */
export const APPLICATION_ID = 0x54_6b_57_73;

/** The version that this program writes. */
export const LEDGER_VERSION: number = STEPS.length;

/**
 * Brings a file to {@link LEDGER_VERSION}, each step in a transaction of its own. An empty file becomes an empty ledger.
 *
 * @param db open for writing
 * @param path named in errors
 * @param target the version to stop at; an older one makes a ledger as an older program left it
 * @throws TickwiseError `STORE_UNUSABLE` when the file is another program's, or was written by a newer version
 */
export function migrate(db: DatabaseSync, path: string, target: number = LEDGER_VERSION): void {
  if (isBlank(db)) db.exec(`pragma application_id = ${APPLICATION_ID}`);
  for (let version = versionOf(db, path); version < target; version++) {
    db.exec('begin immediate');
    try {
      db.exec(STEPS[version] as string);
      db.exec(`pragma user_version = ${version + 1}`);
      db.exec('commit');
    } catch (thrown) {
      if (db.isTransaction) db.exec('rollback');
      throw thrown;
    }
  }
}

/**
 * Reads a ledger's version.
 *
 * @param db open for reading
 * @param path named in errors
 * @returns 0 (blank) to {@link LEDGER_VERSION}
 * @throws TickwiseError `STORE_UNUSABLE` when the file is another program's, or was written by a newer version
 */
export function versionOf(db: DatabaseSync, path: string): number {
  if (pragma(db, 'application_id') !== APPLICATION_ID) {
    throw new TickwiseError(
      'STORE_UNUSABLE',
      `${path}: this is a SQLite database, but not a Tickwise ledger; name another file as "store"`,
    );
  }
  const version = pragma(db, 'user_version');
  if (version <= STEPS.length) return version;
  throw new TickwiseError(
    'STORE_UNUSABLE',
    `${path}: the ledger has version ${version} and this Tickwise knows versions up to ${STEPS.length}; install the newer Tickwise that wrote it`,
    { facts: { path, version, known: STEPS.length } },
  );
}

/** Nothing has ever been written: no table, no mark. @param db open for reading */
export function isBlank(db: DatabaseSync): boolean {
  const row = db.prepare('select count(*) as count from sqlite_schema').get() as { count: number };
  return row.count === 0 && pragma(db, 'application_id') === 0 && pragma(db, 'user_version') === 0;
}

function pragma(db: DatabaseSync, name: 'application_id' | 'user_version'): number {
  return (db.prepare(`pragma ${name}`).get() as Record<string, number>)[name] as number;
}
