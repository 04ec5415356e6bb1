/** What one step has done so far, and how it deals with one entry of the walk. */
import type { IndexFile, Pass } from './index-file.ts';
import { type Reading, readPiece } from './piece.ts';
import type { Settings } from './settings.ts';
import type { Entry } from './walk.ts';

/** What a walk has met so far. */
export interface Counts {
  readonly files: number;
  readonly bytes: number;
  readonly folders: number;
  /** Not followed. */
  readonly symlinks: number;
  /** Pipes, sockets, devices. */
  readonly special: number;
  /** Files and folders without permission, or with a fault of the disk; what the index knew of them is kept. */
  readonly unreadable: number;
  /** Named by their folder, and no longer there when the walk came to them. */
  readonly vanished: number;
  /** Files that changed under each of three readings; what the index knew of them is kept. */
  readonly unsettled: number;
  /** Time spent in steps. */
  readonly workMs: number;
}

/** The counts of a walk that has met nothing yet. */
export const NOTHING: Counts = {
  files: 0,
  bytes: 0,
  folders: 0,
  symlinks: 0,
  special: 0,
  unreadable: 0,
  vanished: 0,
  unsettled: 0,
  workMs: 0,
};

/** A step under way. */
export interface Batch {
  readonly index: IndexFile;
  readonly settings: Settings;
  readonly pass: Pass;
  readonly counts: { -readonly [Name in keyof Counts]: number };
  reading: Reading | undefined;
  bytes: number;
}

/**
 * Deals with an entry: hashes it, or counts it. Repeating it after a crash does no harm.
 *
 * @param entry what the walk came to
 * @param batch counts and readings move on
 * @returns false when it is a file of which more is to be read
 */
export function take(entry: Entry, batch: Batch): boolean {
  if (entry.kind === 'file') return takeFile(entry.path, batch);
  if (entry.kind === 'unreadable') batch.index.keepBelow(entry.path, batch.pass);
  const count = {
    folder: 'folders',
    symlink: 'symlinks',
    special: 'special',
    unreadable: 'unreadable',
    vanished: 'vanished',
  } as const;
  batch.counts[count[entry.kind]]++;
  return true;
}

function takeFile(path: string, batch: Batch): boolean {
  const piece = readPiece(batch.settings.rootBytes, path, batch.reading);
  batch.bytes += piece.bytes;
  batch.reading = piece.kind === 'more' ? piece.reading : undefined;
  switch (piece.kind) {
    case 'more':
      return false;
    case 'hashed':
      batch.index.record(path, piece.digest, piece.size, batch.pass);
      batch.counts.files++;
      batch.counts.bytes += piece.size;
      return true;
    case 'unsettled':
    case 'unreadable':
      batch.index.keep(path, batch.pass);
      batch.counts[piece.kind]++;
      return true;
    case 'vanished':
      batch.counts.vanished++;
      return true;
    default:
      return piece satisfies never;
  }
}
