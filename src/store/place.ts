/** Where a ledger may lie, and how its folder and files are made. */
import { closeSync, lstatSync, mkdirSync, openSync, readFileSync, realpathSync, type Stats, statfsSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { TickwiseError } from '../core/errors.ts';
import { IF_DAMAGED, storeFault } from './fault.ts';
import { networkFileSystem } from './network-file-system.ts';

/**
 * Resolves the path of a ledger that shall be written, and makes the folders above it (0700).
 *
 * @param path as configured; relative to the working directory
 * @returns the path with all symbolic links resolved; the file itself need not exist
 * @throws TickwiseError `STORE_UNUSABLE` for a folder, a dangling link or a place that cannot be written;
 *   `STORE_UNSUPPORTED` for a network file system or a file with hard links
 */
export function preparePlace(path: string): string {
  const absolute = resolve(path);
  try {
    refuseNetwork(absolute, nearestFolder(absolute));
    mkdirSync(dirname(absolute), { recursive: true, mode: 0o700 });
    const real = resolveLinks(absolute);
    refuseNetwork(absolute, dirname(real));
    const stats = statSync(real, { throwIfNoEntry: false });
    if (stats === undefined) {
      refuseLeftLog(real);
      return real;
    }
    checkContent(real, stats);
    refuseLinks(real, stats);
    return real;
  } catch (thrown) {
    throw storeFault(thrown, 'cannot be opened', absolute);
  }
}

/**
 * Resolves the path of a ledger that shall only be read. Creates nothing.
 *
 * @param path as configured
 * @returns the path with all symbolic links resolved
 * @throws TickwiseError `STORE_UNUSABLE` when there is no file
 */
export function findPlace(path: string): string {
  const absolute = resolve(path);
  try {
    const stats = statSync(absolute, { throwIfNoEntry: false });
    if (stats === undefined) {
      throw new TickwiseError(
        'STORE_UNUSABLE',
        `${absolute}: there is no ledger yet; start the daemon once, or name the right "store"`,
      );
    }
    const real = realpathSync(absolute);
    checkContent(real, stats);
    return real;
  } catch (thrown) {
    throw storeFault(thrown, 'cannot be opened', absolute);
  }
}

/**
 * Makes an empty file that only its owner may read (0600), unless there is one. An existing file is not opened: closing
 * any descriptor of it would drop the locks that this process holds on it.
 *
 * @param path absolute
 * @throws the system's error when it cannot be made
 */
export function makePrivateFile(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) return;
  closeSync(openSync(path, 'wx', 0o600));
}

function resolveLinks(path: string): string {
  const link = lstatSync(path, { throwIfNoEntry: false });
  if (link === undefined) return join(realpathSync(dirname(path)), basename(path));
  if (link.isSymbolicLink() && statSync(path, { throwIfNoEntry: false }) === undefined) {
    throw new TickwiseError('STORE_UNUSABLE', `${path}: this symbolic link leads to no file; mend or remove the link`);
  }
  return realpathSync(path);
}

/** SQLite takes a file that is shorter than the smallest page for a new database, and would write over what is left of an old one. */
const SMALLEST_DATABASE_BYTES = 512;

function checkContent(path: string, stats: Stats): void {
  if (stats.isDirectory()) throw folderError(path);
  if (!stats.isFile()) throw new TickwiseError('STORE_UNUSABLE', `${path}: this is not a regular file; name a file as "store"`);
  const logBytes = statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
  if (stats.size >= SMALLEST_DATABASE_BYTES || (stats.size === 0 && logBytes === 0)) return;
  throw new TickwiseError(
    'STORE_UNUSABLE',
    `${path}: the file has ${stats.size} bytes: not a SQLite database, or one that was cut off; ${IF_DAMAGED}`,
    { facts: { path, bytes: stats.size, logBytes } },
  );
}

/** A log without its file is what is left of a ledger; a new one beside it would throw the log away. */
function refuseLeftLog(path: string): void {
  const logBytes = statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
  if (logBytes === 0) return;
  throw new TickwiseError(
    'STORE_UNUSABLE',
    `${path}: the ledger is gone, and its log ("-wal", ${logBytes} bytes) is still there; put the ledger back beside it, or ${IF_DAMAGED}`,
    { facts: { path, logBytes } },
  );
}

function refuseLinks(path: string, stats: Stats): void {
  if (stats.nlink <= 1) return;
  throw new TickwiseError(
    'STORE_UNSUPPORTED',
    `${path}: the file has ${stats.nlink} hard links, and SQLite keeps a log for each name, which destroys it; keep one name and remove the others`,
    { facts: { path, links: stats.nlink } },
  );
}

function folderError(path: string): TickwiseError {
  return new TickwiseError(
    'STORE_UNUSABLE',
    `${path}: this is a folder; name a file as "store", e.g. "sqlite:${join(path, 'tickwise.db')}"`,
  );
}

function nearestFolder(path: string): string {
  let folder = dirname(path);
  while (statSync(folder, { throwIfNoEntry: false }) === undefined && folder !== dirname(folder)) folder = dirname(folder);
  return folder;
}

function refuseNetwork(path: string, folder: string): void {
  if (process.platform !== 'linux') return;
  const kind = networkFileSystem(statfsSync(folder).type, () => mountTypeOf(realpathSync(folder)));
  if (kind === undefined) return;
  throw new TickwiseError(
    'STORE_UNSUPPORTED',
    `${path}: this place is on a network file system (${kind}), where locks cannot be trusted; name a "store" on a local disk`,
    { facts: { path, kind } },
  );
}

/** The type of the mount that holds a folder, e.g. `fuse.sshfs`: the longest mount point that is a prefix of it. */
function mountTypeOf(folder: string): string {
  let longest = '';
  let type = '';
  for (const line of readFileSync('/proc/self/mountinfo', 'utf8').split('\n')) {
    const [before, after] = line.split(' - ');
    const point = before
      ?.split(' ')[4]
      ?.replaceAll(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
    if (point === undefined || after === undefined || point.length < longest.length) continue;
    if (folder === point || folder.startsWith(point.endsWith('/') ? point : `${point}/`)) {
      longest = point;
      type = after.split(' ')[0] ?? '';
    }
  }
  return type;
}
