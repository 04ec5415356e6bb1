/**
 * What runs write, kept in the store: in batches, and no more of each run than its window holds. A store that fails costs lines, which are
 * counted, and never a run.
 */
import { TickwiseError } from '../core/errors.ts';
import type { LogLine, LogWrite } from '../core/log-line.ts';
import type { Clock, Timer } from '../core/ports.ts';
import type { Store } from '../core/store.ts';
import type { DurationMs, MonotonicMs } from '../core/time.ts';
import { fieldsJson } from './event-json.ts';
import type { EventMap, Events } from './events.ts';
import { LogWindow } from './log-window.ts';

/** A line waits no longer than this for the store. */
export const WRITE_EACH_MS: DurationMs = 500;
/** A batch of so many lines holds the event loop for some milliseconds; then others have a turn. */
export const LINES_A_WRITE = 1_000;
/** The most lines that are read at once. */
const MOST_READ = 10_000;

/** What a run log is made of. */
export interface RunLogsParts {
  readonly events: Events;
  readonly store: Pick<Store, 'appendLog' | 'log'>;
  readonly clock: Clock;
  /** Whether a run may still write. */
  readonly isLive: (runId: string) => boolean;
  /** Blots out secrets, in JSON too, before a line is kept; absent: there are none. */
  readonly redact?: ((text: string) => string) | undefined;
}

/** See the head of this file. Disposing of it writes what waits. */
export class RunLogs implements AsyncDisposable {
  readonly #parts: RunLogsParts;
  readonly #listening: DisposableStack = new DisposableStack();
  /** Of live runs, and of ended ones until their last line is written. */
  readonly #windows = new Map<string, LogWindow>();
  #timer: Timer | undefined;
  #writing: Promise<void> | undefined;
  #lost = 0;
  #lostAt: MonotonicMs | undefined;

  constructor(parts: RunLogsParts) {
    this.#parts = parts;
    this.#listening.use(parts.events.on('runLine', (event) => this.#take(event)));
    this.#listening.use(parts.events.on('runEnded', ({ runId }) => this.#end(runId)));
  }

  /** Lines that the store would not take. */
  get lost(): number {
    return this.#lost;
  }

  /** When it last would not. */
  get lostAt(): MonotonicMs | undefined {
    return this.#lostAt;
  }

  /** See `log` of core/control; the run must be known. */
  async read(runId: string, { after = 0, limit }: { after?: number; limit: number }): Promise<readonly LogLine[]> {
    // Looked at before the store is: what is written meanwhile is in both then, and not in neither.
    const window = this.#windows.get(runId);
    const unwritten = window?.unwritten ?? [];
    const count = Math.min(limit, MOST_READ);
    for (let from = after; ;) {
      const stored = await this.#parts.store.log({ runId, after: from, limit: count });
      const isPage = stored.length === count;
      from = stored.at(-1)?.seq ?? from;
      const lines = stored.filter(({ seq }) => window?.keeps(seq) ?? true);
      if (!isPage) for (const line of unwritten) if (line.seq > from) lines.push(line);
      // Lines that are dropped, and not yet in the store, may have filled the page.
      if (lines.length > 0 || !isPage) return withHoles(lines, after).slice(0, count);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listening.dispose();
    this.#timer?.cancel();
    await this.#writing;
    await this.#writeAll();
  }

  #take({ runId, attempt, level, source, text, fields: raw }: EventMap['runLine']): void {
    let window = this.#windows.get(runId);
    if (window === undefined) this.#windows.set(runId, (window = new LogWindow()));
    const { clock, redact = (clear) => clear } = this.#parts;
    const fields = fieldsJson(raw);
    window.add({
      at: clock.now(),
      attempt,
      level,
      source,
      text: redact(text),
      ...(fields === undefined ? {} : { fields: redact(fields) }),
    });
    this.#arm();
  }

  #end(runId: string): void {
    if (this.#windows.get(runId)?.isDirty === false) this.#windows.delete(runId);
  }

  #arm(): void {
    if (this.#timer !== undefined || this.#writing !== undefined) return;
    const { clock } = this.#parts;
    this.#timer = clock.setTimer(clock.monotonic() + WRITE_EACH_MS, () => {
      this.#timer = undefined;
      this.#writing = this.#writeAll().then(() => {
        this.#writing = undefined;
        if (this.#dirty().length > 0) this.#arm();
      });
    });
  }

  #dirty(): (readonly [string, LogWindow])[] {
    return [...this.#windows].filter(([, window]) => window.isDirty);
  }

  /** What waits, batch by batch, until one is not full, or the store fails. */
  async #writeAll(): Promise<void> {
    while (await this.#write()) await new Promise<void>((resolve) => this.#parts.clock.defer(resolve));
  }

  /** One batch. @returns whether another one should follow */
  async #write(): Promise<boolean> {
    const dirty = this.#dirty();
    if (dirty.length === 0) return false;
    const batch: [LogWindow, LogWrite][] = [];
    let room = LINES_A_WRITE;
    for (const [runId, window] of dirty) {
      const write = window.take(runId, room);
      batch.push([window, write]);
      room -= write.lines.length;
      if (room <= 0) break;
    }
    const kept = await this.#append(batch.map(([, write]) => write));
    for (const [window, write] of batch) {
      window.written(write, kept);
      if (!window.isDirty && !this.#parts.isLive(write.runId)) this.#windows.delete(write.runId);
    }
    return kept && room <= 0;
  }

  async #append(writes: readonly LogWrite[]): Promise<boolean> {
    try {
      await this.#parts.store.appendLog(writes);
      return true;
    } catch (error) {
      if (!(error instanceof TickwiseError)) throw error;
      this.#lost += writes.reduce((sum, { lines }) => sum + lines.length, 0);
      this.#lostAt = this.#parts.clock.monotonic();
      return false;
    }
  }
}

const WHY_LEFT_OUT = '64 KiB of a log are kept, head and tail, and nothing while the store fails';

/** A hole in the numbers is said in its place, under the last number that is missing, so that a reader who goes on from there reads it once. */
function withHoles(lines: readonly LogLine[], after: number): LogLine[] {
  const shown: LogLine[] = [];
  let last = after;
  for (const line of lines) {
    const missing = line.seq - last - 1;
    if (missing > 0) {
      const text = `… ${missing === 1 ? '1 line is' : `${missing} lines are`} left out here: ${WHY_LEFT_OUT} …`;
      shown.push({ seq: line.seq - 1, at: line.at, attempt: line.attempt, level: 'warn', source: 'task', text });
    }
    shown.push(line);
    last = line.seq;
  }
  return shown;
}
