/** From a submission of the doors to a trigger of the scheduler. */
import { createHash } from 'node:crypto';
import type { SubmitResult, Submission } from '../core/control.ts';
import { TickwiseError } from '../core/errors.ts';
import type { Job } from '../core/job.ts';
import type { DurationMs, Instant } from '../core/time.ts';
import { LARGEST_JSON } from './step-json.ts';
import type { TriggerOptions, TriggerResult } from './trigger.ts';

/** As long as a key stands for its run. */
export const KEY_LIFE_MS: DurationMs = 24 * 3_600_000;

/** Says what is wrong with an input, by the job's `inputSchema`, with its place; `undefined`: nothing. */
export type CheckInput = (job: Job, input: unknown) => string | undefined;

/**
 * Checks a submission and makes a trigger of it.
 *
 * @param submission what was asked for
 * @param job its job
 * @param checkInput called if there is an input
 * @param now the wall clock
 * @returns what the scheduler is asked
 * @throws TickwiseError `INPUT_INVALID`, naming the job and what is wrong
 */
export function triggerOf(submission: Submission, job: Job, checkInput: CheckInput, now: Instant): TriggerOptions {
  const { input, budgetMs, by, idempotencyKey: key } = submission;
  const text = input === undefined ? undefined : inputText(input, job);
  const fault = text === undefined ? undefined : checkInput(job, JSON.parse(text));
  if (fault !== undefined) throw new TickwiseError('INPUT_INVALID', `job ${job.name}: ${fault}`);
  const request = { job: job.name, input, budgetMs };
  const idempotency = key === undefined ? undefined : { key, fingerprint: fingerprintOf(request), until: now + KEY_LIFE_MS };
  return { input: text, budgetMs, by, idempotency };
}

/** Tells the doors what became of it. @throws TickwiseError `DRAINING` */
export function submitResultOf(result: TriggerResult): SubmitResult {
  if (result.kind === 'refused' && result.reason === 'draining') throw drainingError();
  return result;
}

/** The daemon takes no work any more. */
export function drainingError(): TickwiseError {
  return new TickwiseError('DRAINING', 'the daemon is shutting down and starts nothing new; ask the one that follows it');
}

/**
 * The same for the same request, however its input was written.
 *
 * @param request plain data
 * @returns SHA-256 of its canonical JSON, in hexadecimal digits
 */
export function fingerprintOf(request: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(request, (_, value: unknown) => sorted(value)))
    .digest('hex');
}

function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  // No prototype: a key may be `__proto__`.
  const copy: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const name of Object.keys(value).toSorted()) copy[name] = (value as Record<string, unknown>)[name];
  return copy;
}

function inputText(input: unknown, job: Job): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(input);
  } catch (cause) {
    throw new TickwiseError('INPUT_INVALID', `job ${job.name}: the input is not JSON`, { cause });
  }
  if (text === undefined) throw new TickwiseError('INPUT_INVALID', `job ${job.name}: the input is a ${typeof input}, not JSON`);
  if (text.length <= LARGEST_JSON) return text;
  const size = `${text.length} characters of JSON; at most ${LARGEST_JSON} are taken`;
  throw new TickwiseError('INPUT_INVALID', `job ${job.name}: the input has ${size}`);
}
