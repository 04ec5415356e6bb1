/** Bodies: JSON in UTF-8, of bounded size and depth. */
import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import type { Rule } from './hosts.ts';
import type { HttpLimits } from './limits.ts';
import { problem } from './problem.ts';

const JSON_TYPE = /^application\/json\s*(?:;\s*charset\s*=\s*(?:utf-8|"utf-8")\s*)?$/i;

/**
 * Makes the rule by which the head of a body is judged, before a byte of it is read.
 *
 * @returns a rule that answers 400, 413 or 415
 */
export function createContentRule({ bodyBytes }: Pick<HttpLimits, 'bodyBytes'>): Rule {
  return (incoming) => {
    const { method, headers } = incoming;
    if (method === 'GET' || method === 'HEAD') {
      return hasBody(incoming) ? refusal(400, 'BODY_UNEXPECTED', `a ${method} has no body`) : undefined;
    }
    const type = headers['content-type'];
    if (type === undefined ? hasBody(incoming) : !JSON_TYPE.test(type)) {
      return refusal(415, 'NOT_JSON', 'the body must be JSON: send "Content-Type: application/json"', {
        accept: 'application/json',
      });
    }
    if ((headers['content-encoding'] ?? 'identity') !== 'identity') {
      return refusal(415, 'ENCODED', 'the body must not be compressed', { 'accept-encoding': 'identity' });
    }
    return Number(headers['content-length'] ?? 0) > bodyBytes ? tooLarge(bodyBytes) : undefined;
  };
}

/**
 * Reads the body of a request whose head was judged.
 *
 * @param incoming not read yet
 * @param limits bytes are counted as they come, whatever the head says of them
 * @returns its bytes, UTF-8 and no deeper than it may be, but not yet known to be JSON; or a refusal
 * @throws Error when the connection ends before the body
 */
export async function readBody(
  incoming: IncomingMessage,
  { bodyBytes, jsonDepth }: Pick<HttpLimits, 'bodyBytes' | 'jsonDepth'>,
): Promise<Buffer | Response> {
  const body = await collect(incoming, bodyBytes);
  if (body === undefined) return tooLarge(bodyBytes);
  if (!isUtf8(body)) return refusal(400, 'NOT_UTF8', 'the body is not UTF-8');
  const text = body.toString('utf8');
  if (depthOf(text) > jsonDepth) return refusal(400, 'TOO_DEEP', `the body is nested more than ${jsonDepth} levels deep`);
  if (namesPrototype(text)) return refusal(400, 'KEY_FORBIDDEN', 'the body has a key "__proto__"');
  return body;
}

/**
 * Copies what comes into one buffer, for a body in chunks of a byte each would cost a hundred times its size if they were kept.
 *
 * @returns `undefined` when there is more than `most`; the rest is left where it is
 */
function collect(incoming: IncomingMessage, most: number): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    let body = Buffer.alloc(Math.min(most, Number(incoming.headers['content-length'] ?? 1_024)));
    let size = 0;
    incoming.on('data', (chunk: Buffer) => {
      if (size + chunk.length > most) {
        incoming.pause().removeAllListeners('data');
        resolve(undefined);
        return;
      }
      if (size + chunk.length > body.length) {
        const larger = Buffer.alloc(Math.min(most, Math.max(2 * body.length, size + chunk.length)));
        body.copy(larger);
        body = larger;
      }
      size += chunk.copy(body, size);
    });
    incoming.once('end', () => resolve(body.subarray(0, size)));
    incoming.once('error', reject);
    incoming.once('close', () => reject(new Error('the connection ended before the body')));
  });
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** How deep the brackets of a JSON text are nested; what stands in strings does not count. One pass, whatever the text. */
function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  let isString = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) isString = !isString;
    else if (isString) at += code === BACKSLASH ? 1 : 0;
    else if (code === 0x5b || code === 0x7b) deepest = Math.max(deepest, ++depth);
    else if (code === 0x5d || code === 0x7d) depth--;
  }
  return deepest;
}

/** Such a key is harmless until somebody merges objects; nobody's input needs one. Parsing once more is left out where no text can hide it. */
function namesPrototype(text: string): boolean {
  if (!/__proto__|\\u/.test(text)) return false;
  let found = false;
  try {
    JSON.parse(text, (key, value: unknown) => {
      found ||= key === '__proto__';
      return value;
    });
  } catch {
    return false; // The route says what is wrong with it.
  }
  return found;
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

function tooLarge(bodyBytes: number): Response {
  return refusal(413, 'BODY_TOO_LARGE', `the body is larger than ${bodyBytes} bytes`);
}

/** The rest of the body is not wanted, so nothing else can come by this connection. */
function refusal(status: number, code: string, detail: string, headers: Record<string, string> = {}): Response {
  return problem(status, code, detail, {}, { ...headers, connection: 'close' });
}
