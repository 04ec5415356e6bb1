/** The files through which a command and its run exchange JSON: the checkpoint, both ways, and the result. */
import { closeSync, constants, fstatSync, mkdtempSync, openSync, readSync, statSync, writeFileSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TickwiseError } from '../core/errors.ts';
import type { JobName } from '../core/job.ts';
import type { ExchangeFiles } from './environment.ts';
import { lookAtProcess, readProcess } from './proc.ts';

const LARGEST_BYTES = 1_048_576;
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NONBLOCK;

/** What a step left in the files. A field is absent when the step changed nothing. */
export interface Exchanged {
  readonly checkpoint?: unknown;
  readonly result?: unknown;
}

/** A private folder (0700) for one attempt. */
export class Exchange implements ExchangeFiles, AsyncDisposable {
  readonly checkpointFile: string;
  readonly resultFile: string;
  readonly #folder: string;
  readonly #job: JobName;
  #checkpoint: string | undefined;
  #result: string | undefined;

  /**
   * @param job named in errors
   * @param checkpoint JSON text that the file begins with; without one there is no file at first
   * @throws TickwiseError `STEP_FAILED` when the folder for temporary files cannot be written
   */
  constructor(job: JobName, checkpoint: string | undefined) {
    this.#job = job;
    this.#checkpoint = checkpoint;
    try {
      this.#folder = mkdtempSync(join(tmpdir(), `${folderPrefix()}-`));
      this.checkpointFile = join(this.#folder, 'checkpoint.json');
      this.resultFile = join(this.#folder, 'result.json');
      // A last line without its end is no line to a shell's `read`.
      if (checkpoint !== undefined) writeFileSync(this.checkpointFile, `${checkpoint}\n`);
    } catch (cause) {
      throw new TickwiseError('STEP_FAILED', `job ${job}: no private folder can be made in ${tmpdir()}: ${messageOf(cause)}`, {
        cause,
      });
    }
  }

  /**
   * Reads what the step left. A file that is empty or gone changes nothing, and the next step finds the last checkpoint again.
   *
   * @returns parsed JSON
   * @throws TickwiseError `CHECKPOINT_INVALID`, naming the file's role, when it is not JSON or larger than 1 MiB
   */
  read(): Exchanged {
    const checkpoint = this.#readFile(this.checkpointFile, 'checkpoint', 'TICKWISE_CHECKPOINT_FILE');
    const result = this.#readFile(this.resultFile, 'result', 'TICKWISE_RESULT_FILE');
    const exchanged: { checkpoint?: unknown; result?: unknown } = {};
    if (checkpoint === '') {
      if (this.#checkpoint !== undefined) writeFileSync(this.checkpointFile, `${this.#checkpoint}\n`);
    } else if (checkpoint !== this.#checkpoint) {
      exchanged.checkpoint = this.#parse(checkpoint, 'checkpoint', 'TICKWISE_CHECKPOINT_FILE');
      this.#checkpoint = checkpoint;
    }
    if (result !== '' && result !== this.#result) {
      exchanged.result = this.#parse(result, 'result', 'TICKWISE_RESULT_FILE');
      this.#result = result;
    }
    return exchanged;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true }).catch(() => undefined);
  }

  /** Never more than 1 MiB is read, and never from something that could block, such as a named pipe. */
  #readFile(path: string, what: string, variable: string): string {
    let file: number;
    try {
      file = openSync(path, OPEN_FLAGS);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
      throw this.#invalid(what, variable, `cannot be read (${messageOf(error)})`, error);
    }
    try {
      const status = fstatSync(file);
      if (!status.isFile()) throw this.#invalid(what, variable, 'is not a regular file');
      if (status.size > LARGEST_BYTES)
        throw this.#invalid(what, variable, `holds ${status.size} bytes; at most ${LARGEST_BYTES} are kept`);
      const bytes = Buffer.alloc(status.size);
      return bytes.toString('utf8', 0, readSync(file, bytes)).trim();
    } finally {
      closeSync(file);
    }
  }

  #parse(text: string, what: string, variable: string): unknown {
    try {
      return JSON.parse(text) as unknown;
    } catch (cause) {
      throw this.#invalid(what, variable, `is not JSON (it begins with ${JSON.stringify(text.slice(0, 40))})`, cause);
    }
  }

  #invalid(what: string, variable: string, fault: string, cause?: unknown): TickwiseError {
    return new TickwiseError('CHECKPOINT_INVALID', `job ${this.#job}: the ${what} in ${variable} ${fault}`, { cause });
  }
}

const FOLDER = /^tickwise-(\d+)-(\d+)-(\d+)-\w+$/;

/**
 * Removes the folders that daemons left behind when they were killed: checkpoints are nobody else's business.
 *
 * @returns when it is done, or not possible; never rejects
 */
export async function removeStaleFolders(): Promise<void> {
  const own = FOLDER.exec(`${folderPrefix()}-x`);
  if (own === null) return;
  const names = await readdir(tmpdir()).catch(() => []);
  for (const name of names) {
    const [, space, pid, start] = FOLDER.exec(name) ?? [];
    // Another container may share the folder; its numbers say nothing here.
    if (space !== own[1] || !isGone(Number(pid), Number(start))) continue;
    await rm(join(tmpdir(), name), { recursive: true, force: true }).catch(() => undefined);
  }
}

/** In doubt it is not. */
function isGone(pid: number, start: number): boolean {
  try {
    return lookAtProcess(pid)?.start !== start;
  } catch {
    return false;
  }
}

/** Names the process that owns a folder for ever: number space, pid, start time. Without `/proc`, nobody in particular. */
function folderPrefix(): string {
  const self = readProcess(process.pid);
  const space = statSync('/proc/self/ns/pid', { throwIfNoEntry: false });
  return self === undefined || space === undefined ? 'tickwise' : `tickwise-${space.ino}-${self.pid}-${self.start}`;
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
