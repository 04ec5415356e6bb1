/** Those who tell people: messages, alarms and pings. Wiring, as `daemon.ts` is, and loaded by it alone. */
import type { JobName } from './core/job.ts';
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
  /** The end of a run of an earlier daemon cannot be proved; no event says so. */
  blocked: Alarms['blocked'];
}

/**
 * Begins to tell, before the scheduler starts.
 *
 * @param parts see {@link TellingParts}
 * @returns telling, until it is disposed of
 * @throws TickwiseError `STORE_UNUSABLE`
 */
export async function startTelling(parts: TellingParts): Promise<Telling> {
  const { store, definitions, isPaused, events, clock, calendar, env, log, redact } = parts;
  await using opening = new AsyncDisposableStack();
  const jobs = (): typeof definitions.jobs => definitions.jobs;
  let notifier: Notifier | undefined;
  const wake = (): void => notifier?.wake();
  opening.use(createPinger({ events, jobs, clock, log, clean: redact }));
  const alarms = await startAlarms({
    outbox: store,
    ledger: store,
    events,
    jobs,
    isPaused,
    calendar,
    clock,
    log,
    wake,
    clean: redact,
  });
  opening.use(alarms);
  notifier = opening.use(createNotifier({ outbox: store, jobs, clock, log, env, events, notes: alarms.notes }));
  const open = opening.move();
  return { blocked: (run) => alarms.blocked(run), [Symbol.asyncDispose]: () => open.disposeAsync() };
}
