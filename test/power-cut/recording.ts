/** Every write, sync, truncation and removal of a program, in order, as the kernel was asked for them. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';

/** One system call on a file of interest; files go by their base names. */
export type DiskEvent =
  | { readonly kind: 'create'; readonly file: string }
  | { readonly kind: 'write'; readonly file: string; readonly at: number; readonly bytes: Buffer }
  | { readonly kind: 'truncate'; readonly file: string; readonly size: number }
  | { readonly kind: 'sync'; readonly file: string }
  | { readonly kind: 'remove'; readonly file: string }
  /** Names of this folder are durable. */
  | { readonly kind: 'syncFolder' };

const CALLS = 'openat,close,pwrite64,pwritev,fsync,fdatasync,ftruncate,unlink,rename';

/**
 * Runs a program under strace. Only its main thread is recorded: that is where SQLite runs.
 *
 * @param args of Node
 * @param logPath for strace
 * @param folder holds the files
 * @param isWanted picks files by path
 * @returns the events; a text that says why there are none on this machine
 */
export function record(
  args: readonly string[],
  logPath: string,
  folder: string,
  isWanted: (path: string) => boolean,
): DiskEvent[] | string {
  const options = ['-qq', '-xx', '-s', '4000000', '-e', `trace=${CALLS}`, '-e', 'signal=none', '-o', logPath];
  const { error, status, stderr } = spawnSync('strace', [...options, process.execPath, ...args], { encoding: 'utf8' });
  if (error !== undefined) return `strace is needed to record writes: ${error.message}`;
  if (/PTRACE|ptrace/.test(stderr)) return `strace may not trace here: ${stderr.trim()}`;
  if (status !== 0) throw new Error(`the recorded program failed: ${stderr}`);
  return parse(readFileSync(logPath, 'latin1'), folder, isWanted);
}

function parse(log: string, folder: string, isWanted: (path: string) => boolean): DiskEvent[] {
  const events: DiskEvent[] = [];
  const open = new Map<number, { readonly file: string; readonly wanted: boolean; readonly isFolder: boolean }>();
  for (const line of log.split('\n')) {
    const [, call, given = '', answered = '-1'] = /^(\w+)\((.*)\)\s+= (-?\d+)/.exec(line) ?? [];
    const answer = Number(answered);
    if (call === undefined || answer < 0) continue;
    const fd = Number(given.split(',', 1)[0]);
    const known = open.get(fd);
    if (call === 'openat') {
      const path = textIn(given);
      const file = basename(path);
      open.set(answer, { file, wanted: isWanted(path), isFolder: path === folder });
      if (isWanted(path) && given.slice(given.lastIndexOf('"')).includes('O_CREAT')) events.push({ kind: 'create', file });
    } else if (call === 'close') open.delete(fd);
    else if (call === 'unlink' && isWanted(textIn(given))) events.push({ kind: 'remove', file: basename(textIn(given)) });
    else if (call === 'rename' && isWanted(textIn(given)))
      throw new Error(`a rename is not part of the model: ${line.slice(0, 200)}`);
    else if (known?.isFolder === true && call === 'fsync') events.push({ kind: 'syncFolder' });
    else if (known?.wanted !== true) continue;
    else if (call === 'pwrite64') {
      const at = Number(given.slice(given.lastIndexOf(',') + 1));
      events.push({ kind: 'write', file: known.file, at, bytes: bytesIn(given).subarray(0, answer) });
    } else if (call === 'ftruncate') events.push({ kind: 'truncate', file: known.file, size: Number(given.split(',')[1]) });
    else if (call === 'fsync' || call === 'fdatasync') events.push({ kind: 'sync', file: known.file });
    else throw new Error(`a call that is not part of the model: ${line.slice(0, 200)}`);
  }
  return events;
}

function bytesIn(given: string): Buffer {
  const text = given.slice(given.indexOf('"') + 1, given.lastIndexOf('"'));
  return Buffer.from(text.replaceAll('\\x', ''), 'hex');
}

function textIn(given: string): string {
  return bytesIn(given).toString();
}
