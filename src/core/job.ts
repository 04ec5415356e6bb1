/** What a job is, once its configuration has been read: every default filled in, every text parsed. */
import type { NotifyEvent } from './message.ts';
import type { Schedule } from './schedule.ts';
import type { DurationMs } from './time.ts';

/** The name of a job. */
export type JobName = string;
/** Its form: lower-case letters, digits, dot, underscore, hyphen; 1 to 63 characters. */
export const JOB_NAME: RegExp = /^[a-z0-9][a-z0-9._-]{0,62}$/;

/** A tick finds a live run: skip the tick; queue at most one; or cancel the run, wait for its proven end, then start. */
export const OVERLAP_POLICIES: readonly ['skip', 'queue', 'cancel'] = ['skip', 'queue', 'cancel'] as const;
export type OverlapPolicy = (typeof OVERLAP_POLICIES)[number];

/** Ticks that fell due while no node was up: none of them runs, one run for the newest, or each in turn. */
export const MISSED_POLICIES: readonly ['skip', 'latest', 'all'] = ['skip', 'latest', 'all'] as const;
export type MissedPolicy = (typeof MISSED_POLICIES)[number];

/** Where a module's steps run: in the daemon's thread, in a thread of their own, in a process of their own. */
export const ISOLATIONS: readonly ['inline', 'worker', 'process'] = ['inline', 'worker', 'process'] as const;
export type Isolation = (typeof ISOLATIONS)[number];

/** Steps from a JavaScript or TypeScript module. */
export interface ModuleTask {
  readonly kind: 'module';
  /** Absolute path, or a bare package specifier. */
  readonly module: string;
  /** Name of the export; `default` unless given. */
  readonly export: string;
  readonly input?: unknown;
}

/** A program and its arguments; each step is one execution. */
export interface CommandTask {
  readonly kind: 'command';
  readonly command: readonly [string, ...string[]];
  /** Absolute path. */
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: unknown;
}

/** A line for `/bin/sh -c`; each step is one execution. */
export interface ShellTask {
  readonly kind: 'shell';
  readonly shell: string;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: unknown;
}

/** An HTTP request; each step is one request. */
export interface HttpTask {
  readonly kind: 'http';
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly input?: unknown;
}

/** A function or a handler object handed to the library; always inline. `target` is what the user gave. */
export interface FunctionTask {
  readonly kind: 'function';
  readonly target: unknown;
  readonly input?: unknown;
}

/** What a job does; `kind` tells which. */
export type Task = ModuleTask | CommandTask | ShellTask | HttpTask | FunctionTask;

/** When a failed attempt is repeated, inside the run and its budget. */
export interface RetryPolicy {
  /** Attempts in all, the first one included; at least 1. */
  readonly attempts: number;
  readonly delayMs: DurationMs;
  /** Each further delay is this many times the one before; at least 1. */
  readonly factor: number;
  readonly maxDelayMs: DurationMs;
  /** 0 to 1: the share of a delay that is left to chance. */
  readonly jitter: number;
}

/** Whom to tell of which outcomes. */
export interface NotifyRule {
  readonly on: readonly NotifyEvent[];
  readonly webhook?: string;
  /** Signs what the webhook is told, so that its receiver can tell it from a stranger's. */
  readonly secret?: string;
  readonly command?: readonly [string, ...string[]];
}

/** How much of a job's past the ledger keeps. */
export interface HistoryLimits {
  readonly maxRunsPerJob: number;
  readonly maxAgeMs: DurationMs;
}

/** A job: schedule, task, budget, policies. Frozen; a reload makes a new one. */
export interface Job {
  readonly name: JobName;
  /** Empty: runs only when triggered. */
  readonly schedules: readonly Schedule[];
  readonly task: Task;
  /** Absent: derived from the shortest gap between ticks; see `core/budget`. */
  readonly budgetMs?: DurationMs | undefined;
  readonly graceMs?: DurationMs | undefined;
  readonly stepTimeoutMs?: DurationMs | undefined;
  readonly onOverlap: OverlapPolicy;
  readonly onMissed: MissedPolicy;
  readonly missedWindowMs: DurationMs;
  readonly missedLimit: number;
  readonly isolation: Isolation;
  /** Names of resources, sorted, without repetition. */
  readonly exclusive: readonly string[];
  readonly priority: number;
  readonly retry?: RetryPolicy | undefined;
  readonly paused: boolean;
  readonly ping?: string | undefined;
  readonly notify: readonly NotifyRule[];
  readonly history: HistoryLimits;
  /** A JSON Schema that the `input` of a trigger must satisfy; absent: any JSON may come. */
  readonly inputSchema?: Readonly<Record<string, unknown>> | undefined;
  readonly description?: string | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly nodeSelector?: Readonly<Record<string, string>> | undefined;
}

/** The values of every job field that has a constant default. The single source of these defaults. */
export const JOB_DEFAULTS: Omit<Job, 'name' | 'task'> = {
  schedules: [],
  onOverlap: 'skip',
  onMissed: 'latest',
  missedWindowMs: 3_600_000,
  missedLimit: 100,
  isolation: 'worker',
  exclusive: [],
  priority: 0,
  paused: false,
  notify: [],
  history: { maxRunsPerJob: 1_000, maxAgeMs: 30 * 86_400_000 },
};
