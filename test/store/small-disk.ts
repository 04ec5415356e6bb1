/** A real disk that is small enough to be filled: a tmpfs, where one may be mounted. */
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmdirSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Mounted until it is disposed of. */
export class SmallDisk implements Disposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** @returns the disk; a text that says why there is none on this machine */
  static mount(bytes: number): SmallDisk | string {
    if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'only root on Linux can mount a small disk';
    const path = mkdtempSync(join(tmpdir(), 'tickwise-disk-'));
    const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tickwise-test', path], {
      encoding: 'utf8',
    });
    if (status === 0) return new SmallDisk(path);
    rmdirSync(path);
    return `a small disk cannot be mounted here: ${stderr.trim()}`;
  }

  file(name: string): string {
    return join(this.path, name);
  }

  /** Writes until not a byte more goes in. */
  fill(): void {
    const file = openSync(this.file('filler'), 'a');
    try {
      for (const size of [65_536, 4_096, 1]) while (isWritten(file, size));
    } finally {
      closeSync(file);
    }
  }

  makeRoom(): void {
    rmSync(this.file('filler'));
  }

  /** @param mode read-only works only while nobody has a file open for writing */
  remount(mode: 'ro' | 'rw'): void {
    const { status, stderr } = spawnSync('mount', ['-o', `remount,${mode}`, this.path], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`the disk cannot be mounted ${mode}: ${stderr}`);
  }

  [Symbol.dispose](): void {
    if (spawnSync('umount', [this.path]).status !== 0) spawnSync('umount', ['-l', this.path]);
    rmdirSync(this.path);
  }
}

function isWritten(file: number, size: number): boolean {
  try {
    return writeSync(file, Buffer.alloc(size)) > 0;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOSPC') return false;
    throw thrown;
  }
}
