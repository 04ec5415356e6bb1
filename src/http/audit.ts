/** Who changed what: one line for each request that may change something, refused ones included. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { JOB_NAME } from '../core/job.ts';
import type { Clock } from '../core/ports.ts';
import type { TaskLog } from '../core/task.ts';
import { RateLimit } from './rate-limit.ts';
import { pathOf } from './target.ts';

/** What the door has found out about a request. */
export interface Visit {
  /** The address it came from; `socket` by a unix socket. */
  readonly from: string;
  /** The caller's name; absent as long as nobody is known. */
  who?: string;
  /** A token was sent, and nobody has it. */
  isGuess?: boolean;
}

/** Writes the line when the answer to a request is over. */
export type Audit = (visit: Visit, incoming: IncomingMessage, outgoing: ServerResponse) => void;

const PATH_LENGTH = 256;
/** Refused requests cost the asker nothing, so their lines are rationed; how many were left out stands in the next. */
const REFUSED_RATE = { perSecond: 10, burst: 200 };

/**
 * Makes the audit of a server.
 *
 * @param log gets lines of level `info` with the message `audit`: no body, no token, no query, no control character
 * @param clock for the ration of refused ones
 * @returns the audit
 */
export function createAudit(log: TaskLog, clock: Clock): Audit {
  const refused = new RateLimit(clock, REFUSED_RATE);
  let leftOut = 0;
  return ({ from, who = '-', isGuess = false }, { method = '', url = '' }, outgoing) => {
    if ((method === 'GET' || method === 'HEAD') && !isGuess) return;
    const { statusCode: status, headersSent } = outgoing;
    if (status >= 400 && refused.take('') > 0) {
      leftOut += 1;
      return;
    }
    const path = pathOf(url);
    log.info('audit', {
      who,
      from: printable(from),
      method,
      path: printable(path.slice(0, PATH_LENGTH)),
      // The asker went away before there was an answer.
      status: headersSent ? status : 499,
      ...named(path, outgoing.getHeader('location')),
      ...(leftOut > 0 ? { leftOut } : {}),
    });
    leftOut = 0;
  };
}

/** The job and the run that a path, or the address of a new run, speaks of. */
function named(path: string, location: unknown): { job?: string; runId?: string } {
  const job = /^\/v1\/jobs\/([^/]+)/.exec(path)?.[1];
  const runId = /\/v1\/runs\/([\w-]{1,64})/.exec(typeof location === 'string' ? location : path)?.[1];
  return { ...(job !== undefined && JOB_NAME.test(job) ? { job } : {}), ...(runId === undefined ? {} : { runId }) };
}

/** What a terminal or a reader of lines would take for more than text is written as its code. */
function printable(text: string): string {
  const escape = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return text.replace(/[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g, escape);
}
