/** What all routes share: their answers, the bodies that they read, and the words by which the document tells of both. */
import { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { HTTPException } from 'hono/http-exception';
import type { Control } from '../core/control.ts';
import type { Clock } from '../core/ports.ts';
import type { ApiEnv } from './env.ts';
import { problem } from './problem.ts';
import { problemSchema } from './schema.ts';

/** What the routes stand on. */
export interface RouteParts {
  readonly control: Control;
  readonly clock: Clock;
  /** Blots out secrets of the configuration in a text that goes out. */
  readonly redact: (text: string) => string;
  /** Is told of what went wrong within the daemon. */
  readonly onFault: (error: unknown, request: string) => void;
}

/** One response of a route, for the document. */
export interface ResponseDoc {
  description: string;
  headers?: Record<string, { description: string; schema: { type: 'string' } }>;
  content: Record<string, { schema: z.ZodType }>;
}

/**
 * A response of JSON, for the document.
 *
 * @param schema of the body
 * @param description for people
 * @param headers further headers, by name
 */
export function json(schema: z.ZodType, description: string, headers: Readonly<Record<string, string>> = {}): ResponseDoc {
  const told = Object.entries(headers).map(([name, about]) => [
    name,
    { description: about, schema: { type: 'string' as const } },
  ]);
  return { description, headers: Object.fromEntries(told), content: { 'application/json': { schema } } };
}

/** A response of text, for the document. @param type its media type @param description for people */
export function text(type: string, description: string): ResponseDoc {
  return { description, content: { [type]: { schema: z.string() } } };
}

const REFUSALS: Readonly<Record<number, string>> = {
  400: 'A parameter or the body is wrong; `errors` names each field.',
  401: 'A token is needed, or is not valid.',
  403: 'The token has not the scope that this needs, or the request comes from a foreign page.',
  404: 'There is no such job or run.',
  409: 'It cannot be done as things stand; `code` says why.',
  415: 'The body is not JSON.',
  422: 'The request is well formed, and yet cannot be carried out; `code` says why.',
  429: 'Too many requests.',
  500: 'A fault within the daemon.',
  503: 'The daemon is shutting down, its store cannot be used, or it serves too many listeners.',
};

/**
 * The refusals of a route, for the document.
 *
 * @param own statuses beside those that any route may answer with
 * @returns responses of `application/problem+json`
 */
export function refusals(...own: readonly number[]): Record<number, ResponseDoc> {
  const statuses = [...new Set([400, 401, 403, 429, 500, 503, ...own])].toSorted((one, other) => one - other);
  const content = { 'application/problem+json': { schema: problemSchema } };
  return Object.fromEntries(statuses.map((status) => [status, { description: REFUSALS[status] ?? 'Refused.', content }]));
}

/**
 * Answers with JSON that nobody may keep.
 *
 * @param parts for the secrets
 * @param value plain data; what is `undefined` is left out
 * @param status 200 unless given
 * @param headers further headers
 */
export function reply(parts: RouteParts, value: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): Response {
  return replyText(parts, JSON.stringify(value), status, headers);
}

/** The same, with what is JSON text already. @param parts for the secrets @param body JSON @param status 200 unless given */
export function replyText(
  { redact }: RouteParts,
  body: string,
  status = 200,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const own = { 'content-type': 'application/json', 'cache-control': 'no-store' };
  return new Response(redact(body), { status, headers: { ...headers, ...own } });
}

/**
 * Reads a body that the door has found to be of JSON's type, size and depth; none at all stands for `{}`.
 *
 * @param context of the request
 * @param schema of the body
 * @returns what the schema makes of it
 * @throws HTTPException 400
 */
export async function readBody<Body>(context: Context<ApiEnv>, schema: z.ZodType<Body>): Promise<Body> {
  const read = schema.safeParse(parseBody(await context.req.text()));
  if (!read.success) throw new HTTPException(400, { res: invalid('body', read.error) });
  return read.data;
}

function parseBody(body: string): unknown {
  try {
    return body === '' ? {} : JSON.parse(body);
  } catch {
    throw new HTTPException(400, { res: problem(400, 'REQUEST_INVALID', 'the body is not JSON') });
  }
}

/**
 * The refusal of a request that is not of the form that it should have.
 *
 * @param place `query`, `param`, `header` or `body`
 * @param error of zod
 * @returns 400, naming each field
 */
export function invalid(place: string, error: z.ZodError): Response {
  const errors = error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({ in: place, path: [...issue.path, key].join('.'), message: 'not known here' }))
      : [{ in: place, path: issue.path.join('.'), message: issue.message }],
  );
  const detail = errors.map((each) => `${each.in} ${each.path}: ${each.message}`).join('; ');
  return problem(400, 'REQUEST_INVALID', detail.slice(0, 1_000), { errors: errors.slice(0, 32) });
}
