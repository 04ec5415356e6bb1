/** From a schedule as it is written to the schedules of a job. */
import type { Schedule } from '../core/schedule.ts';
import { type Instant, parseDuration } from '../core/time.ts';
import { askOnce, type Builder, durationOf, intern } from './builder.ts';
import { check } from './check.ts';
import type { Path } from './finding.ts';
import { isPlainCron } from './plain-cron.ts';
import { scheduleObjectSchema } from './schema.ts';
import { suggest } from './suggest.ts';
import { checkZone } from './zone.ts';

interface RawSchedule {
  readonly cron?: string;
  readonly every?: string;
  readonly at?: string;
  readonly timezone?: string;
  readonly jitter?: string;
  readonly startAt?: string;
  readonly stopAt?: string;
}

const KINDS = ['cron', 'every', 'at'] as const;
const NICKNAMES = ['@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly', '@every'] as const;
const INSTANT = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.\d{1,9})?)?)?(Z|[+-]\d\d:?\d\d)?$/i;
const LOOKS_LIKE_INSTANT = /^\d{4}-\d/;
const INSTANT_EXPECTED = 'e.g. "2030-01-31T09:00:00Z" or "2030-01-31T09:00:00+01:00"';
const SCHEDULE_EXPECTED = 'cron with 5, 6 or 7 fields, "@hourly", "@every 90s", an instant, an object of these, or a list';

/**
 * Reads the `schedule` of a job.
 *
 * @param raw any value; `undefined` where there is none
 * @param path where it stands
 * @param builder gets what is wrong
 * @returns the schedules; the same frozen list for equal values. Meaningless if something was found
 */
export function readSchedules(raw: unknown, path: Path, builder: Builder): readonly Schedule[] {
  return intern(builder, 'schedule', raw ?? null, () => {
    if (raw === undefined) return [];
    if (!Array.isArray(raw)) return readOne(raw, path, builder);
    if (raw.length === 0)
      builder.findings.add(path, 'an empty list', { expected: 'at least one schedule, or no "schedule" at all' });
    if (raw.length > 1_000) builder.findings.add(path, 'too many schedules', { got: raw.length, expected: 'at most 1000' });
    return raw.slice(0, 1_000).flatMap((part: unknown, index) => readOne(part, [...path, index], builder));
  });
}

function readOne(raw: unknown, path: Path, builder: Builder): Schedule[] {
  if (typeof raw === 'string') return readText(raw, path, builder);
  if (typeof raw === 'object' && raw !== null && !Array.isArray(raw)) return readObject(raw, path, builder);
  builder.findings.add(path, 'of the wrong kind', { got: raw, expected: SCHEDULE_EXPECTED });
  return [];
}

function readText(raw: string, path: Path, builder: Builder): Schedule[] {
  const text = raw.trim();
  const every = /^@every(?:\s+(.*))?$/i.exec(text);
  if (every !== null) {
    const duration = every[1] ?? '';
    const everyMs = positiveDuration(duration);
    if (everyMs !== undefined) return sound({ kind: 'every', everyMs }, path, path, builder);
    const bare =
      /^\d+$/.test(duration) && !builder.findings.isTemplate(path)
        ? `a bare number has no unit: write "@every ${duration}s" if seconds are meant`
        : 'not a duration above 0 after @every';
    builder.findings.add(path, bare, { got: raw, expected: '"@every 90s"' });
    return [];
  }
  if (LOOKS_LIKE_INSTANT.test(text)) {
    const at = readInstant(text, path, builder);
    return at === undefined ? [] : sound({ kind: 'at', at }, path, path, builder);
  }
  return sound({ kind: 'cron', pattern: text, timezone: builder.timezone }, path, path, builder);
}

function positiveDuration(text: string): number | undefined {
  try {
    const duration = parseDuration(text);
    return duration > 0 ? duration : undefined;
  } catch {
    return undefined;
  }
}

function readObject(raw: object, path: Path, builder: Builder): Schedule[] {
  const { findings } = builder;
  const unsound = check(scheduleObjectSchema, raw, path, findings);
  const kinds = Object.keys(raw).filter((key) => KINDS.some((kind) => kind === key));
  const second = kinds[1];
  if (kinds.length === 0) findings.add(path, 'nothing says when it falls due', { expected: 'one of "cron", "every" and "at"' });
  if (second !== undefined) {
    findings.add([...path, second], `two kinds in one schedule: ${kinds.map((kind) => `"${kind}"`).join(' and ')}`, {
      expected: 'one of them; a list for several schedules',
      at: 'key',
    });
  }
  const { cron, every, at, timezone, jitter, startAt, stopAt } = withoutUnsound(raw, unsound) as RawSchedule;
  const kind = kinds[0];
  if (timezone !== undefined) {
    checkZone(timezone, [...path, 'timezone'], findings);
    if (kind === 'every' || kind === 'at') findings.warn([...path, 'timezone'], `has no effect on "${kind}"`);
  }
  const start = startAt === undefined ? undefined : readInstant(startAt, [...path, 'startAt'], builder);
  const stop = stopAt === undefined ? undefined : readInstant(stopAt, [...path, 'stopAt'], builder);
  const jitterMs = durationOf(builder, jitter);
  const window = {
    ...(start === undefined ? {} : { startAt: start }),
    ...(stop === undefined ? {} : { stopAt: stop }),
    ...(jitterMs === undefined ? {} : { jitterMs }),
  };
  const where = kind === undefined ? path : [...path, kind];
  const zone = timezone !== undefined && !findings.isSealed([...path, 'timezone']) ? timezone : builder.timezone;
  if (second !== undefined) return [];
  if (cron !== undefined) return sound({ kind: 'cron', pattern: cron.trim(), timezone: zone, ...window }, where, path, builder);
  if (every !== undefined) return sound({ kind: 'every', everyMs: parseDuration(every), ...window }, where, path, builder);
  const instant = at === undefined ? undefined : readInstant(at, where, builder);
  return instant === undefined ? [] : sound({ kind: 'at', at: instant, ...window }, where, path, builder);
}

function withoutUnsound(raw: object, unsound: ReadonlySet<string>): object {
  return unsound.size === 0 ? raw : Object.fromEntries(Object.entries(raw).filter(([key]) => !unsound.has(key)));
}

/** Asks the calendar about the core of a schedule first, then about its window and jitter, so that each fault has its own place. */
function sound(schedule: Schedule, where: Path, whole: Path, builder: Builder): Schedule[] {
  const { calendar, findings, now } = builder;
  const nickname = schedule.kind === 'cron' && schedule.pattern.startsWith('@') ? unknownNickname(schedule.pattern) : undefined;
  if (nickname !== undefined) {
    findings.add(where, nickname, {
      got: schedule.kind === 'cron' ? schedule.pattern : undefined,
      expected: NICKNAMES.join(', '),
    });
    return [];
  }
  const { startAt, stopAt, jitterMs, ...core } = schedule;
  const coreFault = faultOf(core, builder);
  if (coreFault !== undefined)
    findings.add(where, withoutValue(coreFault, whole, builder), { got: findings.isTemplate(where) ? '' : undefined });
  const window = { ...(startAt === undefined ? {} : { startAt }), ...(stopAt === undefined ? {} : { stopAt }) };
  if (startAt !== undefined && stopAt !== undefined && startAt >= stopAt) {
    findings.add([...whole, 'stopAt'], 'not after startAt', { got: new Date(stopAt).toISOString(), expected: 'a later instant' });
  } else if (coreFault === undefined) {
    const windowed = { ...core, ...window } as Schedule;
    const windowFault = startAt === undefined && stopAt === undefined ? undefined : faultOf(windowed, builder);
    if (windowFault !== undefined) findings.add(whole, withoutValue(windowFault, whole, builder));
    const jitterFault = windowFault === undefined && jitterMs !== undefined ? faultOf(schedule, builder) : undefined;
    if (jitterFault !== undefined) {
      findings.add([...whole, 'jitter'], withoutValue(jitterFault, whole, builder), {
        expected: 'shorter than the gap between two ticks',
      });
    }
    if (windowFault === undefined && mayBeOver(schedule) && calendar.next([windowed], '', now) === undefined) {
      findings.warn(where, 'all of its ticks are in the past');
    }
  }
  return [schedule];
}

/** Every fault is the calendar's, but many jobs have the same schedule, and to look for a 30 February in vain takes long. */
function faultOf(schedule: Schedule, builder: Builder): string | undefined {
  if (schedule.kind === 'cron' && Object.keys(schedule).length === 3 && isPlainCron(schedule.pattern)) return undefined;
  return askOnce(builder, `schedule ${JSON.stringify(schedule)}`, () => builder.calendar.fault(schedule));
}

function unknownNickname(pattern: string): string | undefined {
  const name = pattern.toLowerCase();
  if (NICKNAMES.some((known) => known === name)) return undefined;
  if (name === '@reboot') return 'there is no tick at the start of the daemon; use onMissed, or trigger the job';
  const meant = suggest(pattern, NICKNAMES);
  return `unknown nickname${meant === undefined ? '' : `, did you mean "${meant}"?`}`;
}

/** The calendar quotes what it was given; where a part of that came from a secret, the message says less. */
function withoutValue(fault: string, whole: Path, builder: Builder): string {
  return builder.findings.isTemplate(whole) ? 'not a sound schedule, or one that never falls due' : fault;
}

/** Only these can have no tick left; to ask for the next one costs more than to check a pattern. */
function mayBeOver(schedule: Schedule): boolean {
  return (
    schedule.kind === 'at' ||
    schedule.stopAt !== undefined ||
    (schedule.kind === 'cron' && schedule.pattern.split(/\s+/).length === 7)
  );
}

/** Reads an instant with its offset. `Date.parse` alone would take 30 February for 2 March. */
function readInstant(text: string, path: Path, builder: Builder): Instant | undefined {
  const parts = INSTANT.exec(text.trim());
  if (parts === null) {
    builder.findings.add(path, 'not an instant', { got: text, expected: INSTANT_EXPECTED });
    return undefined;
  }
  const [, year = '', month = '', day = '', hour, minute = '', second = '0', offset] = parts;
  const [h, m, s] = [Number(hour ?? 0), Number(minute), Number(second)];
  const date = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)));
  date.setUTCFullYear(Number(year));
  if (date.getUTCMonth() !== Number(month) - 1 || date.getUTCDate() !== Number(day) || h > 23 || m > 59 || s > 59) {
    builder.findings.add(path, 'there is no such date or time', { got: text, expected: INSTANT_EXPECTED });
    return undefined;
  }
  if (hour === undefined || offset === undefined) {
    const missing = hour === undefined ? 'it has no time of day' : 'it does not say in which zone';
    builder.findings.add(path, `not an instant: ${missing}; add the offset, or Z for UTC`, {
      got: text,
      expected: INSTANT_EXPECTED,
    });
    return undefined;
  }
  const withColon = /^[+-]\d{4}$/.test(offset) ? `${offset.slice(0, 3)}:${offset.slice(3)}` : offset;
  const instant = Date.parse(`${text.trim().slice(0, -offset.length).replace(' ', 'T')}${withColon}`.toUpperCase());
  if (!Number.isNaN(instant)) return instant;
  builder.findings.add(path, 'not an instant', { got: text, expected: INSTANT_EXPECTED });
  return undefined;
}
