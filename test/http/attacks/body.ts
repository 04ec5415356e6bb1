/** Bodies that are too large, too deep, not what they say, or more than input. */
import { type Attack, submit, submitBody } from './attack.ts';

function body(name: string, text: string | Buffer, expected: number | readonly number[] = 400): Attack {
  return { name: `body: ${name}`, send: submitBody(text), expect: expected };
}

function head(
  name: string,
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
  expected: number | readonly number[],
): Attack {
  return { name: `body: ${name}`, send: submitBody('{}', headers), expect: expected };
}

/** A body whose input is a text of these bytes: but for them it would start a run. */
const inputOf = (...bytes: number[]): Buffer => Buffer.concat([Buffer.from('{"input":"'), Buffer.from(bytes), Buffer.from('"}')]);

const MIB = 1024 * 1024;
const nested = (open: string, close: string, depth: number): string => `{"input":${open.repeat(depth)}1${close.repeat(depth)}}`;
const CHUNKED = { 'Transfer-Encoding': 'chunked' } as const;

export const BODY_ATTACKS: readonly Attack[] = [
  body('one byte more than 1 MiB', `{"input":"${'x'.repeat(MIB - 11)}"}`, 413),
  head('a length of many gigabytes, and nothing', { 'Content-Length': '99999999999' }, 413),
  head('a length beyond all numbers', { 'Content-Length': '9'.repeat(30) }, [400, 413]),
  {
    name: 'body: chunks beyond 1 MiB',
    send: submit({ headers: CHUNKED, body: `100001\r\n${' '.repeat(0x100001)}\r\n0\r\n\r\n` }),
    expect: 413,
  },
  {
    name: 'body: 70,000 chunks of 16 bytes',
    send: submit({ headers: CHUNKED, body: `${`10\r\n${' '.repeat(16)}\r\n`.repeat(70_000)}0\r\n\r\n` }),
    expect: 413,
  },
  body('101 arrays', nested('[', ']', 100)),
  body('100,000 arrays', nested('[', ']', 100_000)),
  body('101 objects', nested('{"a":', '}', 100)),
  body('500,000 brackets that nobody closes', '['.repeat(500_000)),
  body('300,000 quotes that nobody closes', '\\"'.repeat(300_000)),
  body('brackets behind a text that pretends to go on', `{"input":"\\\\",${'['.repeat(200)}`),
  body('a byte that is no UTF-8', inputOf(0xff)),
  body('characters of too many bytes', inputOf(0xc0, 0xaf)),
  body('half a pair of surrogates as bytes', inputOf(0xed, 0xa0, 0x80)),
  body('UTF-16', Buffer.from('\ufeff{}', 'utf16le')),
  body('UTF-16 without its mark', Buffer.from('{}', 'utf16le')),
  body('a NUL', '{}\0'),
  body('a prototype', '{"__proto__":{"admin":true}}'),
  body('a prototype in the input', '{"input":{"a":[{"__proto__":{"admin":true}}]}}'),
  body('a prototype in disguise', '{"input":{"\\u005f_proto__":{}}}'),
  body('a constructor', '{"constructor":{"prototype":{"admin":true}}}'),
  body('a program', '{"command":["rm","-rf","/"]}'),
  body('a task', '{"task":{"shell":"id"}}'),
  body('a line for the shell', '{"shell":"id"}'),
  body('a module', '{"module":"/tmp/evil.ts"}'),
  body('an environment', '{"env":{"LD_PRELOAD":"/tmp/evil.so"}}'),
  body('a folder', '{"cwd":"/"}'),
  body('arguments', '{"args":["--evil"]}'),
  body('somebody else who asks', '{"by":"root"}'),
  body('another job', '{"job":"other"}'),
  body('a budget below nothing', '{"budget":"-5s"}'),
  body('a budget that is a number', '{"budget":99999999}'),
  body('a budget beyond all numbers', '{"budget":"999999999999999999d"}', [400, 422]),
  body('a budget that is an object', '{"budget":{"toString":"5s"}}'),
  body('nothing but a number', '1'),
  body('nothing but null', 'null'),
  body('a list', '[]'),
  body('not JSON', '{input: 1}'),
  body('JSON and then more', '{} {}'),
  body('JSON with a remark', '{/* */}'),
  body('a number that is none', '{"input":NaN}'),
  body('half of it', '{"input":'),
  body('a document of XML that names a file', '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>'),
  head('no type', { 'Content-Type': undefined }, 415),
  head('an empty type', { 'Content-Type': '' }, 415),
  head('a type that is nearly right', { 'Content-Type': 'application/jsonp' }, 415),
  head('a type that ends right', { 'Content-Type': 'application/vnd.api+json' }, 415),
  head('two types in one', { 'Content-Type': 'application/json, text/plain' }, 415),
  head('two types', { 'Content-Type': ['application/json', 'text/plain'] }, 400),
  head('seven bits of UTF-7', { 'Content-Type': 'application/json; charset=utf-7' }, 415),
  head('another alphabet', { 'Content-Type': 'application/json; charset=iso-8859-1' }, 415),
  head('a compressed body', { 'Content-Encoding': 'gzip' }, 415),
  head('a body compressed twice', { 'Content-Encoding': 'br, gzip' }, 415),
  { name: 'body: of a GET', send: { target: '/v1/jobs', body: '{}' }, expect: 400 },
  { name: 'body: of a HEAD', send: { method: 'HEAD', target: '/v1/jobs', body: '{}' }, expect: 400 },
  { name: 'body: of a GET, in chunks', send: { target: '/v1/jobs', headers: CHUNKED, body: '0\r\n\r\n' }, expect: 400 },
  { name: 'body: of what has none', send: { method: 'POST', target: '/v1/jobs/victim/pause', body: 'paused=true' }, expect: 415 },
  head('an empty key', { 'Idempotency-Key': '' }, 400),
  head('a key of 256 characters', { 'Idempotency-Key': 'k'.repeat(256) }, 400),
  head('a key with a space', { 'Idempotency-Key': 'a b' }, 400),
  head('a key above ASCII', { 'Idempotency-Key': 'k\xe9y' }, 400),
  head('two keys', { 'Idempotency-Key': ['one', 'two'] }, 400),
];
