/** A small client of the daemon's API, over TCP or a unix socket. */
import { Agent as HttpAgent, type IncomingMessage, request as httpRequest, type RequestOptions } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { getCACertificates } from 'node:tls';
import { ERROR_CODES, type ErrorCode, TickwiseError } from '../core/errors.ts';
import type { DurationMs } from '../core/time.ts';
import type { Target } from './target.ts';

/** What a request may have beside its path. */
export interface RequestParts {
  readonly method?: 'GET' | 'POST';
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Silence for longer than this is taken for the daemon's absence. */
  readonly patienceMs?: DurationMs;
  readonly signal?: AbortSignal;
}

const PATIENCE_MS = 30_000;
/** A page of a thousand runs, each with the largest checkpoint, would be more; nobody reads that. */
const LONGEST_ANSWER = 256 * 1024 * 1024;
const CONTROL = /[\p{Cc}\u2028\u2029]+/gu;

/** Speaks to one daemon; connections are kept until it is disposed of. */
export class Client implements Disposable {
  readonly target: Target;
  readonly #agent: HttpAgent;

  constructor(target: Target) {
    this.target = target;
    const ca = target.ca === undefined ? {} : { ca: [...getCACertificates('default'), target.ca] };
    this.#agent = isSecure(target) ? new HttpsAgent({ keepAlive: true, ...ca }) : new HttpAgent({ keepAlive: true });
  }

  /**
   * Asks the daemon, and waits for its answer.
   *
   * @param path with its query, percent-encoded
   * @param parts see there
   * @returns the body, JSON read; `undefined` for an empty one
   * @throws TickwiseError `NO_DAEMON` when nobody answers (fact `absent`: nobody listens there); the code of the daemon's problem,
   *   if the table has it; else `REQUEST_FAILED`, with the fact `status`. The signal's reason when it is aborted
   */
  async request(path: string, parts: RequestParts = {}): Promise<unknown> {
    const text = parts.body === undefined ? undefined : JSON.stringify(parts.body);
    try {
      const { response, body } = await this.#send(path, parts, text);
      return this.#read(response, body);
    } catch (error) {
      parts.signal?.throwIfAborted();
      throw error instanceof TickwiseError ? error : unreachable(this.target, error as NodeJS.ErrnoException);
    }
  }

  #send(path: string, parts: RequestParts, text: string | undefined): Promise<{ response: IncomingMessage; body: string }> {
    const { origin, socketPath, token } = this.target;
    const options: RequestOptions = {
      method: parts.method ?? 'GET',
      agent: this.#agent,
      timeout: parts.patienceMs ?? PATIENCE_MS,
      headers: {
        accept: 'application/json',
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(text === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
        ...parts.headers,
      },
      ...(socketPath === undefined ? {} : { socketPath }),
      ...(parts.signal === undefined ? {} : { signal: parts.signal }),
    };
    return new Promise((resolve, reject) => {
      const send = isSecure(this.target) ? httpsRequest : httpRequest;
      const request = send(new URL(path, origin), options, (response) => {
        readAll(response).then((body) => resolve({ response, body }), reject);
      });
      request.once('timeout', () => request.destroy(Object.assign(new Error('silent'), { code: 'SILENT' })));
      request.once('error', reject);
      request.end(text);
    });
  }

  #read(response: IncomingMessage, body: string): unknown {
    const status = response.statusCode ?? 0;
    if (status < 400 && body === '') return undefined;
    const value = parseJson(body);
    if (status >= 200 && status < 300 && value !== undefined) return value;
    throw problemOf(this.target, status, value);
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}

/**
 * @param target that answered
 * @param what is wrong with the answer
 * @returns the error of an answer that no daemon of this version gives
 */
export function strangeAnswer(target: Target, what: string): TickwiseError {
  return new TickwiseError(
    'REQUEST_FAILED',
    `${target.name}: ${what}; either it is no Tickwise daemon, or one of another version than this program`,
  );
}

function isSecure({ origin }: Target): boolean {
  return origin.startsWith('https:');
}

async function readAll(response: IncomingMessage): Promise<string> {
  let text = '';
  response.setEncoding('utf8');
  for await (const chunk of response) {
    text += chunk as string;
    if (text.length > LONGEST_ANSWER) throw Object.assign(new Error('too long'), { code: 'TOO_LONG' });
  }
  return text;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The daemon's own words, on one line. */
function problemOf(target: Target, status: number, value: unknown): TickwiseError {
  const problem = typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
  const { detail, code } = problem;
  if (typeof detail !== 'string' || typeof code !== 'string')
    return strangeAnswer(target, `it answers with HTTP status ${status} and nothing that can be read`);
  const help =
    status === 401 && target.token === undefined
      ? '; give a token by --token-file or TICKWISE_TOKEN'
      : typeof problem['liveRunId'] === 'string'
        ? `: run ${problem['liveRunId'].replace(CONTROL, ' ')}`
        : '';
  return new TickwiseError(
    Object.hasOwn(ERROR_CODES, code) ? (code as ErrorCode) : 'REQUEST_FAILED',
    `${detail.replace(CONTROL, ' ')}${help}`,
    { facts: { ...problem, status } },
  );
}

function unreachable(target: Target, error: NodeJS.ErrnoException): TickwiseError {
  const { name } = target;
  const code = error.code ?? error.message.replace(CONTROL, ' ');
  if (code === 'ECONNREFUSED' || (code === 'ENOENT' && target.socketPath !== undefined))
    return new TickwiseError('NO_DAEMON', `no daemon listens at ${name}; start it with "tickwise run"`, {
      facts: { absent: true },
    });
  if (code === 'EACCES' || code === 'EPERM')
    return new TickwiseError('REQUEST_FAILED', `${name}: you may not open this socket; ask as the user that the daemon runs as`, {
      facts: { status: 403 },
    });
  const help = HELP.find(([pattern]) => pattern.test(code))?.[1] ?? 'see whether it runs, and whether the address is right';
  return new TickwiseError('NO_DAEMON', `no daemon answers at ${name} (${code}); ${help}`, { cause: error });
}

const HELP: readonly (readonly [RegExp, string])[] = [
  [/^(SILENT|ETIMEDOUT)$/, 'it is silent: "tickwise runs" reads the ledger, and its log says more'],
  [/CERT|SIGNED|ISSUER|ALTNAME/, 'name the authority that signed its certificate in NODE_EXTRA_CA_CERTS'],
  [/SSL|EPROTO/, 'it may not speak TLS: try http:// instead of https://'],
  [/^ECONNRESET$/, 'it went away, or speaks TLS: try https:// instead of http://'],
];
