/** What a request asks for, and its head: only what can be understood in one way. */
import type { Rule } from './hosts.ts';
import type { HttpLimits } from './limits.ts';
import { problem } from './problem.ts';

/** Headers that say one thing; two of them are read differently by different readers. */
const SINGLE = [
  'authorization',
  'content-length',
  'content-type',
  'idempotency-key',
  'last-event-id',
  'origin',
  'sec-fetch-site',
];
/** Control characters, dots, slashes, backslashes, and a percent sign that hides another: no name or id has need of them. */
const HIDDEN = /%(?:[01]|2[ef5]|5c|7f)/i;
const DOTS = /(?:^|\/)\.{1,2}(?:\/|$)/;

/**
 * Makes the rule by which the target and the number of headers are judged.
 *
 * @returns a rule that answers 414, 431 or 400
 */
export function createTargetRule({ targetBytes, headers }: Pick<HttpLimits, 'targetBytes' | 'headers'>): Rule {
  return ({ url = '', httpVersion, rawHeaders, headersDistinct }) => {
    // Node takes a first line without a version for one of HTTP/0.9, which had no headers, and serves it.
    if (!httpVersion.startsWith('1.')) return problem(400, 'VERSION_UNKNOWN', 'this server speaks HTTP/1.1');
    if (url.length > targetBytes) return problem(414, 'TARGET_TOO_LONG', `the address is longer than ${targetBytes} bytes`);
    if (rawHeaders.length > 2 * headers) return problem(431, 'HEADERS_TOO_MANY', `there are more than ${headers} headers`);
    const twice = SINGLE.find((name) => (headersDistinct[name]?.length ?? 0) > 1);
    if (twice !== undefined) return problem(400, 'HEADER_REPEATED', `the header "${twice}" is there more than once`);
    if (isPlain(url)) return undefined;
    const detail = 'the path is not plain: no "..", no empty segment, no encoded dot, slash, percent or control character';
    return problem(400, 'TARGET_INVALID', detail);
  };
}

/** An absolute address asks for a proxy, which this is not; a fragment is never sent by anybody honest. */
function isPlain(url: string): boolean {
  const path = pathOf(url);
  if (!url.startsWith('/') || path.includes('//') || /[\\#\x80-\xff]/.test(url) || HIDDEN.test(path) || DOTS.test(path))
    return false;
  try {
    return !decodeURIComponent(url).includes('\0');
  } catch {
    return false;
  }
}

/**
 * The path of a target that is plain.
 *
 * @param url as it stands in the first line of a request
 * @returns all before the query, not decoded
 */
export function pathOf(url: string): string {
  const end = url.indexOf('?');
  return end === -1 ? url : url.slice(0, end);
}
