/**
 * Which alarms are open, kept in the outbox itself, so that a restart neither tells an alarm again nor forgets its recovery.
 *
 * A page of the book is a message to nobody that holds all open alarms. It is written by the same `enqueue`, and so in the same
 * transaction, as the messages of the alarm that it notes: a kill leaves both or neither. The notifier, which finds it due, gives it
 * back, and the newest page is put off for ever while older ones are taken out. Nothing open needs no page.
 */
import type { JobName } from '../core/job.ts';
import type { Message, MessageDraft, Outbox } from '../core/message.ts';
import type { Clock } from '../core/ports.ts';
import type { TaskLog } from '../core/task.ts';
import type { DurationMs, Instant } from '../core/time.ts';

/** Alarms that were told and are not over. */
export interface OpenAlarms {
  /** When it was told, by job. */
  readonly overdue: Map<JobName, Instant>;
  /** The job, by run. */
  readonly blocked: Map<string, JobName>;
}

/** What the book is kept with; `wake` tells the notifier that there is something to deliver. */
export interface BookParts {
  readonly outbox: Outbox;
  readonly clock: Clock;
  readonly log: TaskLog;
  readonly wake: () => void;
}

const TARGET = 'open-alarms';
/** The end of the year 9999. */
const NEVER: Instant = 253_402_300_799_000;
const MOST_READ = 1_000;
const GATHER_MS: DurationMs = 100;
const STORE_DELAY_MS: DurationMs = 2_000;

/** See the head of this file. One at a time for an outbox. */
export class AlarmBook {
  readonly target: string = TARGET;
  readonly open: OpenAlarms = { overdue: new Map(), blocked: new Map() };
  readonly #parts: BookParts;
  /** Pages that are in the outbox, as far as is known. */
  #pages: number[] = [];
  #drafts: MessageDraft[] = [];
  #isDirty = false;
  #writing: Promise<void> | undefined;
  #isClosed = false;

  constructor(parts: BookParts) {
    this.#parts = parts;
  }

  /** Reads the newest page. If more than 1,000 messages wait before it, it is not found, and open alarms are told once more. */
  async read(): Promise<void> {
    const waiting = await this.#parts.outbox.dueMessages(NEVER, MOST_READ);
    const pages = waiting.filter(({ target }) => target === TARGET);
    this.#pages = pages.map(({ id }) => id);
    const newest = pages.toSorted((a, b) => b.id - a.id)[0];
    if (newest !== undefined) this.#open(newest.body);
  }

  /** Has these messages told, and what is open noted with them. What comes while a write is under way goes with the next one. */
  note(drafts: readonly MessageDraft[]): void {
    this.#drafts.push(...drafts);
    this.#isDirty = true;
    this.#writing ??= this.#write().finally(() => (this.#writing = undefined));
  }

  /** The notifier has found a page due. @throws what the outbox throws; the page then stays due */
  async take({ id }: Message): Promise<void> {
    const { outbox } = this.#parts;
    const newest = Math.max(id, ...this.#pages);
    const isOpen = this.open.overdue.size + this.open.blocked.size > 0 || this.#writing !== undefined;
    for (const page of new Set([...this.#pages, id])) if (page !== newest) await outbox.settleMessage(page, { kind: 'sent' });
    await outbox.settleMessage(newest, isOpen ? { kind: 'retry', at: NEVER } : { kind: 'sent' });
    this.#pages = isOpen ? [newest] : [];
  }

  /** Waits for the write that is under way; none is repeated. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#writing;
  }

  #open(body: string): void {
    const { overdue, blocked } = JSON.parse(body) as { overdue?: [JobName, Instant][]; blocked?: [string, JobName][] };
    for (const [job, at] of overdue ?? []) this.open.overdue.set(job, at);
    for (const [runId, job] of blocked ?? []) this.open.blocked.set(runId, job);
  }

  async #write(): Promise<void> {
    const { outbox, clock, log, wake } = this.#parts;
    let isFailing = false;
    while (this.#isDirty) {
      // Alarms that come together share a page.
      await sleep(clock, GATHER_MS);
      this.#isDirty = false;
      const drafts = this.#drafts.splice(0);
      const body = JSON.stringify({ overdue: [...this.open.overdue], blocked: [...this.open.blocked] });
      try {
        await outbox.enqueue([...drafts, { job: '-', event: 'overdue', target: TARGET, body }], clock.now());
        isFailing = false;
        wake();
      } catch (error) {
        this.#drafts.unshift(...drafts);
        this.#isDirty = true;
        if (!isFailing)
          log.error('alarms wait: the store fails', { error: error instanceof Error ? error.message : String(error) });
        isFailing = true;
        if (this.#isClosed) return;
        await sleep(clock, STORE_DELAY_MS);
      }
    }
  }
}

function sleep(clock: Clock, ms: DurationMs): Promise<void> {
  return new Promise((resolve) => void clock.setTimer(clock.monotonic() + ms, resolve));
}
