/**
 * The one table of operating errors. A bug is an assertion; what a job does is an outcome, a value;
 * everything else that can go wrong has a code here, and nothing ever matches on a message.
 */
export const ERROR_CODES = {
  DURATION_INVALID: 'a text is not a duration',
  SCHEDULE_INVALID: 'a schedule cannot be read, or never falls due',
  CONFIG_INVALID: 'the configuration has errors; each with its place',
  CONFIG_UNREADABLE: 'the configuration file cannot be read',
  TASK_INVALID: 'what a module exports is not a task',
  STEP_RESULT_INVALID: 'a step returned something that is not a step result',
  CHECKPOINT_INVALID: 'a checkpoint is not JSON, or is larger than 1 MiB',
  STEP_FAILED: 'a step of a command or a request failed',
  INPUT_INVALID: "what a run is asked with does not fit the job's inputSchema, or is no JSON",
  LISTEN_FAILED: 'the API may not, or cannot, listen where it should',
  NO_DAEMON: 'no daemon answers where the configuration says',
  REQUEST_FAILED: 'a daemon refused a request, or its answer cannot be read',
  RUN_STOPPED: 'the run was asked to stop; the reason of an aborted signal',
  RUN_CRASHED: 'the thread or process of a run ended on its own',
  RUN_NOT_FOUND: 'no run has this id, or several do',
  JOB_NOT_FOUND: 'no job has this name',
  JOB_BUSY: 'the job has a live run, and its policy is to skip',
  JOB_PAUSED: 'the job is paused',
  NOT_STARTED: 'a scheduler was asked for something before its start',
  DRAINING: 'the scheduler is shutting down and starts nothing new',
  STORE_LOCKED: 'another daemon has this store open',
  STORE_UNUSABLE: 'the store cannot be opened, read or written',
  STORE_UNSUPPORTED: 'the store is of a kind, or in a place, that cannot keep the promise',
  CONTEXT_CANCELLED: 'a context was cancelled, and nobody said why',
  DEADLINE_EXCEEDED: 'the time of a context is over',
  TASK_FAILED: 'one of several tasks failed; the cause is what it threw',
  SCOPE_CLOSED: 'a group, a channel or a pipeline was used after its end',
  NOT_SUPPORTED: 'this machine or version cannot do what was asked',
} as const;

/** A code of {@link ERROR_CODES}. */
export type ErrorCode = keyof typeof ERROR_CODES;

/**
 * An operating error: something outside the program's own logic went wrong, and `code` says what.
 * The message is one line for a person: what is wrong, where, and what to do.
 */
export class TickwiseError extends Error {
  readonly code: ErrorCode;
  readonly facts: Readonly<Record<string, unknown>>;

  /**
   * @param code one of the table
   * @param message one line for a person
   * @param options `cause`, kept as it is; `facts`, the details a program may want
   */
  constructor(code: ErrorCode, message: string, options: { cause?: unknown; facts?: Record<string, unknown> } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'TickwiseError';
    this.code = code;
    this.facts = options.facts ?? {};
  }
}

/** An error as it is kept in the ledger and sent between threads: plain data, nothing to execute. */
export interface ErrorRecord {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  readonly stack?: string;
  /** Of the program that failed. */
  readonly exitCode?: number;
}

const MESSAGE_LIMIT = 4_096;
const STACK_LIMIT = 8_192;

/**
 * Makes plain data of whatever was thrown, an object with hostile getters included.
 *
 * @param thrown any value
 * @returns name and message always; code and stack where there are any; each of bounded length
 */
export function errorRecord(thrown: unknown): ErrorRecord {
  try {
    if (thrown instanceof Error) {
      const code: unknown = (thrown as { code?: unknown }).code;
      const exitCode: unknown = thrown instanceof TickwiseError ? thrown.facts['exitCode'] : undefined;
      return {
        name: String(thrown.name).slice(0, 128),
        message: String(thrown.message).slice(0, MESSAGE_LIMIT),
        ...(typeof code === 'string' ? { code: code.slice(0, 128) } : {}),
        ...(typeof thrown.stack === 'string' ? { stack: thrown.stack.slice(0, STACK_LIMIT) } : {}),
        ...(typeof exitCode === 'number' ? { exitCode } : {}),
      };
    }
    return { name: 'Thrown', message: String(thrown).slice(0, MESSAGE_LIMIT) };
  } catch {
    return { name: 'Thrown', message: 'a value that cannot be described' };
  }
}
