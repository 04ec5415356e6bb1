/**
 * What is kept of one run's log: its head, and of the rest the tail. Lines are numbered as they come, over all attempts; what is dropped
 * between head and tail leaves a hole in the numbers, by which whoever reads the log knows of it.
 *
 * Runners bound each attempt by 32 KiB of head and as much of tail already, and say so in a line of their own. The tail here has a little
 * room more, for that line: so a run of one attempt has no second hole beside the first.
 */
import type { LogLine, LogWrite } from '../core/log-line.ts';

/** Characters; the line that reaches it is the head's last. */
export const KEPT_HEAD = 32_768;
/** Characters, the newest winning; the first of them may be what a runner says of its own hole. */
export const KEPT_TAIL: number = 32_768 + 1_024;

/** A line that has no number yet. */
export type NewLine = Omit<LogLine, 'seq'>;

/** For one run, as long as it lives. */
export class LogWindow {
  #lastSeq = 0;
  #headLeft: number = KEPT_HEAD;
  /** Number of the first line after the head; 0: the head is open. */
  #headEnd = 0;
  /** Sizes of the lines of the tail, from `#first` on; the numbers of the tail have no hole. */
  #sizes: number[] = [];
  #first = 0;
  #tailSize = 0;
  /** Lines that the store does not have, ascending. */
  #pending: LogLine[] = [];
  /** Those that are on their way there. */
  #writing: readonly LogLine[] = [];
  /** The store has dropped all up to this number. */
  #droppedTo = 0;

  /** Something waits to be written. */
  get isDirty(): boolean {
    return this.#pending.length > 0 || this.#tailStart - 1 > this.#droppedTo;
  }

  /** Lines that the store may not have yet, ascending. */
  get unwritten(): readonly LogLine[] {
    return [...this.#writing, ...this.#pending].filter(({ seq }) => this.keeps(seq));
  }

  /** Whether a line is kept. */
  keeps(seq: number): boolean {
    return this.#headEnd === 0 || seq < this.#headEnd || seq >= this.#tailStart;
  }

  add(line: NewLine): void {
    const size = line.text.length + 1 + (line.fields?.length ?? 0);
    this.#pending.push({ seq: ++this.#lastSeq, ...line });
    if (this.#headLeft > 0) {
      this.#headLeft -= size;
      return;
    }
    if (this.#headEnd === 0) {
      this.#headEnd = this.#lastSeq;
      this.#droppedTo = this.#lastSeq - 1;
    }
    this.#sizes.push(size);
    this.#tailSize += size;
    if (this.#tailSize > KEPT_TAIL) this.#dropOldest();
  }

  /** Takes what waits to be written, at most so many lines of it; the answer goes to `written`. */
  take(runId: string, limit: number): LogWrite {
    const to = this.#tailStart - 1;
    const kept = this.#pending.filter(({ seq }) => this.keeps(seq));
    this.#writing = kept.slice(0, limit);
    this.#pending = kept.slice(limit);
    return { runId, lines: this.#writing, drop: to > this.#droppedTo ? { from: this.#droppedTo + 1, to } : undefined };
  }

  /** What was taken is in the store; or it is lost, and then the drop is asked for again with the next lines. */
  written(write: LogWrite, kept: boolean): void {
    this.#writing = [];
    if (kept) this.#droppedTo = write.drop?.to ?? this.#droppedTo;
  }

  /** Number of the first line of the tail; 0: there is none. */
  get #tailStart(): number {
    return this.#headEnd === 0 ? 0 : this.#lastSeq - (this.#sizes.length - this.#first) + 1;
  }

  #dropOldest(): void {
    while (this.#tailSize > KEPT_TAIL) this.#tailSize -= this.#sizes[this.#first++] ?? 0;
    // Now and then, so that a flood costs one copy of what is kept for each such copy that it writes.
    if (this.#first * 2 < this.#sizes.length) return;
    this.#sizes = this.#sizes.slice(this.#first);
    this.#first = 0;
    this.#pending = this.#pending.filter(({ seq }) => this.keeps(seq));
  }
}
