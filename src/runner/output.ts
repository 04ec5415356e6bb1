/**
 * What a run's processes write, brought to lines and kept within bounds: the first half of the limit as it comes, and of the
 * rest the last half, told at the end together with how much was left out. A flood costs one copy of at most half the limit a
 * chunk, whatever its size, and is never held back: a program that waits for its reader would not see the stop.
 */
import { StringDecoder } from 'node:string_decoder';

/** The two pipes of a process. */
export type OutputSource = 'stdout' | 'stderr';

/** Told each line, and once what was left out. */
export interface OutputSink {
  line(source: OutputSource, text: string): void;
  /** @param bytes how much was left out between the lines before and those after */
  omitted(bytes: number): void;
}

const HALF_BYTES = 32_768;
const LONGEST_LINE_BYTES = 8_192;
/** Neighbours in the tail are merged up to this size, so that single bytes do not become single entries. */
const MERGED_BYTES = 4_096;

/** The output of one attempt: all its steps, both pipes. */
export class Output {
  readonly #sink: OutputSink;
  readonly #lines: Record<OutputSource, LineSplitter>;
  #headLeft = HALF_BYTES;
  #tail: { readonly source: OutputSource; readonly bytes: Buffer }[] = [];
  /** Where the tail begins in its list: taking the first off a long list each time would cost as much as the list is long. */
  #tailFrom = 0;
  #tailBytes = 0;
  #omittedBytes = 0;

  /** @param sink told of lines of at most 8 KiB, longer ones cut and marked */
  constructor(sink: OutputSink) {
    this.#sink = sink;
    this.#lines = splitters(sink);
  }

  /**
   * Takes in what a pipe gave.
   *
   * @param source which pipe
   * @param chunk any bytes, cut anywhere
   */
  write(source: OutputSource, chunk: Buffer): void {
    if (this.#headLeft <= 0 && !this.#lines[source].isMidLine) {
      this.#keepLast(source, chunk);
      return;
    }
    // The line at the border is finished in the head, so that nothing is cut in two when nothing is left out.
    const border = this.#headLeft >= chunk.length ? chunk.length : lineEnd(chunk, Math.max(0, this.#headLeft));
    this.#headLeft -= border;
    this.#lines[source].write(chunk.subarray(0, border));
    if (border < chunk.length) this.#keepLast(source, chunk.subarray(border));
  }

  /** A step has ended: an unfinished line is a line. */
  endStep(): void {
    for (const splitter of Object.values(this.#lines)) splitter.flush();
  }

  /** The attempt has ended: tells what was left out, then the tail. */
  close(): void {
    this.endStep();
    const lines = splitters(this.#sink);
    if (this.#omittedBytes > 0) this.#sink.omitted(this.#omittedBytes + this.#dropBrokenLine());
    for (const { source, bytes } of this.#tail.slice(this.#tailFrom)) lines[source].write(bytes);
    for (const splitter of Object.values(lines)) splitter.flush();
    this.#tail = [];
    this.#tailFrom = 0;
  }

  #keepLast(source: OutputSource, chunk: Buffer): void {
    const kept = chunk.length > HALF_BYTES ? chunk.subarray(chunk.length - HALF_BYTES) : chunk;
    this.#omittedBytes += chunk.length - kept.length;
    const last = this.#tail.at(-1);
    if (last !== undefined && last.source === source && last.bytes.length + kept.length <= MERGED_BYTES) {
      this.#tail[this.#tail.length - 1] = { source, bytes: Buffer.concat([last.bytes, kept]) };
    } else {
      // A copy, for the chunk is a view of a larger buffer that it would keep alive.
      this.#tail.push({ source, bytes: Buffer.from(kept) });
    }
    this.#tailBytes += kept.length;
    while (this.#tailBytes > HALF_BYTES) this.#dropOldest(this.#tailBytes - HALF_BYTES);
  }

  #dropOldest(excess: number): void {
    const oldest = this.#tail[this.#tailFrom];
    if (oldest === undefined) return;
    const dropped = Math.min(excess, oldest.bytes.length);
    if (dropped === oldest.bytes.length) this.#tailFrom++;
    else this.#tail[this.#tailFrom] = { source: oldest.source, bytes: oldest.bytes.subarray(dropped) };
    if (2 * this.#tailFrom > this.#tail.length) {
      this.#tail = this.#tail.slice(this.#tailFrom);
      this.#tailFrom = 0;
    }
    this.#tailBytes -= dropped;
    this.#omittedBytes += dropped;
  }

  /** What is left of a line whose beginning was left out is left out too, if a whole one follows. */
  #dropBrokenLine(): number {
    const oldest = this.#tail[this.#tailFrom];
    const end = oldest === undefined ? 0 : lineEnd(oldest.bytes, 0);
    if (oldest === undefined || end === oldest.bytes.length) return 0;
    this.#tail[this.#tailFrom] = { source: oldest.source, bytes: oldest.bytes.subarray(end) };
    return end;
  }
}

/** Bytes in, lines out: without their breaks, decoded as UTF-8 across chunks, cut at 8 KiB. */
class LineSplitter {
  readonly #emit: (text: string) => void;
  readonly #decoder = new StringDecoder('utf8');
  #text = '';
  #bytes = 0;

  constructor(emit: (text: string) => void) {
    this.#emit = emit;
  }

  get isMidLine(): boolean {
    return this.#bytes > 0;
  }

  write(chunk: Buffer): void {
    let from = 0;
    for (;;) {
      const end = chunk.indexOf(0x0a, from);
      if (end === -1) break;
      this.#take(chunk.subarray(from, end));
      this.#end();
      from = end + 1;
    }
    if (from < chunk.length) this.#take(chunk.subarray(from));
  }

  flush(): void {
    if (this.isMidLine) this.#end();
  }

  #take(part: Buffer): void {
    const room = LONGEST_LINE_BYTES - this.#bytes;
    if (room > 0) this.#text += this.#decoder.write(part.subarray(0, room));
    this.#bytes += part.length;
  }

  #end(): void {
    const cut = this.#bytes - LONGEST_LINE_BYTES;
    // A character in two at the cut is dropped; at the end of a whole line it is shown as broken.
    const rest = this.#decoder.end();
    const text = cut > 0 ? `${this.#text} … (${cut} more bytes)` : this.#text + rest;
    this.#text = '';
    this.#bytes = 0;
    this.#emit(text.endsWith('\r') ? text.slice(0, -1) : text);
  }
}

function splitters(sink: OutputSink): Record<OutputSource, LineSplitter> {
  return {
    stdout: new LineSplitter((text) => sink.line('stdout', text)),
    stderr: new LineSplitter((text) => sink.line('stderr', text)),
  };
}

/** @returns where the line that holds `from` ends, its break included; the end of the bytes if it does not */
function lineEnd(bytes: Buffer, from: number): number {
  const end = bytes.indexOf(0x0a, from);
  return end === -1 ? bytes.length : end + 1;
}
