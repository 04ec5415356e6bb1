/**
 * A sorted, depth-first walk that can be taken up again behind any path.
 *
 * Paths are byte strings: one character for each byte, relative to the root, parts joined by `/`. File names are bytes, not
 * text; in this form every name survives JSON, compares in byte order, and finds its file again.
 */
import { type Dirent, lstatSync, readdirSync } from 'node:fs';

/** What stands at a path. A folder that cannot be listed is `unreadable` or `vanished`, with `folder` set. */
export interface Entry {
  readonly path: string;
  readonly kind: 'file' | 'folder' | 'symlink' | 'special' | 'unreadable' | 'vanished';
  readonly folder?: true;
}

/**
 * Walks a tree: names in byte order, a folder before what it holds. Symbolic links are named and never followed.
 *
 * @param root absolute path, as a byte string
 * @param after the last path that was dealt with; `''` for a walk from the start. It need not exist any more
 * @param isExcluded paths that are passed over, with all below them
 * @returns what comes after `after`; each folder is listed when the walk gets there
 * @throws Error from the first step, when the root itself cannot be listed
 */
export function walk(root: string, after: string, isExcluded: (path: string) => boolean): Generator<Entry, void, undefined> {
  return below({ root, isExcluded }, '', list(`${root}/.`), after === '' ? [] : after.split('/'));
}

/**
 * The bytes of a path, as `node:fs` wants them.
 *
 * @param path a byte string
 * @returns one byte for each character
 */
export function bytesOf(path: string): Buffer {
  return Buffer.from(path, 'latin1');
}

/**
 * A byte string for a path that came as text.
 *
 * @param text e.g. from a configuration
 * @returns its UTF-8 bytes, a character for each
 */
export function byteString(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

/**
 * A path for people: UTF-8 where it is UTF-8, with control characters and stray bytes made visible.
 *
 * @param path a byte string
 * @returns text without control characters
 */
export function readable(path: string): string {
  return bytesOf(path)
    .toString('utf8')
    .replace(/\p{Cc}/gu, (control) => `\\x${control.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

interface Tree {
  readonly root: string;
  readonly isExcluded: (path: string) => boolean;
}

interface Child {
  readonly name: string;
  readonly kind: 'file' | 'folder' | 'symlink' | 'special';
}

/** `passed`: the parts of the last path dealt with, as seen from this folder; empty when all of the folder is to come. */
function* below(
  tree: Tree,
  folder: string,
  children: readonly Child[],
  passed: readonly string[],
): Generator<Entry, void, undefined> {
  const [passedName] = passed;
  for (const { name, kind } of children) {
    const path = folder === '' ? name : `${folder}/${name}`;
    if ((passedName !== undefined && name < passedName) || tree.isExcluded(path)) continue;
    const isPassed = name === passedName;
    if (kind === 'folder') {
      yield* folderAt(tree, path, isPassed ? passed.slice(1) : [], isPassed);
    } else if (!isPassed || passed.length > 1) {
      yield { path, kind };
    }
  }
}

function* folderAt(tree: Tree, path: string, passed: readonly string[], isPassed: boolean): Generator<Entry, void, undefined> {
  let children: readonly Child[];
  try {
    children = list(`${tree.root}/${path}`);
  } catch (error) {
    yield { path, kind: isAbsence(error) ? 'vanished' : 'unreadable', folder: true };
    return;
  }
  if (!isPassed) yield { path, kind: 'folder' };
  yield* below(tree, path, children, passed);
}

/** Looks before it lists: since the parent was listed, a link may have taken the folder's place. */
function list(folder: string): Child[] {
  const path = bytesOf(folder);
  if (!lstatSync(path).isDirectory()) throw Object.assign(new Error('no longer a folder'), { code: 'ENOTDIR' });
  return readdirSync(path, { encoding: 'buffer', withFileTypes: true })
    .map((entry) => ({ name: entry.name.toString('latin1'), kind: kindOf(entry) }))
    .sort((left, right) => (left.name < right.name ? -1 : 1));
}

function kindOf(entry: Dirent<Buffer>): Child['kind'] {
  if (entry.isFile()) return 'file';
  if (entry.isDirectory()) return 'folder';
  return entry.isSymbolicLink() ? 'symlink' : 'special';
}

/**
 * Whether an error of `node:fs` says that nothing of the expected kind stands at a path any more.
 *
 * @param error what was thrown
 * @returns false for any other trouble, such as a missing permission
 */
export function isAbsence(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP';
}
