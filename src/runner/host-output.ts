/** Inside a host: what the task writes becomes messages, in order with the others, even if its thread blocks a moment later. */
import { LineSplitter, OutputCap, type LineSink } from './module-output.ts';
import type { FromHost, LineLevel, LineSource } from './protocol.ts';

/** How often a flood is let through. */
const RELEASE_EACH_MS = 100;

/** The output of one attempt. */
export class HostOutput implements LineSink {
  readonly #attemptId: number;
  readonly #cap: OutputCap;
  #timer: NodeJS.Timeout | undefined;

  constructor(attemptId: number, send: (message: FromHost) => void) {
    this.#attemptId = attemptId;
    this.#cap = new OutputCap({
      line: (level, source, text, fields) => send({ type: 'line', attemptId: this.#attemptId, level, source, text, fields }),
      leftOut: (lines, characters) => send({ type: 'leftOut', attemptId: this.#attemptId, lines, characters }),
    });
  }

  line(level: LineLevel, source: LineSource, text: string, fields?: Record<string, unknown>): void {
    this.#cap.line(level, source, text, fields);
    this.#timer ??= setTimeout(() => this.#release(), RELEASE_EACH_MS).unref();
  }

  leftOut(lines: number, characters: number): void {
    this.#cap.leftOut(lines, characters);
  }

  /** Sends all that is held; called at a stop, at the end, and before an exit. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#release();
  }

  #release(): void {
    this.#timer = undefined;
    this.#cap.release();
  }
}

/**
 * Takes over `process.stdout` and `process.stderr` of this thread, and with them `console`. What is written while no attempt is
 * under way is dropped. Writes past Node's streams (a native module, `fs.writeSync(1)`, another program) do not come here.
 *
 * @param current the output of the attempt that is under way
 * @returns passes on last lines without a line break; called at the end of an attempt
 */
export function captureStreams(current: () => HostOutput | undefined): () => void {
  const splitters = (['stdout', 'stderr'] as const).map((source) => {
    const splitter = new LineSplitter((text) => current()?.line(source === 'stdout' ? 'info' : 'warn', source, text));
    process[source].write = (chunk: string | Uint8Array, encodingOrDone?: unknown, done?: unknown): boolean => {
      const encoding = typeof encodingOrDone === 'string' ? (encodingOrDone as BufferEncoding) : 'utf8';
      splitter.write(
        typeof chunk === 'string' ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString(encoding),
      );
      const callback = typeof encodingOrDone === 'function' ? encodingOrDone : done;
      if (typeof callback === 'function') process.nextTick(callback);
      return true;
    };
    return splitter;
  });
  return () => {
    for (const splitter of splitters) splitter.end();
  };
}
