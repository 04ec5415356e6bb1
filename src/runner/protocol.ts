/**
 * What the daemon and a host (the thread or child process that runs a module's steps) say to each other. Whatever comes
 * from a host is checked here before anything else looks at it: user code can write to the channel too, and a broken or
 * hostile child must not be able to hurt the daemon.
 */
import type { ErrorRecord } from '../core/errors.ts';
import type { AttemptEnd, RunOrder } from '../core/ports.ts';
import { RUN_OUTCOMES, type StopReason } from '../core/run.ts';
import type { StepDurations } from '../core/step-durations.ts';
import type { Progress } from '../core/task.ts';
import type { DurationMs, Instant, MonotonicMs } from '../core/time.ts';
import { isAmount, isCount, isRecord, parseDurations } from './plain.ts';

/** An order as it travels: plain data, and its budget on the kernel's monotonic clock, which all threads and processes share. */
export interface HostOrder {
  /** The number of the attempt, unique in the daemon: a late message of an earlier one is told by it. */
  readonly attemptId: number;
  readonly job: string;
  readonly runId: string;
  readonly tick: Instant;
  readonly fence: number;
  readonly attempt: number;
  readonly module: string;
  readonly export: string;
  /** JSON text; absent for `undefined`. */
  readonly input: string | undefined;
  readonly checkpoint: string | undefined;
  readonly deadline: Instant;
  /** By `process.hrtime`, in milliseconds. */
  readonly budgetEndHr: MonotonicMs;
  readonly graceMs: DurationMs;
  readonly stepTimeoutMs: DurationMs | undefined;
  readonly awaitsSaves: boolean;
}

/** What a host is told. */
export type ToHost =
  | { readonly type: 'run'; readonly order: HostOrder }
  | { readonly type: 'stop'; readonly attemptId: number; readonly reason: StopReason }
  | { readonly type: 'windDown'; readonly attemptId: number }
  | { readonly type: 'saved'; readonly attemptId: number; readonly step: number }
  | { readonly type: 'exit' };

/** A line's level and source, as the observer takes them. */
export type LineLevel = 'debug' | 'info' | 'warn' | 'error';
/** Where a line comes from: the task itself by `context.log`, or one of its streams. */
export type LineSource = 'task' | 'stdout' | 'stderr';

/** What a host tells. */
export type FromHost =
  /** It has read the order: from here on, user code may have run. */
  | { readonly type: 'began'; readonly attemptId: number }
  | {
      readonly type: 'stepped';
      readonly attemptId: number;
      readonly steps: number;
      readonly checkpoint?: string | undefined;
      readonly progress?: Progress | undefined;
      readonly waits?: boolean | undefined;
      readonly durations?: StepDurations | undefined;
    }
  | { readonly type: 'stopping'; readonly attemptId: number; readonly reason: StopReason }
  | { readonly type: 'stalled'; readonly attemptId: number }
  /** Its event loop turns; sent several times within a step timeout, and only where there is one. */
  | { readonly type: 'beat'; readonly attemptId: number }
  | {
      readonly type: 'line';
      readonly attemptId: number;
      readonly level: LineLevel;
      readonly source: LineSource;
      readonly text: string;
      readonly fields?: Record<string, unknown> | undefined;
    }
  /** Lines that it left out, since there were too many at once. */
  | { readonly type: 'leftOut'; readonly attemptId: number; readonly lines: number; readonly characters: number }
  /** An error that nobody caught; the host exits. */
  | { readonly type: 'crashed'; readonly attemptId: number; readonly error: ErrorRecord }
  /** `spoiled`: the host must not be used again, since a failed import stays failed in it. */
  | { readonly type: 'ended'; readonly attemptId: number; readonly end: AttemptEnd; readonly spoiled: boolean };

/** The largest message, in characters of its JSON text: a checkpoint and a result of 1 MiB each, every character escaped. */
export const LARGEST_MESSAGE = 16_777_216;
/** The longest line of output that is kept whole. */
export const LONGEST_LINE = 8_192;
const LARGEST_JSON = 1_048_576;
const LONGEST_TEXT = 16_384;

/**
 * Prepares an order for its journey.
 *
 * @param order the attempt; its task must be a module
 * @param attemptId see {@link HostOrder}
 * @param budgetEndHr the order's `budgetEnd` on the kernel's clock
 * @returns plain data
 * @throws TypeError when the input is not JSON, or the task is no module
 */
export function hostOrderOf(order: RunOrder, attemptId: number, budgetEndHr: MonotonicMs): HostOrder {
  const { task } = order.job;
  if (task.kind !== 'module') throw new TypeError(`its task is a ${task.kind}, and only a module can run in a host`);
  const input: string | undefined = JSON.stringify(order.input);
  if (input === undefined && order.input !== undefined)
    throw new TypeError(`its input is a ${typeof order.input}, which is not JSON`);
  return {
    attemptId,
    job: order.job.name,
    runId: order.runId,
    tick: order.tick,
    fence: order.fence,
    attempt: order.attempt,
    module: task.module,
    export: task.export,
    input,
    checkpoint: order.checkpoint,
    deadline: order.deadline,
    budgetEndHr,
    graceMs: order.graceMs,
    stepTimeoutMs: order.stepTimeoutMs,
    awaitsSaves: order.awaitsSaves ?? false,
  };
}

/**
 * Checks a message of a host, and copies what is legal of it.
 *
 * @param value anything
 * @returns the message; `undefined` when it is none. Never throws
 */
export function parseFromHost(value: unknown): FromHost | undefined {
  if (!isRecord(value) || !isCount(value['attemptId'])) return undefined;
  const { type, attemptId } = value;
  switch (type) {
    case 'began':
    case 'stalled':
    case 'beat':
      return { type, attemptId };
    case 'stepped': {
      const { steps, checkpoint, progress, waits } = value;
      if (!isCount(steps) || !isJsonOrAbsent(checkpoint) || !isProgressOrAbsent(progress)) return undefined;
      const durations = parseDurations(value['durations']);
      return { type, attemptId, steps, checkpoint, progress: copyProgress(progress), waits: waits === true, durations };
    }
    case 'stopping': {
      const reason = parseStop(value['reason']);
      return reason === undefined ? undefined : { type, attemptId, reason };
    }
    case 'line':
      return parseLine(value, attemptId);
    case 'leftOut': {
      const { lines, characters } = value;
      return isCount(lines) && isCount(characters) ? { type, attemptId, lines, characters } : undefined;
    }
    case 'crashed': {
      const error = parseError(value['error']);
      return error === undefined ? undefined : { type, attemptId, error };
    }
    case 'ended': {
      const end = parseEnd(value['end']);
      return end === undefined ? undefined : { type, attemptId, end, spoiled: value['spoiled'] === true };
    }
    default:
      return undefined;
  }
}

const LEVELS: readonly unknown[] = ['debug', 'info', 'warn', 'error'] satisfies LineLevel[];
const SOURCES: readonly unknown[] = ['task', 'stdout', 'stderr'] satisfies LineSource[];

function parseLine(value: Record<string, unknown>, attemptId: number): FromHost | undefined {
  const { level, source, text, fields } = value;
  if (!LEVELS.includes(level) || !SOURCES.includes(source) || typeof text !== 'string') return undefined;
  const kept = text.slice(0, LONGEST_LINE);
  const whole = { type: 'line', attemptId, level: level as LineLevel, source: source as LineSource, text: kept } as const;
  return isRecord(fields) ? { ...whole, fields } : whole;
}

function parseEnd(value: unknown): AttemptEnd | undefined {
  if (!isRecord(value)) return undefined;
  const { outcome, steps, checkpoint, progress, result, stalled } = value;
  const stop = value['stop'] === undefined ? undefined : parseStop(value['stop']);
  const error = value['error'] === undefined ? undefined : parseError(value['error']);
  if (!(RUN_OUTCOMES as readonly unknown[]).includes(outcome) || outcome === 'lost' || !isCount(steps)) return undefined;
  if (!isJsonOrAbsent(checkpoint) || !isJsonOrAbsent(result) || !isProgressOrAbsent(progress)) return undefined;
  return {
    outcome: outcome as AttemptEnd['outcome'],
    stop,
    steps,
    checkpoint,
    progress: copyProgress(progress),
    result,
    error,
    stalled: stalled === true,
    durations: parseDurations(value['durations']),
  };
}

function parseStop(value: unknown): StopReason | undefined {
  if (!isRecord(value)) return undefined;
  const { kind, limitMs, by } = value;
  if (kind === 'budget' || kind === 'shutdown') return { kind };
  if (kind === 'stepTimeout' && isCount(limitMs)) return { kind, limitMs };
  if (kind === 'cancel' && typeof by === 'string') return { kind, by: by.slice(0, 256) };
  return undefined;
}

function parseError(value: unknown): ErrorRecord | undefined {
  if (!isRecord(value)) return undefined;
  const { name, message, code, stack } = value;
  if (typeof name !== 'string' || typeof message !== 'string') return undefined;
  return {
    name: name.slice(0, 128),
    message: message.slice(0, LONGEST_TEXT),
    ...(typeof code === 'string' ? { code: code.slice(0, 128) } : {}),
    ...(typeof stack === 'string' ? { stack: stack.slice(0, LONGEST_TEXT) } : {}),
  };
}

function isProgressOrAbsent(value: unknown): value is Progress | undefined {
  if (value === undefined) return true;
  if (!isRecord(value)) return false;
  const { completed, total, message } = value;
  return (
    isAmount(completed) && (total === undefined || isAmount(total)) && (message === undefined || typeof message === 'string')
  );
}

/**
 * Copies what is legal of a progress, and nothing that cannot travel.
 *
 * @param progress checked already
 * @returns plain data. Never throws
 */
export function copyProgress(progress: Progress | undefined): Progress | undefined {
  if (progress === undefined) return undefined;
  const { completed, total, message } = progress;
  return {
    completed,
    ...(total === undefined ? {} : { total }),
    ...(message === undefined ? {} : { message: message.slice(0, LONGEST_TEXT) }),
  };
}

/** The store keeps these texts and the next run parses them, so a text that is not JSON would hurt later, and elsewhere. */
function isJsonOrAbsent(value: unknown): value is string | undefined {
  if (value === undefined) return true;
  if (typeof value !== 'string' || value.length > LARGEST_JSON) return false;
  try {
    JSON.parse(value);
    return true;
  } catch {
    return false;
  }
}
