/** Asks the daemon: JSON, refusals, and streams of events, which `EventSource` cannot read with a token. */

const TOKEN = 'tickwise-token';
/** The daemon gives a sign of life each 15 s. */
const SILENCE_MS = 40_000;

/** The daemon has refused. */
export class Refusal extends Error {
  /** @param {number} status @param {string} detail */
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

/** Nobody has answered, or not to the end. */
export class NoAnswer extends Error {}

/** @returns {boolean} whether a token is kept */
export function hasToken() {
  return sessionStorage.getItem(TOKEN) !== null;
}

/** Keeps a token in this tab, or none. @param {string | undefined} token */
export function keepToken(token) {
  if (token === undefined) sessionStorage.removeItem(TOKEN);
  else sessionStorage.setItem(TOKEN, token);
}

/**
 * @param {string} path
 * @param {{ method?: string, body?: unknown, headers?: Record<string, string>, signal?: AbortSignal }} [options]
 * @returns {Promise<Response>} of status 2xx
 * @throws {Refusal} for any other status
 * @throws {NoAnswer}
 */
async function ask(path, { method = 'GET', body, headers = {}, signal } = {}) {
  const token = sessionStorage.getItem(TOKEN);
  const response = await answerOf(
    fetch(path, {
      method,
      headers: {
        ...headers,
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(method === 'POST' ? { 'content-type': 'application/json' } : {}),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
      cache: 'no-store',
    }),
  );
  if (response.ok) return response;
  const told = await response.json().catch(() => ({}));
  const faults = Array.isArray(told.faults) ? `: ${told.faults.join('; ')}` : '';
  throw new Refusal(response.status, `${told.detail ?? `the daemon answers ${response.status}`}${faults}`);
}

/**
 * A network that fails is told by the same class as a mistake of this page.
 *
 * @template Answer
 * @param {Promise<Answer>} answer
 * @returns {Promise<Answer>}
 */
function answerOf(answer) {
  return answer.catch((error) => {
    throw error instanceof TypeError ? new NoAnswer(error.message) : error;
  });
}

/**
 * Reads JSON.
 *
 * @template Answer
 * @param {string} path
 * @param {AbortSignal} [signal]
 * @returns {Promise<Answer>} of the shape that the API's document tells
 */
export async function read(path, signal) {
  const response = await ask(path, signal === undefined ? {} : { signal });
  return answerOf(response.json());
}

/**
 * Asks for a change.
 *
 * @param {string} path
 * @param {Record<string, string>} [headers]
 * @returns {Promise<{ runId?: string, runIds?: string[], state?: string }>}
 */
export async function post(path, headers = {}) {
  const response = await ask(path, { method: 'POST', body: {}, headers });
  return answerOf(response.json());
}

/** @typedef {{ readonly id: string | undefined, readonly type: string, readonly data: string }} ServerEvent */

/**
 * Opens a stream of server-sent events. It ends when the daemon ends it; one that is silent for too long is given up.
 *
 * @param {string} path
 * @param {AbortSignal} signal
 * @param {string} [lastId] of the last event that was seen
 * @returns {Promise<AsyncGenerator<ServerEvent>>} once the daemon has answered: whatever happens from now on is in it
 */
export async function openStream(path, signal, lastId) {
  const silence = new AbortController();
  const response = await ask(path, {
    signal: AbortSignal.any([signal, silence.signal]),
    headers: lastId === undefined ? {} : { 'last-event-id': lastId },
  });
  if (response.body === null) throw new NoAnswer('the stream has no body');
  return eventsIn(response.body.pipeThrough(new TextDecoderStream()).getReader(), silence);
}

/**
 * @param {ReadableStreamDefaultReader<string>} reader
 * @param {AbortController} silence
 * @returns {AsyncGenerator<ServerEvent>}
 */
async function* eventsIn(reader, silence) {
  let rest = '';
  for (;;) {
    const timer = setTimeout(() => silence.abort(new NoAnswer('the stream is silent')), SILENCE_MS);
    const { done, value } = await answerOf(reader.read()).finally(() => clearTimeout(timer));
    if (done) return;
    const frames = (rest + value).split('\n\n');
    rest = frames.pop() ?? '';
    for (const frame of frames) {
      const event = eventOf(frame);
      if (event !== undefined) yield event;
    }
  }
}

/** @param {string} frame @returns {ServerEvent | undefined} nothing for a sign of life */
function eventOf(frame) {
  const fields = new Map(frame.split('\n').map((line) => [line.split(':', 1)[0], line.replace(/^[^:]*: ?/, '')]));
  const type = fields.get('event');
  return type === undefined ? undefined : { id: fields.get('id'), type, data: fields.get('data') ?? '' };
}
