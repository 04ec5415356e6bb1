/** A small client of the daemon's API, over TCP or a unix socket. */
import { X509Certificate } from 'node:crypto';
import { Agent as HttpAgent, type IncomingMessage, request as httpRequest, type RequestOptions } from 'node:http';
import { Agent as HttpsAgent, type AgentOptions, request as httpsRequest } from 'node:https';
import type { PeerCertificate } from 'node:tls';
import { ERROR_CODES, type ErrorCode, TickwiseError } from '../core/errors.ts';
import type { DurationMs } from '../core/time.ts';
import { readVersion } from '../system/version.ts';
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

const PATIENCE_MS = 15_000;
/** A page of a thousand runs, each with the largest checkpoint, would be more; nobody reads that. */
const LONGEST_ANSWER = 256 * 1024 * 1024;
const CONTROL = /[\p{Cc}\u2028\u2029]+/gu;

/** Speaks to one daemon; connections are kept until it is disposed of. */
export class Client implements Disposable {
  readonly target: Target;
  readonly #agent: HttpAgent;

  constructor(target: Target) {
    this.target = target;
    this.#agent = isSecure(target) ? new HttpsAgent({ keepAlive: true, ...pin(target) }) : new HttpAgent({ keepAlive: true });
  }

  /**
   * Asks the daemon, and waits for its answer.
   *
   * @param path with its query, percent-encoded
   * @param parts see there
   * @returns the body, JSON read
   * @throws TickwiseError `NO_DAEMON` when nobody answers (fact `absent`: nobody listens there); the code of the daemon's problem,
   *   if the table has it; else `REQUEST_FAILED`, with the fact `status`. The signal's reason when it is aborted
   */
  async request(path: string, parts: RequestParts = {}): Promise<unknown> {
    const text = parts.body === undefined ? undefined : JSON.stringify(parts.body);
    try {
      const { response, body } = await this.#send(path, parts, text);
      return await this.#read(response, body, path);
    } catch (error) {
      parts.signal?.throwIfAborted();
      throw error instanceof TickwiseError ? error : unreachable(this.target, error as NodeJS.ErrnoException);
    }
  }

  #send(path: string, parts: RequestParts, text: string | undefined): Promise<{ response: IncomingMessage; body: string }> {
    const { origin, socketPath, token, ledgerId } = this.target;
    const options: RequestOptions = {
      method: parts.method ?? 'GET',
      agent: this.#agent,
      timeout: parts.patienceMs ?? PATIENCE_MS,
      headers: {
        accept: 'application/json',
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(ledgerId === undefined ? {} : { 'tickwise-ledger': ledgerId }),
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
      request.once('timeout', () => request.destroy(Object.assign(new Error('silent'), { code: 'SILENCE' })));
      request.once('error', reject);
      request.end(text);
    });
  }

  async #read(response: IncomingMessage, body: string, path: string): Promise<unknown> {
    const status = response.statusCode ?? 0;
    const value = parseJson(body);
    if (status >= 200 && status < 300 && value !== undefined) return value;
    const problem = readProblem(value);
    if (problem === undefined)
      throw await this.strangeAnswer(`it answers with HTTP status ${status} and nothing that can be read`);
    if (problem.code === 'OTHER_LEDGER') throw anothers(this.target);
    if (UNKNOWN_REQUEST.has(problem.code)) throw await this.strangeAnswer(`it does not know ${path.replace(/\?.*/, '')}`);
    throw errorOf(problem, status, this.target);
  }

  /**
   * The error of an answer that no daemon of this version gives. A daemon of another version is named by it.
   *
   * @param what is wrong with the answer
   * @returns `REQUEST_FAILED`
   * @throws never
   */
  async strangeAnswer(what: string): Promise<TickwiseError> {
    const own = readVersion();
    const version = await this.#version();
    const guess =
      version === undefined
        ? 'either it is no Tickwise daemon, or one of another version than this program'
        : version === own
          ? `both it and this program are of version ${own}, so please report this`
          : `it is of version ${version}, and this program of version ${own}: use the program that came with the daemon`;
    return new TickwiseError('REQUEST_FAILED', `${this.target.name}: ${what}; ${guess}`);
  }

  /** As its metrics tell it; `undefined` for what is no daemon, or does not let this caller look. */
  async #version(): Promise<string | undefined> {
    try {
      const { body } = await this.#send('/metrics', {}, undefined);
      return /^tickwise_build_info\{[^}\n]*\bversion="([\w.+-]{1,64})"/m.exec(body)?.[1];
    } catch {
      return undefined;
    }
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}

/** Nothing was done there, and no daemon of this configuration can be asked. */
function anothers(target: Target): TickwiseError {
  const message = `the daemon at ${target.name} keeps another ledger than this configuration names: give each an address of its own by "listen"`;
  return new TickwiseError('NO_DAEMON', message, { facts: { absent: true } });
}

/** A daemon of this machine is known by its very certificate: whoever signed it, and for whatever name. */
function pin({ certificate }: Target): AgentOptions {
  if (certificate === undefined) return {};
  const { fingerprint256 } = new X509Certificate(certificate);
  const checkServerIdentity = (_: string, shown: PeerCertificate): Error | undefined =>
    shown.fingerprint256 === fingerprint256 ? undefined : Object.assign(new Error('another certificate'), { code: 'OTHER_CERT' });
  return { ca: [certificate], allowPartialTrustChain: true, checkServerIdentity };
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

interface Problem {
  readonly detail: string;
  readonly code: string;
  readonly [fact: string]: unknown;
}

/** What a daemon says to a request that was made after its time, or before. */
const UNKNOWN_REQUEST: ReadonlySet<string> = new Set(['NO_SUCH_PATH', 'NOT_FOUND', 'METHOD_NOT_ALLOWED']);

function readProblem(value: unknown): Problem | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { detail, code } = value as Partial<Problem>;
  return typeof detail === 'string' && typeof code === 'string' ? { ...value, detail, code } : undefined;
}

/** The daemon's own words, on one line. */
function errorOf(problem: Problem, status: number, target: Target): TickwiseError {
  const { detail, code, liveRunId } = problem;
  let help = '';
  if (status === 401 && target.token === undefined) help = '; give a token by --token-file or TICKWISE_TOKEN';
  if (typeof liveRunId === 'string') help = `: run ${liveRunId}`;
  const known = Object.hasOwn(ERROR_CODES, code) ? (code as ErrorCode) : 'REQUEST_FAILED';
  return new TickwiseError(known, `${detail}${help}`.replace(CONTROL, ' '), { facts: { ...problem, status } });
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
  const found = HELP.find(([pattern]) => pattern.test(code))?.[1];
  const help =
    (target.certificate !== undefined && found === UNTRUSTED ? OTHER : found) ??
    'see whether it runs, and whether the address is right';
  return new TickwiseError('NO_DAEMON', `no daemon answers at ${name} (${code}); ${help}`, { cause: error });
}

const OTHER = 'its certificate is not the one of "auth.tls": it may have been started before that was changed';
const UNTRUSTED = 'name the authority that signed its certificate in NODE_EXTRA_CA_CERTS';
const HELP: readonly (readonly [RegExp, string])[] = [
  [/^(SILENCE|ETIMEDOUT)$/, 'it may be frozen, or very busy: its log says more'],
  [/OTHER_CERT/, OTHER],
  [/ALTNAME/, 'its certificate is for another name: say that name in --url'],
  [/CERT|SIGNED|ISSUER/, UNTRUSTED],
  [/SSL|EPROTO/, 'it may not speak TLS: try http:// instead of https://'],
  [/^ECONNRESET$/, 'it went away, or speaks TLS: try https:// instead of http://'],
];
