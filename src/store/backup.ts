/** A copy of a ledger that is whole by itself, made beside the daemon that goes on writing. */
import { closeSync, existsSync, fsyncSync, linkSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { connectReader } from './connection.ts';
import { storeFault } from './fault.ts';
import { findPlace } from './place.ts';

/** What became of a backup; `exists`: there was a file of that name, and it was left as it is. */
export type BackupResult =
  | { readonly kind: 'written'; readonly path: string; readonly bytes: number }
  | { readonly kind: 'exists'; readonly path: string };

/**
 * Copies a ledger as one instant sees it, packed, without a log, durable, and checked. The file has its name only when all of that is
 * done; a copy that was interrupted is left as `<name>.<pid>.partial`.
 *
 * @param ledgerPath the ledger
 * @param path of the copy (0600); never overwritten
 * @returns what became of it
 * @throws TickwiseError `STORE_UNUSABLE` when the ledger cannot be read or the copy cannot be written, with no file left behind
 */
export function backUp(ledgerPath: string, path: string): BackupResult {
  const real = findPlace(ledgerPath);
  const target = resolve(path);
  if (existsSync(target)) return { kind: 'exists', path: target };
  const partial = `${target}.${process.pid}.partial`;
  try {
    closeSync(openSync(partial, 'wx', 0o600));
    copy(real, partial);
    settle(partial);
    if (!giveName(partial, target)) return { kind: 'exists', path: target };
    sync(dirname(target));
    return { kind: 'written', path: target, bytes: statSync(target).size };
  } catch (thrown) {
    throw storeFault(thrown, `cannot be backed up to ${target}`, real);
  } finally {
    for (const end of ['', '-journal']) rmSync(`${partial}${end}`, { force: true });
  }
}

function copy(from: string, to: string): void {
  using db = connectReader(from);
  db.prepare('vacuum into ?').run(to);
}

/** Nothing was cut off in the middle of this copy, whatever the daemon does: a store that opens it need not look it over. */
function settle(path: string): void {
  {
    using db = new DatabaseSync(path);
    const [row] = db.prepare('pragma integrity_check(1)').all();
    if (row?.['integrity_check'] !== 'ok')
      throw Object.assign(new Error(String(row?.['integrity_check'])), { code: 'ERR_SQLITE_ERROR', errcode: 11 });
    db.exec('update nodes set clean = 1');
  }
  sync(path);
}

/** A link fails if there is a file of that name, at whatever moment it came. @returns false: there is one */
function giveName(partial: string, target: string): boolean {
  try {
    linkSync(partial, target);
  } catch (thrown) {
    const { code } = thrown as { code?: unknown };
    if (code === 'EEXIST') return false;
    // Not every file system has links.
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'EOPNOTSUPP') throw thrown;
    if (existsSync(target)) return false;
    renameSync(partial, target);
  }
  return true;
}

function sync(path: string): void {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
