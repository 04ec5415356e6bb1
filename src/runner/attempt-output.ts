/** All that one attempt in a host writes, capped and split into lines. */
import type { RunObserver } from '../core/ports.ts';
import { LineSplitter, OutputCap } from './module-output.ts';
import type { LineSource } from './protocol.ts';

/** One for each attempt. */
export class AttemptOutput {
  /** For lines that come as lines. */
  readonly cap: OutputCap;
  readonly #stdout: LineSplitter;
  readonly #stderr: LineSplitter;

  /** @param observer is told the lines that are kept, and how many are not */
  constructor(observer: RunObserver) {
    this.cap = new OutputCap({
      line: (level, source, text, fields) => observer.line(level, source, text, fields),
      leftOut(lines, characters) {
        const what = `${lines} lines of output (${characters} characters)`;
        observer.line('warn', 'task', `… ${what} are left out: a run keeps 64 KiB, head and tail …`);
      },
    });
    this.#stdout = new LineSplitter((text) => this.cap.line('info', 'stdout', text));
    this.#stderr = new LineSplitter((text) => this.cap.line('warn', 'stderr', text));
  }

  /** A line of ours about the run. */
  warn(text: string): void {
    this.cap.line('warn', 'task', text);
  }

  /** Text that was written past Node's streams. */
  raw(source: Exclude<LineSource, 'task'>, chunk: string): void {
    (source === 'stdout' ? this.#stdout : this.#stderr).write(chunk);
  }

  /** Nothing more comes: what was held back is told. */
  end(): void {
    this.#stdout.end();
    this.#stderr.end();
    this.cap.release();
  }
}
