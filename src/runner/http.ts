/**
 * Tasks that are HTTP requests: each step is one request. 2xx is done; 202 is more to do, and its `Location` is polled by the next
 * step, in this run or, through the checkpoint, in a later one; all else failed.
 *
 * Proof of the end: the request has settled and its body was read to the end or closed. That is the end on our side. What the
 * server goes on doing after a request was aborted is its own affair; the fence in `X-Tickwise-Fence` lets it refuse a stale caller.
 */
import { TickwiseError } from '../core/errors.ts';
import type { HttpTask } from '../core/job.ts';
import type { Clock, Runner, RunOrder } from '../core/ports.ts';
import type { StepResult, TaskContext, TimeoutTaskHandler } from '../core/task.ts';
import type { DurationMs } from '../core/time.ts';
import { RunLoop } from '../engine/run-loop.ts';
import { SharedTurn } from '../engine/turn.ts';

const LARGEST_BODY_BYTES = 1_048_576;
const SHOWN_BODY_BYTES = 1_024;
const DEFAULT_POLL_MS = 1_000;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
/** As many as `fetch` follows. */
const MOST_REDIRECTS = 20;

/**
 * Makes the runner of tasks of kind `http`.
 *
 * @param options the clock, for budgets and for dates in `Retry-After`
 * @returns a runner; disposing it waits for the attempts that are live, and does not stop them
 */
export function createHttpRunner({ clock }: { readonly clock: Clock }): Runner {
  const parts = { clock, turn: new SharedTurn(clock), lateNote: 'its request has not settled after it was aborted' };
  const live = new Set<RunLoop>();
  return {
    start(order, observer) {
      const attempt = new RunLoop(() => new RequestTask(order, clock), order, observer, parts);
      live.add(attempt);
      void attempt.ended.then(() => live.delete(attempt));
      return attempt;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...live].map(({ ended }) => ended));
    },
  };
}

class RequestTask implements TimeoutTaskHandler {
  readonly #order: RunOrder;
  readonly #clock: Clock;
  readonly #task: HttpTask;

  constructor(order: RunOrder, clock: Clock) {
    const { name, task } = order.job;
    if (task.kind !== 'http')
      throw new TickwiseError('TASK_INVALID', `job ${name}: a task of kind ${task.kind} is not a request`);
    this.#order = order;
    this.#clock = clock;
    this.#task = task;
  }

  async handleTimeoutTask(context: TaskContext): Promise<StepResult> {
    const location = locationIn(context.checkpoint);
    const { response, url } = await this.#follow(this.#parseUrl(location ?? this.#task.url), location !== undefined, context);
    if (response.status === 202) return this.#moreToDo(response, url, context.signal);
    if (!response.ok) throw await this.#failure(response, url, context.signal);
    const body = await this.#readBody(response, LARGEST_BODY_BYTES, url, context.signal);
    return { done: true, ...this.#resultOf(response, body, url) };
  }

  /** Redirects are followed here, since `fetch` would hand all headers but `Authorization` and `Cookie` to a stranger. */
  async #follow(first: URL, isPoll: boolean, context: TaskContext): Promise<{ response: Response; url: URL }> {
    let url = first;
    let method = isPoll ? 'GET' : this.#task.method.toUpperCase();
    for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects++) {
      const response = await this.#send(url, method, !isPoll && method === this.#task.method.toUpperCase(), context);
      const location = response.headers.get('location');
      if (!REDIRECTS.has(response.status) || location === null) return { response, url };
      await this.#readBody(response, 0, url, context.signal);
      url = this.#parseUrl(location, url.href);
      if (response.status === 303 ? method !== 'HEAD' : response.status < 303 && method === 'POST') method = 'GET';
    }
    throw this.#error(`${shown(first)} redirects more than ${MOST_REDIRECTS} times`);
  }

  async #send(url: URL, method: string, withBody: boolean, context: TaskContext): Promise<Response> {
    const { headers, body } = this.#task;
    const isHome = url.origin === this.#parseUrl(this.#task.url).origin;
    try {
      return await fetch(url, {
        method,
        redirect: 'manual',
        headers: {
          'User-Agent': 'tickwise',
          // They may be credentials, and they were meant for one origin.
          ...(isHome ? headersFor(headers, withBody) : {}),
          'X-Tickwise-Run': context.runId,
          'X-Tickwise-Fence': String(context.fence),
        },
        ...(withBody && body !== undefined ? { body } : {}),
        signal: context.signal,
      });
    } catch (cause) {
      if (context.signal.aborted) throw context.signal.reason;
      throw this.#error(`${method} ${shown(url)} failed: ${reasonOf(cause)}`, cause);
    }
  }

  async #moreToDo(response: Response, url: URL, signal: AbortSignal): Promise<StepResult> {
    await this.#readBody(response, 0, url, signal);
    const given = response.headers.get('location');
    const waitMs = retryAfterMs(response.headers.get('retry-after'), this.#clock.now()) ?? DEFAULT_POLL_MS;
    if (given === null) return { done: false, waitMs };
    const location = this.#parseUrl(given, url.href);
    return { done: false, waitMs, checkpoint: { location: location.href } };
  }

  async #failure(response: Response, url: URL, signal: AbortSignal): Promise<TickwiseError> {
    const { bytes } = await this.#readBody(response, SHOWN_BODY_BYTES, url, signal);
    const text = oneLine(bytes.toString('utf8'));
    return this.#error(
      `${shown(url)} answered ${response.status} ${response.statusText}${text === '' ? '' : `: ${text}`}`,
      undefined,
      {
        status: response.status,
      },
    );
  }

  #resultOf(response: Response, { bytes, isWhole }: Body, url: URL): { result?: unknown } {
    const type = response.headers.get('content-type') ?? '';
    if (!/^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(type) || (bytes.length === 0 && isWhole)) return {};
    if (!isWhole)
      throw this.#error(`${shown(url)} answered with JSON of more than ${LARGEST_BODY_BYTES} bytes; at most that much is kept`);
    try {
      return { result: JSON.parse(bytes.toString('utf8')) as unknown };
    } catch (cause) {
      throw this.#error(
        `${shown(url)} answered ${response.status} with a body that is not JSON, though its content-type says so`,
        cause,
      );
    }
  }

  /** Reads at most so many bytes; the rest is not waited for: closing the body closes the connection. */
  async #readBody(response: Response, limitBytes: number, url: URL, signal: AbortSignal): Promise<Body> {
    if (response.body === null) return { bytes: Buffer.alloc(0), isWhole: true };
    const reader = response.body.getReader() as ReadableStreamDefaultReader<Uint8Array>;
    const chunks: Uint8Array[] = [];
    let size = 0;
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return { bytes: Buffer.concat(chunks), isWhole: true };
        chunks.push(value);
        size += value.length;
        if (size > limitBytes) break;
      }
      await reader.cancel();
      return { bytes: Buffer.concat(chunks).subarray(0, limitBytes), isWhole: false };
    } catch (cause) {
      if (signal.aborted) throw signal.reason;
      throw this.#error(`the answer of ${shown(url)} broke off: ${reasonOf(cause)}`, cause);
    }
  }

  #parseUrl(text: string, base?: string): URL {
    const url = URL.parse(text, base);
    if (url === null) throw this.#error(`"${oneLine(text).slice(0, 200)}" is not a URL`);
    if (url.protocol !== 'http:' && url.protocol !== 'https:')
      throw this.#error(`${shown(url)}: only http and https are requested`);
    return url;
  }

  #error(message: string, cause?: unknown, facts: Record<string, unknown> = {}): TickwiseError {
    return new TickwiseError('STEP_FAILED', `job ${this.#order.job.name}: ${message}`, { cause, facts });
  }
}

/** What describes a body is left out where there is none. */
function headersFor(headers: Readonly<Record<string, string>>, withBody: boolean): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => withBody || !/^content-/i.test(name)));
}

interface Body {
  readonly bytes: Buffer;
  readonly isWhole: boolean;
}

function locationIn(checkpoint: unknown): string | undefined {
  if (typeof checkpoint !== 'object' || checkpoint === null) return undefined;
  const { location } = checkpoint as { location?: unknown };
  return typeof location === 'string' ? location : undefined;
}

/** @see RFC 9110, section 10.2.3: seconds, or a date */
function retryAfterMs(text: string | null, now: number): DurationMs | undefined {
  if (text === null) return undefined;
  if (/^\d{1,9}$/.test(text.trim())) return Number(text) * 1_000;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}

/** Without what may be a secret: user, password, query. */
function shown(url: URL): string {
  return `${url.origin}${url.pathname}`;
}

function oneLine(text: string): string {
  return text.replaceAll(/[\s\u0000-\u001f\u007f]+/g, ' ').trim();
}

/** `fetch failed` says nothing; its cause does. */
function reasonOf(thrown: unknown): string {
  const inner = thrown instanceof Error && thrown.cause instanceof Error ? thrown.cause : thrown;
  if (!(inner instanceof Error)) return String(inner);
  // What `fetch` says of a header that it refuses shows its value.
  if (inner === thrown && inner instanceof TypeError) return 'it cannot be sent as configured; check method, headers and body';
  const code = (inner as NodeJS.ErrnoException).code;
  return oneLine(inner.message === '' ? (code ?? inner.name) : inner.message);
}
