/** The daemons that have had this ledger open: who holds which run, and which of them closed it. */
import type { DatabaseSync } from 'node:sqlite';
import { TickwiseError } from '../core/errors.ts';
import type { NodeIdentity } from '../core/ledger.ts';
import { storeFault } from './fault.ts';

/** A daemon that is started again and again leaves a row each time; above this number those that no run names are dropped. */
const MOST_NODES = 1_000;

/**
 * Enters this daemon. Until {@link markClean} its row says that the ledger was left open.
 *
 * @param db of the current version, with no transaction under way
 * @returns the node's row
 * @throws SQLite's error
 */
export function enterNode(db: DatabaseSync, node: NodeIdentity): number {
  const row = db
    .prepare('insert into nodes (id, host, boot_id, pid, pid_start, started_at) values (?, ?, ?, ?, ?, ?) returning node')
    .get(node.id, node.host, node.bootId, node.pid, node.pidStart, node.startedAt);
  const entered = row?.['node'] as number;
  const { count } = db.prepare('select count(*) as count from nodes').get() as { count: number };
  if (count > MOST_NODES) forget(db, entered);
  return entered;
}

/**
 * Says that this daemon closes the ledger. A full disk shall not keep the file open: without the mark, the next start looks the
 * ledger over.
 *
 * @param node the row
 */
export function markClean(db: DatabaseSync, node: number): void {
  try {
    db.prepare('update nodes set clean = 1 where node = ?').run(node);
  } catch (thrown) {
    if (!(storeFault(thrown, '', '') instanceof TickwiseError)) throw thrown;
  }
}

/** SQLite would look through all runs for each node that goes, to see that none names it; one look for all of them is enough. */
function forget(db: DatabaseSync, entered: number): void {
  db.exec('pragma foreign_keys = off');
  try {
    db.prepare('delete from nodes where node <> ? and node not in (select node from runs where node is not null)').run(entered);
  } finally {
    db.exec('pragma foreign_keys = on');
  }
}
