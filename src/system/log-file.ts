/** A log file that is rotated by size, and never in the way: a disk that is full or slow costs lines, not the daemon. */
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Where lines go. */
export interface LogTarget {
  /** Takes a line with its line break; never throws, never waits. */
  write(line: string): void;
  /** Resolves when the lines taken so far are written or given up. */
  flush(): Promise<void>;
}

/** Where the file is, and when it is rotated. */
export interface LogFileOptions {
  readonly path: string;
  /** A file does not grow above this, unless a single line does. */
  readonly maxSizeBytes: number;
  /** Files in all: `path`, `path.1` (newer) … `path.N-1` (oldest); at least 1. */
  readonly maxFiles: number;
}

const QUEUE_LIMIT_BYTES = 8 * 2 ** 20;
const BATCH_LIMIT_BYTES = 256 * 1_024;
/** How long lines are given up after a failure, before the file is tried again. */
const PAUSE_MS = 1_000;

/**
 * Opens the file with the first line.
 *
 * @param options path, size, number of files
 * @param trouble told once when lines begin to be lost, with one line for a person
 * @param lostLine makes the line that stands where lines are missing
 * @returns a target that never throws
 */
export function createLogFile(
  options: LogFileOptions,
  trouble: (text: string) => void,
  lostLine: (count: number) => string,
): LogTarget {
  return new LogFile(options, trouble, lostLine);
}

class LogFile implements LogTarget {
  readonly options: LogFileOptions;
  readonly trouble: (text: string) => void;
  readonly lostLine: (count: number) => string;
  queue: string[] = [];
  queuedBytes = 0;
  handle: FileHandle | undefined;
  sizeBytes = 0;
  /** A write failed, perhaps in the middle of a line. */
  torn = false;
  lost = 0;
  pausedUntil = 0;
  pumping: Promise<void> | undefined;

  constructor(options: LogFileOptions, trouble: (text: string) => void, lostLine: (count: number) => string) {
    this.options = options;
    this.trouble = trouble;
    this.lostLine = lostLine;
  }

  write(line: string): void {
    const bytes = Buffer.byteLength(line);
    if (performance.now() < this.pausedUntil || this.queuedBytes + bytes > QUEUE_LIMIT_BYTES) {
      this.lose(1, `the disk does not keep up`);
      return;
    }
    this.queue.push(line);
    this.queuedBytes += bytes;
    this.pumping ??= this.pump();
  }

  async flush(): Promise<void> {
    while (this.pumping !== undefined) await this.pumping;
  }

  /** One at a time; ends when the queue is empty, and lets go of the file, so that nothing need close it. */
  async pump(): Promise<void> {
    await Promise.resolve();
    while (this.queue.length > 0) {
      const taken = this.queue;
      this.queue = [];
      this.queuedBytes = 0;
      try {
        await this.append(taken);
      } catch (error) {
        this.torn = true;
        this.pausedUntil = performance.now() + PAUSE_MS;
        this.lose(taken.length, error instanceof Error ? error.message : String(error));
      }
    }
    await this.close();
    this.pumping = undefined;
    if (this.queue.length > 0) this.pumping = this.pump();
  }

  async append(lines: readonly string[]): Promise<void> {
    const missing = this.lost;
    const all = missing > 0 ? [`${this.torn ? '\n' : ''}${this.lostLine(missing)}`, ...lines] : lines;
    let batch = '';
    let batchBytes = 0;
    for (const line of all) {
      const bytes = Buffer.byteLength(line);
      if (this.handle === undefined) await this.open();
      const full = this.sizeBytes + batchBytes > 0 && this.sizeBytes + batchBytes + bytes > this.options.maxSizeBytes;
      if (batchBytes > 0 && (full || batchBytes + bytes > BATCH_LIMIT_BYTES)) {
        await this.put(batch, batchBytes);
        [batch, batchBytes] = ['', 0];
      }
      if (full) await this.rotate();
      batch += line;
      batchBytes += bytes;
    }
    await this.put(batch, batchBytes);
    this.lost -= missing;
    this.torn = false;
  }

  async put(batch: string, bytes: number): Promise<void> {
    await this.handle?.appendFile(batch);
    this.sizeBytes += bytes;
  }

  async open(): Promise<void> {
    await mkdir(dirname(this.options.path), { recursive: true });
    this.handle = await open(this.options.path, 'a');
    this.sizeBytes = (await this.handle.stat()).size;
  }

  async rotate(): Promise<void> {
    const { path, maxFiles } = this.options;
    await this.close();
    if (maxFiles <= 1) await rm(path, { force: true });
    for (let index = maxFiles - 1; index >= 1; index--) {
      await rename(index === 1 ? path : `${path}.${index - 1}`, `${path}.${index}`).catch(ignoreAbsent);
    }
    await this.open();
  }

  async close(): Promise<void> {
    const { handle } = this;
    this.handle = undefined;
    await handle?.close().catch(() => undefined);
  }

  lose(count: number, why: string): void {
    if (this.lost === 0) this.trouble(`lines for the log file ${this.options.path} are lost: ${why}`);
    this.lost += count;
  }
}

function ignoreAbsent(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
}
