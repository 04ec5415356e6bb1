/** Events as JSON for the world outside: instants as ISO 8601, durations in milliseconds, JSON texts as what they hold. */
import type { ErrorRecord } from '../core/errors.ts';
import type { Instant } from '../core/time.ts';
import type { EventType, SchedulerEvent } from './events.ts';

/** What the world outside is told: all that happens but figures, and the faults of our own listeners. */
export type PublicEvent = Exclude<SchedulerEvent, { readonly type: 'listenerFailed' }>;

/** Fields of events that are instants. */
const INSTANTS: ReadonlySet<string> = new Set(['tick', 'from', 'to', 'startedAt', 'endedAt', 'deadline']);
/** Fields of a line longer than this, as JSON, are left out; a runner keeps no more either. */
const LONGEST_FIELDS = 8_192;

/** Whether an event is told outside. */
export function isPublic(event: SchedulerEvent): event is PublicEvent {
  return event.type !== ('listenerFailed' satisfies EventType);
}

/**
 * The JSON text of an event: its fields, and `at`, when it was told. Of an error it holds name, message and code; a result that a run
 * ended with is left to the ledger, for it may be of 1 MiB.
 *
 * @param event any public one
 * @param at when it was told
 * @returns JSON text of an object; never throws, whatever a task wrote
 */
export function eventJson(event: PublicEvent, at: Instant): string {
  const fields: Record<string, unknown> = { at: iso(at) };
  for (const [name, value] of Object.entries(event)) {
    if (name === 'type' || name === 'result' || value === undefined) continue;
    if (INSTANTS.has(name)) fields[name] = iso(value as Instant);
    else if (name === 'error') fields[name] = withoutStack(value as ErrorRecord);
    else if (name === 'fields') fields[name] = plainFields(value as Record<string, unknown>);
    else fields[name] = value;
  }
  return JSON.stringify(fields);
}

/** The fields of a line as JSON text. @returns `undefined` when JSON cannot keep them, or they are too long; the line's text stays */
export function fieldsJson(fields: Record<string, unknown> | undefined): string | undefined {
  try {
    const text: string | undefined = fields === undefined ? undefined : JSON.stringify(fields);
    return text === undefined || text.length > LONGEST_FIELDS ? undefined : text;
  } catch {
    return undefined;
  }
}

function plainFields(fields: Record<string, unknown>): unknown {
  const text = fieldsJson(fields);
  return text === undefined ? undefined : (JSON.parse(text) as unknown);
}

function withoutStack({ name, message, code }: ErrorRecord): Omit<ErrorRecord, 'stack'> {
  return { name, message, ...(code === undefined ? {} : { code }) };
}

/** Events of a moment share its instants, and to write one costs as much as the rest of an event. */
const written = new Map<Instant, string>();
const MOST_WRITTEN = 256;

function iso(at: Instant): string {
  let text = written.get(at);
  if (text === undefined) {
    if (written.size >= MOST_WRITTEN) written.clear();
    written.set(at, (text = new Date(at).toISOString()));
  }
  return text;
}
