/** Those who tell people: messages, alarms and pings. Wiring, as `daemon.ts` is, and loaded by it alone. */
import type { Job, JobName } from './core/job.ts';
import type { Calendar, Clock } from './core/ports.ts';
import type { Store } from './core/store.ts';
import type { TaskLog } from './core/task.ts';
import type { Definitions } from './definitions.ts';
import type { Events } from './engine/events.ts';
import { createNotifier, type Notifier } from './system/notify.ts';
import { type Alarms, startAlarms } from './system/notify-alarms.ts';
import { createPinger } from './system/ping.ts';

/** What telling needs. */
export interface TellingParts {
  readonly store: Store;
  readonly definitions: Definitions;
  readonly isPaused: (job: JobName) => boolean;
  readonly events: Events;
  readonly clock: Clock;
  readonly calendar: Calendar;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: TaskLog;
  /** Blots out secrets, in JSON too. */
  readonly redact: (text: string) => string;
}

/** To be disposed of before the store is closed. */
export interface Telling extends AsyncDisposable {
  /** After a reload: somebody may be told now who was not before. */
  renew(): Promise<void>;
  /** The end of a run of an earlier daemon cannot be proved; no event says so. */
  blocked: Alarms['blocked'];
}

/**
 * Begins to tell, before the scheduler starts. What no job asks for costs nothing: nobody listens to the events of a daemon that tells
 * nobody.
 *
 * @param parts see {@link TellingParts}
 * @returns telling, until it is disposed of
 * @throws TickwiseError `STORE_UNUSABLE`
 */
export async function startTelling(parts: TellingParts): Promise<Telling> {
  const teller = new Teller(parts);
  await teller.renew();
  return teller;
}

class Teller implements Telling {
  readonly #parts: TellingParts;
  readonly #open = new AsyncDisposableStack();
  #pinger: AsyncDisposable | undefined;
  #alarms: Alarms | undefined;

  constructor(parts: TellingParts) {
    this.#parts = parts;
  }

  async renew(): Promise<void> {
    const { store, definitions } = this.#parts;
    const jobs = (): typeof definitions.jobs => definitions.jobs;
    if (this.#pinger === undefined && jobs().some(({ ping }) => ping !== undefined)) this.#startPings(jobs);
    if (this.#alarms !== undefined) return;
    // Messages of an earlier configuration wait to be delivered, or to be given up with a word.
    if (jobs().some(({ notify }) => notify.length > 0) || (await store.nextMessageAt()) !== undefined)
      await this.#startMessages(jobs);
  }

  blocked(run: Parameters<Alarms['blocked']>[0]): void {
    this.#alarms?.blocked(run);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#open.disposeAsync();
  }

  #startPings(jobs: () => readonly Job[]): void {
    const { events, clock, log, redact } = this.#parts;
    this.#pinger = this.#open.use(createPinger({ events, jobs, clock, log, clean: redact }));
  }

  async #startMessages(jobs: () => readonly Job[]): Promise<void> {
    const { store, isPaused, events, clock, calendar, env, log, redact } = this.#parts;
    let notifier: Notifier | undefined;
    const wake = (): void => notifier?.wake();
    const told = { events, jobs, clock, log };
    this.#alarms = this.#open.use(
      await startAlarms({ ...told, outbox: store, ledger: store, isPaused, calendar, wake, clean: redact }),
    );
    notifier = this.#open.use(createNotifier({ ...told, outbox: store, env, notes: this.#alarms.notes }));
  }
}
