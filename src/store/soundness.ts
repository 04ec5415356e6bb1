/**
 * Whether a ledger can be trusted, before the first byte is written to it. A daemon that closes its ledger marks its row in `nodes` as
 * clean; where that mark is missing, the last daemon was killed or the power failed, and the whole file is read through
 * (`integrity_check`: 0.7 s for a million rows, in proportion to the file).
 *
 * SQLite takes a log that it cannot read for an empty one, and so would begin again at the last checkpoint as if nothing had been
 * committed since. What a power cut leaves of a log that was never synced is no header or one of zeros; anything else is damage.
 */
import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { TickwiseError } from '../core/errors.ts';
import { IF_DAMAGED } from './fault.ts';
import { isBlank, versionOf } from './migrations.ts';

const LOG_HEADER_BYTES = 32;
/** The last bit tells in which byte order its checksums are (https://sqlite.org/fileformat2.html#walformat). */
const LOG_MAGIC = 0x377f0682;
/** The first version that marks a clean end. */
const MARKED_SINCE = 2;

/**
 * Refuses a ledger that is damaged or cut off. Call it under the lock, before anything is written.
 *
 * @param path resolved; a file that is not there or empty is sound
 * @throws TickwiseError `STORE_UNUSABLE` with one line saying what is wrong and what to do; SQLite's error when it cannot be read
 */
export function checkSoundness(path: string): void {
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) === 0) return;
  const hasLog = checkLog(path);
  // A rollback journal is left by a daemon that died while it made the file; SQLite needs to write to roll it back.
  using db = new DatabaseSync(path, { readOnly: !existsSync(`${path}-journal`) });
  if (isBlank(db)) return;
  const version = versionOf(db, path);
  if (version >= MARKED_SINCE ? wasClosed(db) : !hasLog) return;
  const [finding] = db
    .prepare('pragma integrity_check(1)')
    .all()
    .map((row) => String(row['integrity_check']));
  if (finding !== 'ok') throw damaged(path, String(finding).replaceAll(/\s*\n\s*/g, ' '));
}

function wasClosed(db: DatabaseSync): boolean {
  const row = db.prepare('select clean from nodes order by node desc limit 1').get();
  return row === undefined || row['clean'] === 1;
}

/** @returns whether there is a log with anything in it */
function checkLog(path: string): boolean {
  const logPath = `${path}-wal`;
  const bytes = statSync(logPath, { throwIfNoEntry: false })?.size ?? 0;
  if (bytes < LOG_HEADER_BYTES) return false;
  const header = Buffer.alloc(LOG_HEADER_BYTES);
  const file = openSync(logPath, 'r');
  try {
    readSync(file, header, 0, LOG_HEADER_BYTES, 0);
  } finally {
    closeSync(file);
  }
  if (header.every((byte) => byte === 0)) return false;
  if (!isLogHeader(header)) throw damaged(path, 'its log ("-wal") is garbage, and what was committed last is lost');
  return true;
}

function isLogHeader(header: Buffer): boolean {
  const magic = header.readUInt32BE(0);
  if ((magic & 0xff_ff_ff_fe) !== LOG_MAGIC) return false;
  const word = (at: number): number => (magic & 1 ? header.readUInt32BE(at) : header.readUInt32LE(at));
  let [first, second] = [0, 0];
  for (let at = 0; at < 24; at += 8) {
    first = (first + word(at) + second) >>> 0;
    second = (second + word(at + 4) + first) >>> 0;
  }
  return first === header.readUInt32BE(24) && second === header.readUInt32BE(28);
}

function damaged(path: string, what: string): TickwiseError {
  return new TickwiseError('STORE_UNUSABLE', `${path}: the ledger is damaged: ${what}; ${IF_DAMAGED}`, { facts: { path, what } });
}
