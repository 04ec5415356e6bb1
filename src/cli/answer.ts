/** What the daemon answers, checked for its shape before anything is done with it. Members that are not known here are kept. */
import { z } from 'zod';
import type { NodeIdentity } from '../core/ledger.ts';
import type { Progress } from '../core/task.ts';

/** A run, as the API tells of it and as programs are given it; the ledger knows of some members that the API keeps to itself. */
export interface RunAnswer {
  readonly id: string;
  readonly job: string;
  /** ISO 8601, as are all instants here. */
  readonly tick: string;
  readonly cause: string;
  readonly state: string;
  readonly fence?: number | undefined;
  readonly node?: NodeIdentity | undefined;
  readonly queuedAt: string;
  readonly grantedAt?: string | undefined;
  readonly startedAt?: string | undefined;
  readonly endedAt?: string | undefined;
  readonly deadline?: string | undefined;
  readonly reason?: string | undefined;
  readonly by?: string | undefined;
  readonly waitingFor?: string | undefined;
  readonly budgetMs?: number | undefined;
  readonly graceMs?: number | undefined;
  readonly steps: number;
  readonly attempts: number;
  readonly progress?: Progress | undefined;
  /** Values and not texts, as are `input` and `checkpoint`. */
  readonly result?: unknown;
  readonly input?: unknown;
  readonly checkpoint?: unknown;
  readonly error?: { readonly name: string; readonly message: string; readonly stack?: string | undefined } | undefined;
  readonly stalled?: boolean | undefined;
}

/** A job, as the API tells of it. */
export interface JobAnswer {
  readonly name: string;
  readonly state: string;
  readonly paused: boolean;
  readonly description?: string | undefined;
  readonly schedules: readonly ScheduleAnswer[];
  readonly nextTick?: string | undefined;
  readonly liveRun?: RunAnswer | undefined;
  readonly queuedRuns: readonly string[];
  readonly lastRun?: RunAnswer | undefined;
}

/** A schedule: a pattern, a duration or an instant. */
export interface ScheduleAnswer {
  readonly kind: string;
  readonly text: string;
  readonly timezone?: string | undefined;
  readonly jitterMs?: number | undefined;
}

/** A line of a run's log. */
export interface LineAnswer {
  readonly seq: number;
  readonly at: string;
  readonly attempt: number;
  readonly level: string;
  readonly source: string;
  readonly text: string;
  readonly fields?: unknown;
}

/** A shape of the table below, and what is read by it. */
export interface Answers {
  readonly job: JobAnswer;
  readonly jobDetail: { readonly job: JobAnswer; readonly why: readonly string[] };
  readonly jobs: { readonly jobs: readonly JobAnswer[] };
  readonly run: RunAnswer;
  readonly runs: { readonly runs: readonly RunAnswer[]; readonly cursor?: string | undefined };
  readonly runRef: { readonly runId: string; readonly state?: string | undefined };
  readonly runRefs: { readonly runIds: readonly string[] };
  readonly log: { readonly lines: readonly LineAnswer[] };
}

const text = z.string();
/** Names, ids and states: they are printed as they come, so nothing in them may move a cursor. */
const word = z.string().regex(/^[\w.-]{1,128}$/);
const instant = z.iso.datetime();
const later = instant.optional();
const number = z.number().optional();

const run = z.looseObject({
  id: word,
  job: word,
  tick: instant,
  cause: word,
  state: word,
  queuedAt: instant,
  startedAt: later,
  endedAt: later,
  deadline: later,
  reason: text.optional(),
  by: text.optional(),
  waitingFor: text.optional(),
  budgetMs: number,
  graceMs: number,
  fence: number,
  steps: z.number(),
  attempts: z.number(),
  progress: z.object({ completed: z.number(), total: number, message: text.optional() }).optional(),
  error: z.looseObject({ name: text, message: text }).optional(),
  stalled: z.boolean().optional(),
});
const job = z.looseObject({
  name: word,
  state: word,
  paused: z.boolean(),
  description: text.optional(),
  schedules: z.array(z.looseObject({ kind: word, text, timezone: text.optional(), jitterMs: number })),
  nextTick: later,
  liveRun: run.optional(),
  queuedRuns: z.array(word),
  lastRun: run.optional(),
});
const line = z.looseObject({ seq: z.number(), at: instant, attempt: z.number(), level: word, source: word, text });

const SHAPES: Readonly<Record<keyof Answers, z.ZodType>> = {
  job,
  jobDetail: z.looseObject({ job, why: z.array(text) }),
  jobs: z.looseObject({ jobs: z.array(job) }),
  run,
  runs: z.looseObject({ runs: z.array(run), cursor: text.optional() }),
  runRef: z.looseObject({ runId: word, state: word.optional() }),
  runRefs: z.looseObject({ runIds: z.array(word) }),
  log: z.looseObject({ lines: z.array(line) }),
};

/**
 * Reads an answer.
 *
 * @param kind which shape is expected
 * @param value JSON from outside
 * @returns the value; or where it is not of that shape
 */
export function readAnswer<Kind extends keyof Answers>(
  kind: Kind,
  value: unknown,
): { readonly answer: Answers[Kind] } | { readonly fault: string } {
  const { data, error } = SHAPES[kind].safeParse(value);
  if (error === undefined) return { answer: data as Answers[Kind] };
  const [issue] = error.issues;
  return { fault: `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}` };
}
