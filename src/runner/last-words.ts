/** The end of what a program wrote to stderr: mostly why it failed. */

const KEPT_BYTES = 2_048;
const MOST_LINES = 5;

/** One for each execution. */
export class LastWords {
  #kept: Buffer = Buffer.alloc(0);

  /** Takes what was read; only the end of it all is kept. */
  add(chunk: Buffer): void {
    const both = chunk.length >= KEPT_BYTES ? chunk : Buffer.concat([this.#kept, chunk]);
    this.#kept = Buffer.from(both.subarray(Math.max(0, both.length - KEPT_BYTES)));
  }

  /** @returns at most five lines, none of them empty or cut at its start */
  lines(): string[] {
    const lines = this.#kept.toString('utf8').split(/\r?\n/);
    if (this.#kept.length === KEPT_BYTES && lines.length > 1) lines.shift();
    return lines.filter((line) => line.trim() !== '').slice(-MOST_LINES);
  }
}
