/** What requests are made of: names, ids, instants, durations and counts in paths and queries, and how a refusal reads. */
import { z } from '@hono/zod-openapi';
import { TickwiseError } from '../core/errors.ts';
import { JOB_NAME, type JobName } from '../core/job.ts';
import { type DurationMs, type Instant, parseDuration } from '../core/time.ts';

/** The form of a run's id; see core/tick. */
export const RUN_ID: RegExp = /^[0-9a-z]{9}-[0-9a-z]{14}$/;
/** The form of an event's id: visible characters. */
const EVENT_ID = /^[\x21-\x7e]{1,128}$/;
const DURATION = /^(?=.)(?:\d+d)?(?:\d+h)?(?:\d+m)?(?:\d+s)?(?:\d+ms)?$/;

/** The name of a job, wherever a request says one. */
export const jobName: z.ZodType<JobName, string> = z
  .string()
  .regex(JOB_NAME, 'not the name of a job')
  .openapi({ description: 'The name of a job.', example: 'nightly-report' });

/** `{job}` of a path. */
export const jobParams: z.ZodObject<{ job: typeof jobName }> = z.strictObject({ job: jobName });

/** `{id}` of a path. */
export const runParams: z.ZodObject<{ id: z.ZodType<string, string> }> = z.strictObject({
  id: z
    .string()
    .regex(RUN_ID, 'not the id of a run')
    .openapi({ description: 'The id of a run.', example: '0mhxw3k1c-1a2b3c41x2y3z4' }),
});

/** The query of a route that takes none: whatever is asked is refused. */
export const noQuery: z.ZodObject = z.strictObject({});

/**
 * An instant in a query.
 *
 * @param description for people
 * @returns reads ISO 8601 with `Z` or an offset; absent is legal
 */
export function instantIn(description: string): z.ZodType<Instant | undefined, string | undefined> {
  return z.iso
    .datetime({ offset: true, error: 'not an instant of ISO 8601 with its offset, e.g. 2026-01-31T12:00:00Z' })
    .transform((text): Instant => Date.parse(text))
    .optional()
    .openapi({ description, type: 'string', format: 'date-time' });
}

/**
 * A duration in a query or a body.
 *
 * @param description for people
 * @param bounds least and most milliseconds, both included
 * @returns reads `30s`, `1h30m`; absent is legal
 */
export function durationIn(
  description: string,
  bounds: { readonly leastMs: DurationMs; readonly mostMs: DurationMs; readonly most: string },
): z.ZodType<DurationMs | undefined, string | undefined> {
  const { leastMs, mostMs, most } = bounds;
  const fault = `not a duration of ${leastMs} ms to ${most}; expected e.g. "250ms", "30s", "5m" or "1h30m"`;
  return z
    .string()
    .regex(DURATION, { error: fault, abort: true })
    .transform((text) => millisecondsOf(text))
    .refine((ms) => ms >= leastMs && ms <= mostMs, fault)
    .optional()
    .openapi({ description, type: 'string', pattern: DURATION.source, example: '30s' });
}

/** @returns a number above every bound for a duration that is too long to be one */
function millisecondsOf(text: string): DurationMs {
  try {
    return parseDuration(text);
  } catch (error) {
    if (error instanceof TickwiseError) return Infinity;
    throw error;
  }
}

/**
 * A whole number in a query.
 *
 * @param description for people
 * @param bounds `least` and `most`, both included; `usual` unless given
 * @returns reads decimal digits; absent stands for `usual`
 */
export function countIn(
  description: string,
  bounds: { readonly least: number; readonly most: number; readonly usual: number },
): z.ZodType<number, string | undefined> {
  const { least, most, usual } = bounds;
  const fault = `not a whole number of ${least} to ${most}`;
  return z
    .string()
    .regex(/^\d{1,15}$/, { error: fault, abort: true })
    .transform(Number)
    .refine((count) => count >= least && count <= most, fault)
    .optional()
    .transform((count) => count ?? usual)
    .openapi({ description, type: 'integer', minimum: least, maximum: most, default: usual });
}

/** The id of the last event that a listener has seen. @param description for people */
export function eventIdIn(description: string): z.ZodType<string | undefined, string | undefined> {
  return z.string().regex(EVENT_ID, 'not the id of an event').optional().openapi({ description });
}

/** The body of a refusal, as RFC 9457 tells it. */
export const problemSchema: z.ZodType = z
  .looseObject({
    type: z.string(),
    title: z.string(),
    status: z.int().min(400).max(599),
    detail: z.string().openapi({ description: 'One line for a person: what is wrong, and what to do.' }),
    code: z.string().openapi({ description: 'A word for programs; it never changes.', example: 'JOB_NOT_FOUND' }),
    errors: z
      .array(z.strictObject({ in: z.string(), path: z.string(), message: z.string() }))
      .optional()
      .openapi({ description: 'Each field of the request that is wrong.' }),
  })
  .openapi('Problem', { description: 'RFC 9457. Further members are facts about this refusal.' });
