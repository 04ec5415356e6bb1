/**
 * Reading a file in pieces, each small enough for one step.
 *
 * The state of a SHA-256 cannot be saved half-way, so a file of several pieces has a chained digest: that of its first piece, then
 * of (digest so far + next piece), and so on. A file of one piece, 4 MiB or less, has its plain SHA-256.
 */
import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { bytesOf, isAbsence } from './walk.ts';

/** Part of the definition of the digest: another size gives other digests for files of several pieces. */
export const PIECE_BYTES: number = 4 * 1_048_576;
/** How often a file that changes under the reader is begun, before it is left for the next pass. */
const ATTEMPTS = 3;

/** A file that is read half-way: JSON, part of a checkpoint. */
export interface Reading {
  readonly path: string;
  /** Size, time of change and inode at its beginning: all pieces must be of the same state of the file. */
  readonly identity: string;
  readonly offset: number;
  /** Hexadecimal; of the bytes before `offset`. */
  readonly digest: string;
  /** Counted from 1. */
  readonly attempt: number;
}

/** What came of a piece; `bytes` is what was read for it. */
export type Piece =
  | { readonly kind: 'hashed'; readonly bytes: number; readonly digest: Buffer; readonly size: number }
  | { readonly kind: 'more'; readonly bytes: number; readonly reading: Reading }
  /** It changed under the reader in each of three attempts. */
  | { readonly kind: 'unsettled'; readonly bytes: number }
  | { readonly kind: 'vanished' | 'unreadable'; readonly bytes: 0 };

/**
 * Reads and hashes the next piece of a file. Waits for nothing: a pipe that took the file's place is not opened for reading.
 *
 * @param root absolute path, as a byte string
 * @param path of the file, relative, as a byte string
 * @param reading where its reading stands; one of another file is disregarded
 * @returns what came of it
 * @throws never for trouble with the file: that is a kind of piece
 */
export function readPiece(root: string, path: string, reading: Reading | undefined): Piece {
  let file: number | undefined;
  try {
    file = openSync(bytesOf(`${root}/${path}`), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    return pieceOf(file, path, reading?.path === path ? reading : undefined);
  } catch (error) {
    return { kind: isAbsence(error) ? 'vanished' : 'unreadable', bytes: 0 };
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

function pieceOf(file: number, path: string, reading: Reading | undefined): Piece {
  const before = identityOf(file);
  if (before === undefined) return { kind: 'vanished', bytes: 0 };
  const attempt = reading?.attempt ?? 1;
  if (reading !== undefined && reading.identity !== before.identity) return restart(path, before.identity, attempt, 0);
  const offset = reading?.offset ?? 0;
  const hash = createHash('sha256');
  if (offset > 0) hash.update(Buffer.from(reading?.digest ?? '', 'hex'));
  const bytes = readInto(file, offset, (chunk) => hash.update(chunk));
  const after = identityOf(file);
  if (after?.identity !== before.identity) return restart(path, after?.identity ?? '', attempt, bytes);
  const digest = hash.digest();
  const end = offset + bytes;
  if (bytes < PIECE_BYTES || end >= before.size) return { kind: 'hashed', bytes, digest, size: end };
  return {
    kind: 'more',
    bytes,
    reading: { path, identity: before.identity, offset: end, digest: digest.toString('hex'), attempt },
  };
}

function restart(path: string, identity: string, attempt: number, bytes: number): Piece {
  if (attempt >= ATTEMPTS) return { kind: 'unsettled', bytes };
  return { kind: 'more', bytes, reading: { path, identity, offset: 0, digest: '', attempt: attempt + 1 } };
}

/** One chunk for all files: steps are synchronous, so no two readers share it. */
const CHUNK = Buffer.allocUnsafe(262_144);

function readInto(file: number, offset: number, take: (chunk: Buffer) => void): number {
  let bytes = 0;
  while (bytes < PIECE_BYTES) {
    const read = readSync(file, CHUNK, 0, Math.min(CHUNK.length, PIECE_BYTES - bytes), offset + bytes);
    if (read === 0) break;
    take(CHUNK.subarray(0, read));
    bytes += read;
  }
  return bytes;
}

function identityOf(file: number): { readonly identity: string; readonly size: number } | undefined {
  const stat = fstatSync(file, { bigint: true });
  if (!stat.isFile()) return undefined;
  return { identity: `${stat.size}:${stat.mtimeNs}:${stat.ino}`, size: Number(stat.size) };
}
