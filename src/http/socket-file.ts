/**
 * A unix socket that nobody but its owner can open, at no instant: it is made inside a folder of mode 0700, gets its own mode
 * there, and only then its name. (A umask would do it as well, but is the whole process's: files that jobs make meanwhile would get it.)
 */
import { chmodSync, linkSync, lstatSync, mkdirSync, mkdtempSync, renameSync, rmSync, type Stats } from 'node:fs';
import { connect, type Server } from 'node:net';
import { dirname, join } from 'node:path';
import { TickwiseError } from '../core/errors.ts';

/**
 * Listens on a unix socket. The file of a dead server is replaced; that of a live one, or a file of another kind, is left as it is.
 *
 * @param server not listening yet
 * @param path absolute
 * @returns removes the file, if it still is this server's; to be called when the server is closed
 * @throws TickwiseError `LISTEN_FAILED`
 */
export async function listenOnSocket(server: Server, path: string): Promise<() => void> {
  let room: string | undefined;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    room = mkdtempSync(join(dirname(path), '.'));
    const born = join(room, 's');
    await listening(server, born);
    chmodSync(born, 0o600);
    await publish(born, path, room);
    const own = lstatSync(path);
    return () => {
      if (isSame(lstatSync(path, { throwIfNoEntry: false }), own)) rmSync(path, { force: true });
    };
  } catch (error) {
    server.close();
    if (error instanceof TickwiseError) throw error;
    throw new TickwiseError('LISTEN_FAILED', `listen: unix:${path}: ${reasonOf(error)}`, { cause: error });
  } finally {
    if (room !== undefined) rmSync(room, { recursive: true, force: true });
  }
}

function listening(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** Two servers that find the same dead file do not take each other's: a link is never made over a file that is there. */
async function publish(born: string, path: string, room: string): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      linkSync(born, path);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || attempt === MOST_ATTEMPTS) throw error;
    }
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found === undefined) continue;
    if (!found.isSocket())
      throw new TickwiseError('LISTEN_FAILED', `listen: unix:${path} is there, and no socket: name another path`);
    if (await isLive(path)) throw taken(path);
    // Looked at once more where nobody else comes, since another server may have replaced it meanwhile.
    const aside = join(room, 'old');
    renameSync(path, aside);
    if (await isLive(aside)) {
      linkSync(aside, path);
      throw taken(path);
    }
    rmSync(aside);
  }
}

const MOST_ATTEMPTS = 10;

function isLive(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    // Whoever is too busy, or may not be asked, is alive.
    socket.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code !== 'ECONNREFUSED' && code !== 'ENOENT'));
  });
}

function taken(path: string): TickwiseError {
  return new TickwiseError('LISTEN_FAILED', `listen: unix:${path} belongs to a daemon that runs: stop it, or name another path`);
}

function isSame(found: Stats | undefined, own: Stats): boolean {
  return found !== undefined && found.ino === own.ino && found.dev === own.dev;
}

function reasonOf(error: unknown): string {
  const code = String((error as NodeJS.ErrnoException).code);
  if (code === 'EACCES' || code === 'EPERM') return 'this user may not write there: name another path';
  return `${error instanceof Error ? error.message : code}: name another path`;
}
