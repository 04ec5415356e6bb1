/** The ledger's disk, which can be filled, and frozen where its file system knows how. */
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Room } from './room.ts';

/** The descriptor on which the room hears of stalls. */
const ROOM_FD = 3;
const SLACK_MS = 100;

/** Done to one disk, one after the other. */
export class Disk {
  readonly place: string;
  readonly mayFill: boolean;
  readonly mayStall: boolean;
  readonly #filler: string;

  constructor({ dir, disk }: Room) {
    this.place = join(dir, 'disk');
    this.#filler = join(this.place, 'filler');
    this.mayFill = disk !== 'none';
    this.mayStall = disk === 'ext4' && spawnSync('fsfreeze', ['--version'], { stdio: 'ignore' }).status === 0;
  }

  /** Leaves no byte free for so long. */
  async fill(forMs: number): Promise<void> {
    const { bavail, bsize } = statfsSync(this.place);
    spawnSync('fallocate', ['-l', String(Math.max(0, bavail - 8) * bsize), this.#filler], { stdio: 'ignore' });
    const file = openSync(this.#filler, 'a');
    try {
      for (const block = Buffer.alloc(1_024); ;) writeSync(file, block);
    } catch {
      // Full, which was the aim.
    } finally {
      closeSync(file);
    }
    await delay(forMs);
    this.empty();
  }

  empty(): void {
    rmSync(this.#filler, { force: true });
  }

  /** Whoever writes or syncs waits until it is over, uninterruptibly. */
  async stall(forMs: number): Promise<void> {
    writeSync(ROOM_FD, `stall ${(forMs / 1_000).toFixed(3)}\n`);
    await delay(forMs + SLACK_MS);
  }
}
