/** From a job as it is written, and the defaults, to a core job. */
import {
  type HistoryLimits,
  type Isolation,
  type Job,
  JOB_DEFAULTS,
  type NotifyRule,
  type RetryPolicy,
  type Task,
} from '../core/job.ts';
import { type Builder, checkPairs, deepFreeze, durationOf, intern } from './builder.ts';
import { check } from './check.ts';
import type { Path } from './finding.ts';
import { checkInputSchema } from './input-schema.ts';
import { readSchedules } from './schedule.ts';
import { DEFAULTS, jobSchema } from './schema.ts';
import { checkUrl, isCallableTask, readTask } from './task.ts';

/** Fields of a job but schedule and task, as they are written. */
export type RawPolicies = Partial<{
  readonly [Field in 'budget' | 'grace' | 'stepTimeout' | 'missedWindow' | 'ping' | 'description']: string;
}> &
  Partial<Pick<Job, 'onOverlap' | 'onMissed' | 'missedLimit' | 'isolation' | 'exclusive' | 'priority' | 'paused'>> &
  Partial<Pick<Job, 'notify' | 'inputSchema'>> & {
    readonly labels?: Readonly<Record<string, string>>;
    readonly nodeSelector?: Readonly<Record<string, string>>;
    readonly retry?: RawRetry;
    readonly history?: RawHistory;
  };

/** `retry` as it is written. */
interface RawRetry {
  readonly attempts?: number;
  readonly delay?: string;
  readonly factor?: number;
  readonly maxDelay?: string;
  readonly jitter?: number;
}

/** `history` as it is written. */
export interface RawHistory {
  readonly maxRunsPerJob?: number;
  readonly maxAge?: string;
}

/** What a job takes over where it says nothing. */
export interface JobBase {
  readonly policies: RawPolicies;
  readonly history: HistoryLimits;
  /** Rules for all jobs. */
  readonly notify: readonly NotifyRule[];
}

/** Shared by all jobs that say nothing; the originals are not ours to freeze. */
const { exclusive: NO_EXCLUSIVE } = deepFreeze({ exclusive: [...JOB_DEFAULTS.exclusive] });

/**
 * Reads one job.
 *
 * @param name its name, checked
 * @param raw any value
 * @param base what it takes over
 * @param builder gets what is wrong
 * @returns the job, frozen; `undefined` if something was found
 */
export function readJob(name: string, raw: unknown, base: JobBase, builder: Builder): Job | undefined {
  const path = ['jobs', name];
  const { findings } = builder;
  const before = findings.errors.length;
  const unsound = check(jobSchema, raw, path, findings);
  if (unsound.has('') && (typeof raw !== 'object' || raw === null || Array.isArray(raw))) return undefined;
  const { schedule, task: rawTask, ...policies } = raw as RawPolicies & { schedule?: unknown; task?: unknown };
  const schedules = readSchedules(schedule, [...path, 'schedule'], builder);
  const task = readTask(rawTask, [...path, 'task'], builder);
  const own = sound(policies, unsound);
  checkPolicies(own, path, builder);
  checkIsolation(rawTask, own.isolation, [...path, 'isolation'], builder);
  if (task === undefined || findings.errors.length > before) return undefined;
  return build(name, schedules, task, own, base, builder);
}

/**
 * The fields in which nothing is wrong.
 *
 * @param policies as written
 * @param unsound keys that `check` reported
 * @returns the rest
 */
export function sound(policies: RawPolicies, unsound: ReadonlySet<string>): RawPolicies {
  return unsound.size === 0 ? policies : Object.fromEntries(Object.entries(policies).filter(([key]) => !unsound.has(key)));
}

/**
 * Reports what the shape of policies does not show.
 *
 * @param raw policies of sound shape
 * @param path where they stand
 * @param builder gets what is wrong
 */
export function checkPolicies(raw: RawPolicies, path: Path, builder: Builder): void {
  if (raw.ping !== undefined) checkUrl(raw.ping, [...path, 'ping'], builder);
  if (raw.notify !== undefined) checkNotify(raw.notify, [...path, 'notify'], builder);
  if (raw.inputSchema !== undefined) checkInputSchema(raw.inputSchema, [...path, 'inputSchema'], builder);
  if (raw.labels !== undefined) checkLabels(raw.labels, [...path, 'labels'], builder);
  if (raw.nodeSelector !== undefined) checkLabels(raw.nodeSelector, [...path, 'nodeSelector'], builder);
  const { delay, maxDelay } = raw.retry ?? {};
  const [delayMs, maxDelayMs] = [durationOf(builder, delay), durationOf(builder, maxDelay)];
  if (delayMs !== undefined && maxDelayMs !== undefined && maxDelayMs < delayMs) {
    builder.findings.add([...path, 'retry', 'maxDelay'], 'shorter than delay', {
      got: maxDelay,
      expected: 'at least as much',
    });
  }
}

/**
 * Reports rules that name no one to tell, or two, or an address that is none.
 *
 * @param rules of sound shape
 * @param path where they stand
 * @param builder gets what is wrong
 */
export function checkNotify(rules: readonly NotifyRule[], path: Path, builder: Builder): void {
  for (const [index, { webhook, command, secret }] of rules.entries()) {
    if (webhook !== undefined) checkUrl(webhook, [...path, index, 'webhook'], builder);
    if (secret !== undefined && webhook === undefined) {
      const expected = 'no "secret" without a "webhook"';
      builder.findings.add([...path, index, 'secret'], 'there is nothing to sign for a command', { expected, at: 'key' });
    }
    if ((webhook === undefined) === (command === undefined)) {
      const wrong = webhook === undefined ? 'nobody to tell' : 'two to tell in one rule';
      builder.findings.add([...path, index], wrong, { expected: 'either "webhook" or "command"' });
    }
  }
}

/**
 * Reports names of labels that are not of the form.
 *
 * @param labels of a job, a node, or a selector
 * @param path where they stand
 * @param builder gets what is wrong
 */
export function checkLabels(labels: Readonly<Record<string, string>>, path: Path, builder: Builder): void {
  checkPairs(labels, path, builder, /^[A-Za-z0-9][\w./-]{0,127}$/, 'letters, digits, ".", "_", "/" and "-"');
}

function checkIsolation(rawTask: unknown, isolation: Isolation | undefined, path: Path, builder: Builder): void {
  if (isolation === undefined || rawTask === undefined) return;
  if (isCallableTask(rawTask)) {
    if (isolation !== 'inline')
      builder.findings.add(path, 'a function runs inline', { got: isolation, expected: '"inline", or a module' });
    return;
  }
  if (typeof rawTask !== 'object' || rawTask === null || 'module' in rawTask) return;
  const why = 'http' in rawTask ? 'a request needs no isolation' : 'a command is always a process of its own';
  if ('http' in rawTask || 'command' in rawTask || 'shell' in rawTask) {
    builder.findings.add(path, why, { got: isolation, expected: 'no "isolation"; it is for modules', at: 'key' });
  }
}

const ISOLATION_OF: Readonly<Record<Exclude<Task['kind'], 'module'>, Isolation>> = {
  command: 'process',
  shell: 'process',
  http: 'inline',
  function: 'inline',
};

/** Every field is present in every job, so that all of them share one shape in memory. */
function build(name: string, schedules: Job['schedules'], task: Task, own: RawPolicies, base: JobBase, builder: Builder): Job {
  const raw: RawPolicies = { ...base.policies, ...own };
  return Object.freeze({
    name,
    schedules,
    task,
    budgetMs: durationOf(builder, raw.budget),
    graceMs: durationOf(builder, raw.grace),
    stepTimeoutMs: durationOf(builder, raw.stepTimeout),
    onOverlap: raw.onOverlap ?? JOB_DEFAULTS.onOverlap,
    onMissed: raw.onMissed ?? JOB_DEFAULTS.onMissed,
    missedWindowMs: durationOf(builder, raw.missedWindow) ?? JOB_DEFAULTS.missedWindowMs,
    missedLimit: raw.missedLimit ?? JOB_DEFAULTS.missedLimit,
    isolation: task.kind === 'module' ? (raw.isolation ?? JOB_DEFAULTS.isolation) : ISOLATION_OF[task.kind],
    exclusive: raw.exclusive === undefined ? NO_EXCLUSIVE : sortedNames(raw.exclusive, builder),
    priority: raw.priority ?? JOB_DEFAULTS.priority,
    retry: raw.retry === undefined ? undefined : readRetry(raw.retry, builder),
    paused: raw.paused ?? JOB_DEFAULTS.paused,
    ping: raw.ping,
    notify: raw.notify === undefined ? base.notify : allRules(base.notify, raw.notify, builder),
    history: historyOf(own.history, base.history, builder),
    inputSchema: raw.inputSchema === undefined ? undefined : shared('inputSchema', raw.inputSchema, builder),
    description: raw.description,
    labels: raw.labels === undefined ? undefined : shared('labels', raw.labels, builder),
    nodeSelector: raw.nodeSelector === undefined ? undefined : shared('labels', raw.nodeSelector, builder),
  } satisfies Job);
}

function sortedNames(names: readonly string[], builder: Builder): readonly string[] {
  return intern(builder, 'exclusive', names, () => [...new Set(names)].sort());
}

function allRules(common: readonly NotifyRule[], own: readonly NotifyRule[], builder: Builder): readonly NotifyRule[] {
  return intern(builder, 'notify', own, () => [...common, ...own]);
}

function shared<Value>(kind: string, value: Value, builder: Builder): Value {
  return intern(builder, kind, value, () => value);
}

/** A field that is left out has its default; `maxDelay` is then never below `delay`. */
function readRetry(raw: RawRetry, builder: Builder): RetryPolicy {
  return intern(builder, 'retry', raw, () => {
    const delayMs = durationOf(builder, raw.delay ?? DEFAULTS.retry.delay) ?? 0;
    return {
      attempts: raw.attempts ?? DEFAULTS.retry.attempts,
      delayMs,
      factor: raw.factor ?? DEFAULTS.retry.factor,
      maxDelayMs: durationOf(builder, raw.maxDelay) ?? Math.max(delayMs, durationOf(builder, DEFAULTS.retry.maxDelay) ?? 0),
      jitter: raw.jitter ?? DEFAULTS.retry.jitter,
    };
  });
}

/**
 * The limits that a `history` gives, field by field over those that it leaves open.
 *
 * @param raw of sound shape; `undefined` where there is none
 * @param base what holds otherwise
 * @param builder shares equal ones
 * @returns the limits
 */
export function historyOf(raw: RawHistory | undefined, base: HistoryLimits, builder: Builder): HistoryLimits {
  if (raw === undefined) return base;
  return intern(builder, 'history', [raw, base], () => ({
    maxRunsPerJob: raw.maxRunsPerJob ?? base.maxRunsPerJob,
    maxAgeMs: durationOf(builder, raw.maxAge) ?? base.maxAgeMs,
  }));
}
