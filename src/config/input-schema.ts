/**
 * What a trigger may bring along: the JSON Schema of a job, as a zod schema. Zod passes over what it does not know, so
 * `schema-survey.ts` first refuses whatever would be a promise without effect.
 */
import { z } from 'zod';
import type { Job } from '../core/job.ts';
import type { Builder } from './builder.ts';
import { type Path, show } from './finding.ts';
import { inTime } from './in-time.ts';
import { dotted, oneLine } from './problem.ts';
import { surveySchema } from './schema-survey.ts';

/** An input that is not judged by then is refused: a pattern or a union that takes ages would stop the whole daemon. */
const PATIENCE_MS = 200;
/** Once for each schema, on a machine that may be busy. */
const LOAD_PATIENCE_MS = 2_000;
const SIZE_LIMIT_BYTES = 64 * 1024;
const DEPTH_LIMIT = 64;

type Schema = NonNullable<Job['inputSchema']>;

interface Issue {
  readonly code: string;
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly input?: unknown;
  readonly expected?: string;
  readonly keys?: readonly string[];
  readonly values?: readonly unknown[];
  readonly origin?: string;
  readonly minimum?: number | bigint;
  readonly maximum?: number | bigint;
  readonly inclusive?: boolean;
  readonly format?: string;
  readonly pattern?: string;
  readonly divisor?: number | bigint;
}

/** Compiled when it is first needed; a reload that drops the job drops it too. */
const compiled = new WeakMap<Schema, z.ZodType>();
const ignore = (): void => undefined;

/**
 * Judges what a trigger brings along, within a fifth of a second.
 *
 * @param job any job
 * @param input JSON; `undefined` where a trigger brings nothing, which is always legal, as it is for a tick
 * @returns what is wrong, one line with its place, e.g. `input.count: expected number, got "x"`; `undefined` if it may come
 */
export function checkInput(job: Job, input: unknown): string | undefined {
  const { inputSchema } = job;
  if (inputSchema === undefined || input === undefined) return undefined;
  const fault = shapeFault(input);
  if (fault !== undefined) return fault;
  try {
    let schema = compiled.get(inputSchema);
    if (schema === undefined) compiled.set(inputSchema, (schema = compile(surveySchema(inputSchema, ignore))));
    const ready = schema;
    const result = inTime(() => ready.safeParse(input, { reportInput: true }), PATIENCE_MS);
    return result.success ? undefined : describe(result.error.issues);
  } catch {
    return 'input: cannot be judged in time; make it smaller';
  }
}

/**
 * Reports what is wrong with a JSON Schema, each fault in its place.
 *
 * @param schema an object
 * @param path where it stands
 * @param builder gets what is wrong
 */
export function checkInputSchema(schema: Schema, path: Path, builder: Builder): void {
  const { findings } = builder;
  if (Buffer.byteLength(JSON.stringify(schema)) > SIZE_LIMIT_BYTES) {
    findings.add(path, 'this schema is too large', { expected: 'at most 64 KiB' });
    return;
  }
  const before = findings.errors.length;
  const clean = surveySchema(schema, (way, wrong, details) => findings.add([...path, ...way], wrong, details));
  if (findings.errors.length > before) return;
  try {
    inTime(() => compile(clean).safeParse(null), LOAD_PATIENCE_MS);
  } catch (error) {
    const isLate = (error as { code?: unknown }).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT';
    const why = isLate ? 'takes too long to judge a single null' : 'nests too deeply to judge a single null';
    findings.add(path, `${why}: its schemas refer to each other too often`);
  }
}

function compile(schema: Schema): z.ZodType {
  return z.fromJSONSchema(schema, { registry: z.registry() });
}

/** What no schema can see: zod drops `__proto__` before it looks. */
function shapeFault(input: unknown): string | undefined {
  const waiting: { value: unknown; depth: number }[] = [{ value: input, depth: 0 }];
  for (let part = waiting.pop(); part !== undefined; part = waiting.pop()) {
    const { value, depth } = part;
    if (typeof value !== 'object' || value === null) continue;
    if (depth >= DEPTH_LIMIT) return `input: nested too deeply; at most ${DEPTH_LIMIT} levels`;
    if (Object.hasOwn(value, '__proto__')) return 'input: the key "__proto__" is not allowed anywhere';
    for (const item of Object.values(value)) waiting.push({ value: item, depth: depth + 1 });
  }
  return undefined;
}

function describe(issues: readonly Issue[]): string {
  const [first] = issues;
  if (first === undefined) return 'input: not legal';
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : '';
  const path = first.path.map((part) => (typeof part === 'number' ? part : String(part)));
  return oneLine(`${dotted(['input', ...path])}: ${wordsFor(first)}${more}`);
}

function wordsFor(issue: Issue): string {
  const { input } = issue;
  if (input === undefined) return 'missing';
  const got = `, got ${show(input)}`;
  switch (issue.code) {
    case 'invalid_type':
      return `expected ${issue.expected === 'int' ? 'integer' : issue.expected}${got}`;
    case 'invalid_value':
      return `expected ${(issue.values ?? []).slice(0, 10).map(show).join(' or ')}${got}`;
    case 'unrecognized_keys':
      return `unknown key ${show(issue.keys?.[0])}`;
    case 'invalid_union':
      return `fits none, or more than one, of the kinds that may come${got}`;
    case 'too_small':
      return `expected ${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}${unitOf(issue)}${got}`;
    case 'too_big':
      return `expected ${issue.inclusive === false ? 'less than' : 'at most'} ${issue.maximum}${unitOf(issue)}${got}`;
    case 'invalid_format':
      return `expected ${issue.format === 'regex' ? `what fits ${issue.pattern ?? 'the pattern'}` : issue.format}${got}`;
    case 'not_multiple_of':
      return `expected a multiple of ${issue.divisor}${got}`;
    case 'invalid_key':
      return 'not a legal key';
    case 'custom':
      return issue.message;
    default:
      return `not legal${got}`;
  }
}

function unitOf({ origin }: Issue): string {
  return origin === 'string' ? ' characters' : origin === 'array' ? ' items' : origin === 'object' ? ' keys' : '';
}
