/** From what happened to what is told: the messages that a job's rules of `notify` ask for. */
import type { Job, JobName, NotifyRule } from './job.ts';
import type { Happening, MessageDraft, NotifyEvent, PlanMessages } from './message.ts';
import type { RunOutcome } from './run.ts';
import type { EndWrite } from './store.ts';
import { hashOf } from './tick.ts';
import type { DurationMs, Instant } from './time.ts';

/** Makes a body presentable, e.g. blots secrets out. @param body JSON text @returns JSON text */
export type CleanBody = (body: string) => string;

/**
 * Makes the store's planner: it looks a job up by its name each time, so a reload needs no new one.
 *
 * @param jobOf the job as it is defined now; `undefined` for one that is configured no more, of which nothing is told
 * @param clean is given each body; it must not throw
 * @returns a planner that is pure but for `jobOf`, and never throws
 */
export function makePlanMessages(jobOf: (name: JobName) => Job | undefined, clean: CleanBody = (body) => body): PlanMessages {
  return (happening) => {
    const job = jobOf(happening.kind === 'ended' ? happening.end.job : happening.job);
    if (job === undefined || job.notify.length === 0) return [];
    return planMessages(happening, job, clean);
  };
}

/**
 * The messages that one happening leads to. A run that ended badly is told by its outcome; one that ended well, or came forward
 * (`unfinished`), after one that ended badly is told as `recovered`, and so once; ticks that were missed are told together.
 *
 * @param happening what a transaction is about to write
 * @param job whose rules ask
 * @param clean is given each body
 * @returns one draft for each receiver that asks for the event, in the order of the rules
 */
export function planMessages(
  happening: Happening,
  job: Pick<Job, 'name' | 'notify'>,
  clean?: CleanBody,
): readonly MessageDraft[] {
  if (happening.kind === 'missed') {
    const { reason, from, to, count, at } = happening;
    return draftsOf(job, 'missed', at, { reason, from: isoOf(from), to: isoOf(to), count }, clean);
  }
  const { end, previous } = happening;
  const event = BAD.find((outcome) => outcome === end.outcome);
  if (event !== undefined) return draftsOf(job, event, end.endedAt, factsOf(end), clean);
  if (!isGoodEnd(end.outcome) || !BAD.some((outcome) => outcome === previous)) return [];
  return draftsOf(job, 'recovered', end.endedAt, { ...factsOf(end), recoveredFrom: previous }, clean);
}

/** Outcomes that are told of. A cancelled run ended as somebody wished. */
const BAD = ['failed', 'killed', 'timedOut', 'lost'] as const satisfies readonly NotifyEvent[];

/** Whether the job came forward: it is done, or goes on from its checkpoint at the next tick. */
export function isGoodEnd(outcome: RunOutcome): boolean {
  return outcome === 'succeeded' || outcome === 'unfinished';
}

/** What an alarm that is no end tells beside its job. */
export type Alarm =
  | { readonly event: 'blocked'; readonly runId: string; readonly tick: Instant; readonly what: string }
  | { readonly event: 'overdue'; readonly lastGoodEnd: Instant | undefined; readonly dueBy: Instant }
  | {
      readonly event: 'recovered';
      readonly recoveredFrom: 'blocked' | 'overdue';
      readonly runId?: string | undefined;
      readonly outcome?: RunOutcome | undefined;
    };

/**
 * The messages of an alarm that no turn tells of.
 *
 * @param alarm what is wrong, or is well again
 * @param job whose rules ask
 * @param at when it was noticed
 * @param clean is given each body
 * @returns one draft for each receiver that asks for the event
 */
export function planAlarm(
  alarm: Alarm,
  job: Pick<Job, 'name' | 'notify'>,
  at: Instant,
  clean?: CleanBody,
): readonly MessageDraft[] {
  switch (alarm.event) {
    case 'blocked':
      return draftsOf(job, 'blocked', at, { runId: alarm.runId, tick: isoOf(alarm.tick), what: alarm.what }, clean);
    case 'overdue': {
      const { lastGoodEnd, dueBy } = alarm;
      return draftsOf(job, 'overdue', at, { lastGoodEnd: isoOf(lastGoodEnd), dueBy: isoOf(dueBy) }, clean);
    }
    case 'recovered': {
      const { runId, outcome, recoveredFrom } = alarm;
      return draftsOf(job, 'recovered', at, { runId, outcome, recoveredFrom }, clean);
    }
    default:
      return alarm satisfies never;
  }
}

/**
 * The name of a rule's receiver: the same for the same address or program, whatever else the rule says, on every node.
 *
 * @param rule one of `notify`
 * @returns a hash; an address may hold a secret, and the store and the log shall not
 */
export function targetOf(rule: Pick<NotifyRule, 'webhook' | 'command'>): string {
  const address = rule.webhook === undefined ? `command ${JSON.stringify(rule.command)}` : `webhook ${rule.webhook}`;
  const { high, low } = hashOf(address);
  return `${rule.webhook === undefined ? 'command' : 'webhook'}-${hex(high)}${hex(low)}`;
}

function hex(half: number): string {
  return half.toString(16).padStart(8, '0');
}

/** A receiver that two rules name is told once. */
function draftsOf(
  job: Pick<Job, 'name' | 'notify'>,
  event: NotifyEvent,
  at: Instant,
  facts: Readonly<Record<string, unknown>>,
  clean: CleanBody = (body) => body,
): readonly MessageDraft[] {
  const targets = new Set(job.notify.filter((rule) => rule.on.includes(event)).map(targetOf));
  if (targets.size === 0) return [];
  const body = clean(JSON.stringify({ version: 1, event, job: job.name, ...facts, at: isoOf(at) }));
  return [...targets].map((target) => ({ job: job.name, event, target, body }));
}

/** Neither input, nor checkpoint, nor result: they may hold what a receiver shall not see. */
function factsOf(end: EndWrite): Readonly<Record<string, unknown>> {
  return {
    runId: end.runId,
    tick: isoOf(end.tick),
    outcome: end.outcome,
    reason: end.reason,
    by: end.by,
    error: end.error === undefined ? undefined : { name: end.error.name, message: end.error.message },
    startedAt: isoOf(end.startedAt),
    endedAt: isoOf(end.endedAt),
    steps: end.steps,
    attempts: end.attempts,
    progress: end.progress,
  };
}

const DAY_MS: DurationMs = 86_400_000;

/** ISO 8601 in UTC, without a clock. Days are counted from 0000-03-01, so that a leap day is the last of its year. */
function isoOf(instant: Instant | undefined): string | undefined {
  if (instant === undefined || !Number.isFinite(instant)) return undefined;
  const whole = Math.floor(instant);
  const day = Math.floor(whole / DAY_MS);
  const days = day + 719_468;
  const era = Math.floor(days / 146_097);
  const dayOfEra = days - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1_460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shifted = Math.floor((5 * dayOfYear + 2) / 153);
  const month = shifted < 10 ? shifted + 3 : shifted - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  const date = `${pad(year, 4)}-${pad(month, 2)}-${pad(dayOfYear - Math.floor((153 * shifted + 2) / 5) + 1, 2)}`;
  const ms = whole - day * DAY_MS;
  const [hours, minutes, seconds] = [Math.floor(ms / 3_600_000), Math.floor(ms / 60_000) % 60, Math.floor(ms / 1_000) % 60];
  return `${date}T${pad(hours, 2)}:${pad(minutes, 2)}:${pad(seconds, 2)}.${pad(ms % 1_000, 3)}Z`;
}

function pad(number: number, width: number): string {
  return String(number).padStart(width, '0');
}
