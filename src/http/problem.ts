/** Errors as RFC 9457 tells them: `application/problem+json`. */
import { type ErrorCode, TickwiseError } from '../core/errors.ts';

/** The body of an error. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  /** One line for a person: what is wrong, and what to do. */
  readonly detail: string;
  /** A code of the error table, or a word of the door's own. */
  readonly code: string;
  readonly [fact: string]: unknown;
}

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad request',
  401: 'Not authenticated',
  403: 'Forbidden',
  404: 'Not found',
  405: 'Method not allowed',
  406: 'Not acceptable',
  408: 'Request timeout',
  409: 'Conflict',
  411: 'Length required',
  413: 'Content too large',
  414: 'URI too long',
  415: 'Unsupported media type',
  421: 'Misdirected request',
  422: 'Unprocessable content',
  429: 'Too many requests',
  431: 'Request header fields too large',
  500: 'Internal error',
  503: 'Service unavailable',
};

/** The status for an operating error that reaches a route; what is not listed is the server's own fault, 500. */
const STATUS: Readonly<Partial<Record<ErrorCode, number>>> = {
  INPUT_INVALID: 422,
  DURATION_INVALID: 400,
  JOB_NOT_FOUND: 404,
  RUN_NOT_FOUND: 404,
  JOB_BUSY: 409,
  DRAINING: 503,
  NOT_STARTED: 503,
  STORE_UNUSABLE: 503,
};

/**
 * Makes the answer to a request that is refused or failed.
 *
 * @param status an HTTP status of 400 to 599
 * @param code a word for programs, never to change
 * @param detail one line for a person
 * @param facts further members of the body
 * @param headers further headers
 * @returns a response of type `application/problem+json`, not to be cached
 */
export function problem(
  status: number,
  code: string,
  detail: string,
  facts: Readonly<Record<string, unknown>> = {},
  headers: Readonly<Record<string, string>> = {},
): Response {
  const body: Problem = { ...facts, type: 'about:blank', title: TITLES[status] ?? 'Error', status, detail, code };
  return new Response(JSON.stringify(body), {
    status,
    headers: { ...headers, 'content-type': 'application/problem+json', 'cache-control': 'no-store' },
  });
}

/** Makes the answer to what a route has thrown. A bug tells nothing of itself to the caller. */
export function problemOf(thrown: unknown): Response {
  if (!(thrown instanceof TickwiseError))
    return problem(500, 'INTERNAL', 'the request failed within the daemon; its log says why');
  const status = STATUS[thrown.code];
  if (status === undefined) return problem(500, thrown.code, 'the request failed within the daemon; its log says why');
  return problem(status, thrown.code, thrown.message, {}, status === 503 ? { 'retry-after': '5' } : {});
}
