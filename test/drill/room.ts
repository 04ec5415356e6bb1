/** Where a drill takes place: a folder that is gone afterwards, and, for root on Linux, namespaces that end all that it left. */
import { type ChildProcess, spawn, spawnSync, type StdioOptions } from 'node:child_process';
import { closeSync, ftruncateSync, mkdirSync, mkdtempSync, openSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOM = fileURLToPath(new URL('fixtures/room.sh', import.meta.url));
/** The end of its standard input tells the program to end, so that it does so even if this one is killed. */
const STDIO: StdioOptions = ['pipe', 'inherit', 'inherit'];
const DISK_BYTES = 48 * 2 ** 20;

/** Tells the program that it is in the room. */
export const IN_ROOM = 'DRILL_ROOM';

/** What the room offers, beside the folder. */
export interface Room {
  readonly dir: string;
  /** Where the ledger lives; a file system of its own unless `none`. */
  readonly disk: 'ext4' | 'tmpfs' | 'none';
}

/** @returns the room that this program was started in by {@link runInRoom}, or undefined outside of one */
export function thisRoom(): Room | undefined {
  const dir = process.env[IN_ROOM];
  if (dir === undefined) return undefined;
  const mount = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
    .find(([, place]) => place === join(dir, 'disk'));
  return { dir, disk: mount?.[2] === 'ext4' ? 'ext4' : mount?.[2] === 'tmpfs' ? 'tmpfs' : 'none' };
}

/**
 * Runs a program in a new room, and removes the room.
 *
 * @param program a module of this folder
 * @param args for it
 * @returns its exit code
 */
export async function runInRoom(program: string, args: readonly string[]): Promise<number> {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'tickwise-drill-')));
  try {
    for (const name of ['disk', 'evidence', 'locks', 'home']) mkdirSync(join(dir, name));
    const command = [process.execPath, program, ...args];
    const env = { ...process.env, [IN_ROOM]: dir };
    return await exitOf(
      mayUnshare() ? spawnInside(dir, command, env) : spawn(command[0] ?? '', command.slice(1), { stdio: STDIO, env }),
    );
  } finally {
    rmSync(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}

function mayUnshare(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  return spawnSync('unshare', ['--mount', '--pid', '--fork', '--mount-proc', 'true'], { stdio: 'ignore' }).status === 0;
}

function spawnInside(dir: string, command: readonly string[], env: NodeJS.ProcessEnv): ChildProcess {
  const image = openSync(join(dir, 'disk.img'), 'w');
  ftruncateSync(image, DISK_BYTES);
  closeSync(image);
  return spawn('unshare', ['--mount', '/bin/sh', ROOM, dir, ...command], { stdio: STDIO, env });
}

async function exitOf(child: ChildProcess): Promise<number> {
  const end = (): void => void child.stdin?.end();
  process.on('SIGINT', end).on('SIGTERM', end);
  try {
    return await new Promise((resolve, reject) => {
      child.once('error', reject).once('exit', (code) => resolve(code ?? 1));
    });
  } finally {
    process.off('SIGINT', end).off('SIGTERM', end);
  }
}
