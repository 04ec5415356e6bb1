/** Bytes that two readers could take for different requests, and bytes that are no request at all. */
import { expect } from 'vitest';
import { type Attack, submit, VICTIM } from './attack.ts';

/** Of one answer the second request, which hides in the first, has had none. */
function once({ raw }: { readonly raw: string }): void {
  expect(raw.match(/HTTP\/1\.1 (?!100)\d{3}/g)?.length ?? 0).toBeLessThan(2);
  expect(raw).not.toContain('HTTP/1.1 2');
}

/** Header lines and a body of a request that would pause the victim. */
function smuggling(name: string, lines: string, body: string, expected: number | readonly number[] = 400): Attack {
  return {
    name: `smuggling: ${name}`,
    send: (port, token) =>
      Buffer.from(
        `POST /v1/jobs/${VICTIM}/pause HTTP/1.1\r\nHost: localhost:${port}\r\nAuthorization: Bearer ${token}\r\n` +
          `Content-Type: application/json\r\n${lines}\r\n${body}`,
        'latin1',
      ),
    expect: expected,
    and: once,
  };
}

function bytes(
  name: string,
  send: (port: number, token: string) => string | Buffer,
  expected: number | readonly number[] = 400,
): Attack {
  return { name: `bytes: ${name}`, send, expect: expected, and: once };
}

const PAUSE = `POST /v1/jobs/${VICTIM}/pause HTTP/1.1\r\n`;
const asked = (port: number, token: string): string => `Host: localhost:${port}\r\nAuthorization: Bearer ${token}\r\n`;
const HIDDEN = `GET /v1/jobs HTTP/1.1\r\nHost: localhost\r\n\r\n`;

export const BYTES_ATTACKS: readonly Attack[] = [
  smuggling('a length and chunks', `Content-Length: 6\r\nTransfer-Encoding: chunked\r\n`, `0\r\n\r\n${HIDDEN}`),
  smuggling('chunks and a length', `Transfer-Encoding: chunked\r\nContent-Length: 6\r\n`, `0\r\n\r\n${HIDDEN}`),
  smuggling('two lengths', 'Content-Length: 0\r\nContent-Length: 2\r\n', '{}'),
  smuggling('the same length twice', 'Content-Length: 2\r\nContent-Length: 2\r\n', '{}'),
  smuggling('two lengths in one', 'Content-Length: 2, 2\r\n', '{}'),
  smuggling('a length with a sign', 'Content-Length: +2\r\n', '{}'),
  smuggling('a length below nothing', 'Content-Length: -2\r\n', '{}'),
  smuggling('a length in hexadecimal', 'Content-Length: 0x2\r\n', '{}'),
  smuggling('a length with a space inside', 'Content-Length: 0 2\r\n', '{}'),
  smuggling('a length with nothing', 'Content-Length: \r\n', '{}'),
  smuggling('a length with a space before the colon', 'Content-Length : 2\r\n', '{}'),
  smuggling('chunks by nearly the right name', 'Transfer-Encoding: xchunked\r\n', '0\r\n\r\n'),
  smuggling('chunks and then nothing', 'Transfer-Encoding: chunked, identity\r\n', '0\r\n\r\n'),
  smuggling('chunks by two names', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: cow\r\n', '0\r\n\r\n'),
  smuggling('no encoding, by name', 'Transfer-Encoding: identity\r\n', '0\r\n\r\n'),
  smuggling('chunks behind a control character', 'Transfer-Encoding: \x0bchunked\r\n', '0\r\n\r\n'),
  smuggling('chunks with a space before the colon', 'Transfer-Encoding : chunked\r\n', '0\r\n\r\n'),
  smuggling('chunks on a folded line', 'Transfer-Encoding:\r\n chunked\r\n', '0\r\n\r\n'),
  smuggling('a size that is no number', 'Transfer-Encoding: chunked\r\n', 'zz\r\n{}\r\n0\r\n\r\n'),
  smuggling('a size below nothing', 'Transfer-Encoding: chunked\r\n', '-1\r\n{}\r\n0\r\n\r\n'),
  smuggling('a size with its sign of hexadecimal', 'Transfer-Encoding: chunked\r\n', '0x2\r\n{}\r\n0\r\n\r\n'),
  smuggling('a size that overflows', 'Transfer-Encoding: chunked\r\n', 'FFFFFFFFFFFFFFFFF\r\n{}\r\n0\r\n\r\n'),
  smuggling('a chunk longer than its size', 'Transfer-Encoding: chunked\r\n', '1\r\n{}\r\n0\r\n\r\n'),
  smuggling('a chunk without its end', 'Transfer-Encoding: chunked\r\n', '2\r\n{}0\r\n\r\n'),
  smuggling('a chunk with a line feed alone', 'Transfer-Encoding: chunked\r\n', '2\n{}\n0\n\n'),
  smuggling(
    'a size with a remark of 100 kB',
    'Transfer-Encoding: chunked\r\n',
    `2;${'x'.repeat(100_000)}\r\n{}\r\n0\r\n\r\n`,
    [400, 413],
  ),
  smuggling('a header after the chunks', 'Transfer-Encoding: chunked\r\n', `2\r\n[]\r\n0\r\nContent-Length : 5\r\n\r\n`),
  smuggling('a request behind a refused one', 'Content-Type: text/plain\r\nContent-Length: 2\r\n', `{}${HIDDEN}`, [400, 415]),
  {
    name: 'smuggling: a request in the body of a GET',
    send: (port, token) => `GET /v1/jobs HTTP/1.1\r\n${asked(port, token)}Content-Length: ${HIDDEN.length}\r\n\r\n${HIDDEN}`,
    expect: 400,
    and: once,
  },
  {
    name: 'smuggling: a request behind a body that is too large',
    send: (port, token) =>
      `${PAUSE}${asked(port, token)}Content-Type: application/json\r\nContent-Length: 9999999\r\n\r\n${HIDDEN}`,
    expect: 413,
    and: once,
  },
  {
    name: 'smuggling: a request behind one for another host',
    send: (port, token) => `POST /v1/jobs HTTP/1.1\r\nHost: evil\r\nContent-Length: 5\r\n\r\n${PAUSE}${asked(port, token)}\r\n`,
    expect: 421,
    and: once,
  },
  bytes(
    'lines that end with a line feed alone',
    (port, token) => `POST /v1/jobs/${VICTIM}/pause HTTP/1.1\nHost: localhost:${port}\nAuthorization: Bearer ${token}\n\n`,
  ),
  bytes(
    'lines that end with a return alone',
    (port, token) => `${PAUSE}Host: localhost:${port}\rAuthorization: Bearer ${token}\r\r`,
    [400, 408],
  ),
  bytes('a folded line', (port, token) => `${PAUSE}${asked(port, token)}X: 1\r\n 2\r\n\r\n`),
  bytes('a header without a colon', (port, token) => `${PAUSE}${asked(port, token)}evil\r\n\r\n`),
  bytes('a header without a name', (port, token) => `${PAUSE}${asked(port, token)}: evil\r\n\r\n`),
  bytes('a space before a colon', (port, token) => `${PAUSE}${asked(port, token)}X : 1\r\n\r\n`),
  bytes('a NUL in a name', (port, token) => `${PAUSE}${asked(port, token)}X\0: 1\r\n\r\n`),
  bytes('a NUL in a value', (port, token) => `${PAUSE}${asked(port, token)}X: 1\0\r\n\r\n`),
  bytes(
    'an escape of the terminal in the address',
    (port, token) => `POST /v1/jobs/\x1b[2J/pause HTTP/1.1\r\n${asked(port, token)}\r\n`,
  ),
  bytes('a space in the address', (port, token) => `POST /v1/jobs/${VICTIM} /pause HTTP/1.1\r\n${asked(port, token)}\r\n`),
  bytes('no version', (port, token) => `POST /v1/jobs/${VICTIM}/pause\r\n${asked(port, token)}\r\n`),
  bytes('a request of the first days', () => `GET /v1/jobs/${VICTIM}\r\n\r\n`, [400, 421]),
  bytes('a version of the future', (port, token) => `POST /v1/jobs/${VICTIM}/pause HTTP/9.9\r\n${asked(port, token)}\r\n`),
  bytes('the preface of HTTP/2', () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  bytes(
    'an upgrade to HTTP/2',
    (port) =>
      `${PAUSE}Host: localhost:${port}\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n`,
    401,
  ),
  bytes('all methods of the server', (port) => `OPTIONS * HTTP/1.1\r\nHost: localhost:${port}\r\nConnection: close\r\n\r\n`),
  bytes(
    'an expectation that nobody has',
    (port, token) => `${PAUSE}${asked(port, token)}Expect: wonders\r\nConnection: close\r\n\r\n`,
    417,
  ),
  bytes('a greeting of TLS', () => Buffer.from('16030100050100000100', 'hex')),
  bytes('a greeting of SSH', () => 'SSH-2.0-OpenSSH_9.9\r\n'),
  bytes('a request of another protocol', () => '*1\r\n$8\r\nFLUSHALL\r\n'),
  bytes('noise', () => Buffer.from(Array.from({ length: 4_096 }, (_, index) => (index * 7_919 + 13) % 251))),
  bytes('nothing but NULs', () => Buffer.alloc(65_536)),
  { name: 'flood: 101 headers', send: submit({ headers: many(101) }), expect: 431 },
  { name: 'flood: 1,500 short headers', send: submit({ headers: many(1_500) }), expect: 431 },
  { name: 'flood: a header of 20 kB', send: submit({ headers: { 'X-Long': 'x'.repeat(20_000) } }), expect: 431 },
  {
    name: 'flood: cookies of 20 kB',
    send: submit({ headers: { Cookie: Array.from({ length: 20 }, () => 'c='.padEnd(1_000, 'x')) } }),
    expect: 431,
  },
  { name: 'flood: the name of a header of 20 kB', send: submit({ headers: { ['x'.repeat(20_000)]: '1' } }), expect: 431 },
];

function many(count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`X${index}`, '']));
}
