/**
 * One daemon a store. The lock is held by the kernel, in the name of the process: it dies with it, kill -9 included, so there is no
 * stale lock and nothing to clean up by hand. It is the RESERVED lock of a small SQLite file beside the ledger (`<ledger>-lock`), kept by a
 * transaction that stays open for the life of the daemon. RESERVED shuts out writers and lets readers in, so that whoever is
 * refused can read from the same file who holds it.
 *
 * The lock has a file of its own because POSIX drops all locks of a process on a file when the process closes any descriptor of it:
 * a reader, a backup or a copy of the ledger inside the daemon must not be able to end it. Within one process SQLite keeps count itself,
 * so a second open there is refused too. Paths are resolved before they come here, and a ledger with hard links is refused (`place.ts`).
 */
import { DatabaseSync } from 'node:sqlite';
import { TickwiseError } from '../core/errors.ts';
import type { NodeIdentity } from '../core/ledger.ts';
import { isBusy, storeFault } from './fault.ts';
import { makePrivateFile } from './place.ts';

/** A lock that is held until it is released or the process ends. */
export interface StoreLock {
  release(): void;
}

interface Holder {
  readonly pid: number;
  readonly host: string;
  readonly started_at: number;
}

/** The holder's row is written within a few milliseconds of the lock; so long does a reader wait for it. */
const HOLDER_WAIT_MS = 1_000;

/**
 * Takes the lock of a ledger, at once or not at all.
 *
 * @param ledgerPath the resolved path of the ledger
 * @param node whom to name to others
 * @returns the lock
 * @throws TickwiseError `STORE_LOCKED` naming the holder; `STORE_UNUSABLE` when the lock file cannot be used
 */
export function takeLock(ledgerPath: string, node: NodeIdentity): StoreLock {
  const path = `${ledgerPath}-lock`;
  let db: DatabaseSync | undefined;
  try {
    makePrivateFile(path);
    db = new DatabaseSync(path, { timeout: 0 });
    db.exec('begin immediate');
    db.exec('create table if not exists holder (pid integer not null, host text not null, started_at integer not null) strict');
    db.exec('delete from holder');
    db.prepare('insert into holder values (?, ?, ?)').run(node.pid, node.host, node.startedAt);
    db.exec('commit');
    // Whoever slips in between these two lines holds the lock, and this process is refused.
    db.exec('begin immediate');
    const held = db;
    return { release: () => held.close() };
  } catch (thrown) {
    db?.close();
    if (isBusy(thrown)) throw lockedError(ledgerPath, readHolder(path));
    throw storeFault(
      thrown,
      'cannot be locked',
      path,
      'remove this file while no daemon runs; it holds nothing but the name of the last one',
    );
  }
}

function readHolder(path: string): Holder | undefined {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path, { readOnly: true, timeout: HOLDER_WAIT_MS });
    return db.prepare('select pid, host, started_at from holder').get() as Holder | undefined;
  } catch {
    return undefined;
  } finally {
    db?.close();
  }
}

function lockedError(path: string, holder: Holder | undefined): TickwiseError {
  const who =
    holder === undefined
      ? 'another daemon, which is just starting, '
      : `another daemon (pid ${holder.pid} on ${holder.host}, since ${new Date(holder.started_at).toISOString()}) `;
  return new TickwiseError('STORE_LOCKED', `${path}: ${who}has this store open; stop it first, or name another "store"`, {
    facts: { path, ...(holder === undefined ? {} : { pid: holder.pid, host: holder.host, since: holder.started_at }) },
  });
}
