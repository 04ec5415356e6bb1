/** A disk as a power cut leaves it: what was synced is there, and of the rest anything may be. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Random } from '../../src/testing/random.ts';
import type { DiskEvent } from './recording.ts';

type Change = Extract<DiskEvent, { kind: 'write' | 'truncate' }>;

interface DiskFile {
  readonly durable: Content;
  /** Since its last sync, in order. */
  pending: Change[];
  /** Its name is on the disk. */
  isNamed: boolean;
  isRemoved: boolean;
}

/** What becomes of the writes that were not synced. */
export const FATES: readonly ['none', 'all', 'prefix', 'scattered'] = ['none', 'all', 'prefix', 'scattered'] as const;
export type Fate = (typeof FATES)[number];

/** The least that a disk writes as one. */
const SECTOR = 512;

/** Follows a recording. */
export class Disk {
  readonly #files = new Map<string, DiskFile>();

  /** Whether a power cut now leaves more than one possible disk. */
  get isInDoubt(): boolean {
    return [...this.#files.values()].some((file) => file.pending.length > 0 || !file.isNamed || file.isRemoved);
  }

  apply(event: DiskEvent): void {
    if (event.kind === 'syncFolder') {
      for (const [name, file] of this.#files) {
        file.isNamed = true;
        if (file.isRemoved) this.#files.delete(name);
      }
      return;
    }
    const file = this.#fileOf(event.file);
    if (event.kind === 'remove') file.isRemoved = true;
    else if (event.kind === 'create') this.#recreate(event.file, file);
    else if (event.kind === 'sync') {
      for (const change of file.pending) file.durable.apply(change);
      file.pending = [];
      file.isNamed = true;
    } else file.pending.push(event);
  }

  /**
   * Lays out a disk after a power cut.
   *
   * @param folder is emptied first
   * @param fate of what was not synced: nothing of it, all of it, its beginning up to a torn sector, or single sectors of it
   * @param random decides what the fate leaves open; names that were made or removed and not synced are there or not
   */
  layOut(folder: string, fate: Fate, random: Random): void {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    for (const [name, file] of this.#files) {
      const isThere = file.isNamed || fate === 'all' || (fate !== 'none' && random.chance(0.5));
      const isGone = file.isRemoved && (fate === 'all' || (fate !== 'none' && random.chance(0.5)));
      if (isThere && !isGone) writeFileSync(join(folder, name), contentOf(file, fate, random));
    }
  }

  #fileOf(name: string): DiskFile {
    let file = this.#files.get(name);
    if (file === undefined)
      this.#files.set(name, (file = { durable: new Content(), pending: [], isNamed: false, isRemoved: false }));
    return file;
  }

  /** A file that was removed and is made again is another file. */
  #recreate(name: string, file: DiskFile): void {
    if (file.isRemoved) this.#files.set(name, { durable: new Content(), pending: [], isNamed: false, isRemoved: false });
  }
}

function contentOf({ durable, pending }: DiskFile, fate: Fate, random: Random): Buffer {
  const content = durable.copy();
  for (const change of surviving(pending, fate, random)) content.apply(change);
  return content.bytes();
}

function surviving(pending: readonly Change[], fate: Fate, random: Random): Change[] {
  switch (fate) {
    case 'none':
      return [];
    case 'all':
      return [...pending];
    case 'prefix': {
      const count = random.int(0, pending.length);
      const last = pending[count];
      return [...pending.slice(0, count), ...(last === undefined ? [] : [torn(last, random)])];
    }
    case 'scattered':
      return pending.flatMap(sectorsOf).filter(() => random.chance(0.5));
    default:
      return fate satisfies never;
  }
}

function torn(change: Change, random: Random): Change {
  if (change.kind === 'truncate') return change;
  const sectors = Math.floor(change.bytes.length / SECTOR);
  return { ...change, bytes: change.bytes.subarray(0, random.int(0, sectors) * SECTOR) };
}

function sectorsOf(change: Change): Change[] {
  if (change.kind === 'truncate') return [change];
  const pieces: Change[] = [];
  let from = 0;
  while (from < change.bytes.length) {
    const to = Math.min(change.bytes.length, (Math.floor((change.at + from) / SECTOR) + 1) * SECTOR - change.at);
    pieces.push({ ...change, at: change.at + from, bytes: change.bytes.subarray(from, to) });
    from = to;
  }
  return pieces;
}

/** The bytes of a file; a hole that a later write leaves reads as zeros. */
class Content {
  #room = Buffer.alloc(0);
  #size = 0;

  apply(change: Change): void {
    if (change.kind === 'truncate') this.#resize(change.size);
    else {
      this.#resize(Math.max(this.#size, change.at + change.bytes.length));
      change.bytes.copy(this.#room, change.at);
    }
  }

  bytes(): Buffer {
    return this.#room.subarray(0, this.#size);
  }

  copy(): Content {
    const copy = new Content();
    copy.#room = Buffer.from(this.bytes());
    copy.#size = this.#size;
    return copy;
  }

  #resize(size: number): void {
    if (size > this.#room.length) {
      const room = Buffer.alloc(2 * size);
      this.bytes().copy(room);
      this.#room = room;
    }
    if (size < this.#size) this.#room.fill(0, size, this.#size);
    this.#size = size;
  }
}
