/** A run as JSON: instants as ISO 8601, durations in milliseconds, JSON texts as what they hold. */
import type { Cause, RunOutcome, RunState } from '../core/run.ts';
import { RUN_OUTCOMES } from '../core/run.ts';
import type { RunRecord } from '../core/ledger.ts';
import type { RunView } from '../core/control.ts';
import type { LogLine } from '../core/log-line.ts';
import type { Instant } from '../core/time.ts';

/** A run as the API shows it. `checkpoint` and `result` are left out of lists. */
export interface RunJson {
  readonly id: string;
  readonly job: string;
  readonly tick: string;
  readonly cause: Cause;
  readonly state: RunState;
  readonly outcome?: RunOutcome | undefined;
  readonly fence?: number | undefined;
  readonly attempts: number;
  readonly steps: number;
  readonly progress?:
    | { readonly completed: number; readonly total?: number | undefined; readonly message?: string | undefined }
    | undefined;
  readonly checkpoint?: unknown;
  readonly result?: unknown;
  readonly error?: { readonly name: string; readonly message: string; readonly code?: string | undefined } | undefined;
  readonly reason?: string | undefined;
  readonly by?: string | undefined;
  readonly waitingFor?: string | undefined;
  readonly stalled?: boolean | undefined;
  readonly queuedAt: string;
  readonly startedAt?: string | undefined;
  readonly endedAt?: string | undefined;
  readonly deadline?: string | undefined;
  readonly budgetMs?: number | undefined;
  readonly graceMs?: number | undefined;
}

/** A line of a run's log as the API shows it. */
export interface LineJson {
  readonly seq: number;
  readonly at: string;
  readonly attempt: number;
  readonly level: LogLine['level'];
  readonly source: LogLine['source'];
  readonly text: string;
  readonly fields?: unknown;
}

/**
 * A run in full, as the JSON text of a {@link RunJson}. What the task left is put in as the text that the ledger holds: it may be of
 * 1 MiB, and nested deeper than `JSON.stringify` can follow.
 *
 * @param run live or ended
 * @returns JSON; neither stack nor input, neither node nor process
 */
export function runText(run: RunView | RunRecord): string {
  const { checkpoint, result } = run;
  const left = Object.entries({ checkpoint, result }).map(([name, text]) => (text === undefined ? '' : `,"${name}":${text}`));
  return `${JSON.stringify(runLine(run)).slice(0, -1)}${left.join('')}}`;
}

/** A run in a list: all but its checkpoint and its result, which may be of 1 MiB each. @param run live or ended */
export function runLine(run: RunView | RunRecord): RunJson {
  const live: Partial<RunView> = run;
  const { error } = run;
  return {
    id: run.id,
    job: run.job,
    tick: iso(run.tick),
    cause: run.cause,
    state: run.state,
    outcome: outcomeOf(run.state),
    fence: run.fence,
    attempts: run.attempts,
    steps: run.steps,
    progress: run.progress,
    error: error === undefined ? undefined : { name: error.name, message: error.message, code: error.code },
    reason: run.reason,
    by: run.by,
    waitingFor: live.waitingFor,
    stalled: run.stalled,
    queuedAt: iso(run.queuedAt),
    startedAt: isoOf(run.startedAt),
    endedAt: isoOf(run.endedAt),
    deadline: isoOf(live.deadline),
    budgetMs: run.budgetMs,
    graceMs: run.graceMs,
  };
}

/** A line of a log. @param line as the ledger keeps it */
export function lineJson({ seq, at, attempt, level, source, text, fields }: LogLine): LineJson {
  return { seq, at: iso(at), attempt, level, source, text, fields: parsed(fields) };
}

/** How a run ended. @param state where it stands @returns `undefined` for a live one */
export function outcomeOf(state: RunState): RunOutcome | undefined {
  return RUN_OUTCOMES.find((outcome) => outcome === state);
}

/** An instant of ISO 8601, UTC, to the millisecond. @param at the instant */
export function iso(at: Instant): string {
  return new Date(at).toISOString();
}

/** The same, for one that may be absent. @param at the instant, or none */
export function isoOf(at: Instant | undefined): string | undefined {
  return at === undefined ? undefined : iso(at);
}

function parsed(text: string | undefined): unknown {
  return text === undefined ? undefined : JSON.parse(text);
}
