/** What a run writes, as lines, and how much of it is kept. */
import { LONGEST_LINE, type LineLevel, type LineSource } from './protocol.ts';

/** Characters that are passed on as they come. */
export const KEPT_HEAD = 32_768;
/** Characters that are kept of what comes after, the newest winning. */
export const KEPT_TAIL = 32_768;

/** Where lines go. */
export interface LineSink {
  line(level: LineLevel, source: LineSource, text: string, fields?: Record<string, unknown>): void;
  /** Told in its place between the head and the tail. */
  leftOut(lines: number, characters: number): void;
}

interface HeldLine {
  readonly level: LineLevel;
  readonly source: LineSource;
  readonly text: string;
  readonly fields: Record<string, unknown> | undefined;
  /** Characters of the fields as JSON. */
  readonly fieldsSize: number;
}

/**
 * Bounds what a run may write: the first 32 KiB pass at once, of the rest the last 32 KiB are held until `release`.
 * The same bound stands twice, in the host, for a tenth of a second each, so that a flood does not drown the channel; and in
 * the daemon, for the whole run, so that it holds whatever the host does.
 */
export class OutputCap implements LineSink {
  readonly #sink: LineSink;
  #headLeft: number = KEPT_HEAD;
  #held: HeldLine[] = [];
  #first = 0;
  #heldCharacters = 0;
  #leftOutLines = 0;
  #leftOutCharacters = 0;

  constructor(sink: LineSink) {
    this.#sink = sink;
  }

  /** Whether `release` has something to pass on. */
  get holds(): boolean {
    return this.#held.length > 0 || this.#leftOutLines > 0;
  }

  line(level: LineLevel, source: LineSource, text: string, fields?: Record<string, unknown>): void {
    const line: HeldLine = { level, source, text: text.slice(0, LONGEST_LINE), ...plainFields(fields) };
    const size = sizeOf(line);
    if (!this.holds && size <= this.#headLeft) {
      this.#headLeft -= size;
      this.#sink.line(level, source, line.text, line.fields);
      return;
    }
    this.#held.push(line);
    this.#heldCharacters += size;
    while (this.#heldCharacters > KEPT_TAIL) this.#dropOldest();
  }

  leftOut(lines: number, characters: number): void {
    // What is held came before these, and would stand on the wrong side of the gap.
    while (this.#first < this.#held.length) this.#dropOldest();
    this.#leftOutLines += lines;
    this.#leftOutCharacters += characters;
  }

  /** Passes on what is held, and begins anew. */
  release(): void {
    const held = this.#held.slice(this.#first);
    const [lines, characters] = [this.#leftOutLines, this.#leftOutCharacters];
    this.#headLeft = KEPT_HEAD;
    this.#held = [];
    this.#first = 0;
    this.#heldCharacters = 0;
    this.#leftOutLines = 0;
    this.#leftOutCharacters = 0;
    if (lines > 0) this.#sink.leftOut(lines, characters);
    for (const { level, source, text, fields } of held) this.#sink.line(level, source, text, fields);
  }

  #dropOldest(): void {
    const oldest = this.#held[this.#first++];
    if (oldest === undefined) return;
    this.#heldCharacters -= sizeOf(oldest);
    this.#leftOutLines++;
    this.#leftOutCharacters += sizeOf(oldest);
    if (this.#first < 4_096) return;
    this.#held = this.#held.slice(this.#first);
    this.#first = 0;
  }
}

function sizeOf(line: HeldLine): number {
  return line.text.length + 1 + line.fieldsSize;
}

/** Fields as JSON would keep them. Those that JSON cannot keep, or that are longer than a line may be, are left out; the text stays. */
function plainFields(fields: Record<string, unknown> | undefined): Pick<HeldLine, 'fields' | 'fieldsSize'> {
  try {
    const text = fields === undefined ? undefined : JSON.stringify(fields);
    if (text === undefined || text.length > LONGEST_LINE) return { fields: undefined, fieldsSize: 0 };
    return { fields: JSON.parse(text) as Record<string, unknown>, fieldsSize: text.length };
  } catch {
    return { fields: undefined, fieldsSize: 0 };
  }
}

/** Cuts a stream of text into lines; one longer than {@link LONGEST_LINE} is cut there. */
export class LineSplitter {
  readonly #each: (line: string) => void;
  #partial = '';

  constructor(each: (line: string) => void) {
    this.#each = each;
  }

  write(chunk: string): void {
    let from = 0;
    for (let end = chunk.indexOf('\n'); end !== -1; end = chunk.indexOf('\n', from)) {
      const line = this.#partial + chunk.slice(from, end);
      this.#partial = '';
      from = end + 1;
      this.#pass(line.endsWith('\r') ? line.slice(0, -1) : line);
    }
    this.#partial += chunk.slice(from);
    while (this.#partial.length > LONGEST_LINE) {
      this.#each(this.#partial.slice(0, LONGEST_LINE));
      this.#partial = this.#partial.slice(LONGEST_LINE);
    }
  }

  /** Passes on a last line that has no line break. */
  end(): void {
    const rest = this.#partial;
    this.#partial = '';
    if (rest !== '') this.#pass(rest);
  }

  #pass(line: string): void {
    for (let from = 0; from === 0 || from < line.length; from += LONGEST_LINE) this.#each(line.slice(from, from + LONGEST_LINE));
  }
}
