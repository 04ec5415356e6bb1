import type { IncomingMessage } from 'node:http';
import { expect, test } from 'vitest';
import { createHostRule, isLoopback } from '../../src/http/hosts.ts';

/** What a rule looks at of a request that came to this address. */
function requestTo(localAddress: string, localPort: number, ...hosts: string[]): IncomingMessage {
  return { headersDistinct: { host: hosts }, socket: { localAddress, localPort } } as unknown as IncomingMessage;
}

test('knows the address that was reached when it listens on all, and never the wildcard', () => {
  const rule = createHostRule({ kind: 'tcp', host: '0.0.0.0', port: 80 }, [], 80);
  expect(rule(requestTo('192.0.2.7', 4680, '192.0.2.7:4680'))).toBeUndefined();
  expect(rule(requestTo('::ffff:192.0.2.7', 4680, '192.0.2.7:4680'))).toBeUndefined();
  expect(rule(requestTo('192.0.2.7', 4680, '0.0.0.0:4680'))?.status).toBe(421);
  expect(rule(requestTo('192.0.2.7', 4680, '192.0.2.8:4680'))?.status).toBe(421);
});

test('knows an address of IPv6 in brackets', () => {
  const rule = createHostRule({ kind: 'tcp', host: '2001:db8::1', port: 4680 }, [], 80);
  expect(rule(requestTo('2001:db8::1', 4680, '[2001:DB8::1]:4680'))).toBeUndefined();
  expect(rule(requestTo('2001:db8::1', 4680, '2001:db8::1:4680'))?.status).toBe(421);
});

test('takes a host without a port for the usual one', () => {
  const rule = createHostRule({ kind: 'tcp', host: '127.0.0.1', port: 443 }, [], 443);
  expect(rule(requestTo('127.0.0.1', 443, 'localhost'))).toBeUndefined();
  expect(rule(requestTo('127.0.0.1', 4680, 'localhost'))?.status).toBe(421);
});

test('takes neither no host nor two', () => {
  const rule = createHostRule({ kind: 'tcp', host: '127.0.0.1', port: 80 }, ['cron.example.org'], 80);
  expect(rule(requestTo('127.0.0.1', 80))?.status).toBe(421);
  expect(rule(requestTo('127.0.0.1', 80, 'localhost', 'localhost'))?.status).toBe(421);
  expect(rule(requestTo('127.0.0.1', 80, 'cron.example.org', 'evil.example'))?.status).toBe(421);
});

test('tells loopback from what others can reach', () => {
  expect(['localhost', '127.0.0.1', '127.9.9.9', '::1'].map(isLoopback)).toEqual([true, true, true, true]);
  expect(['0.0.0.0', '::', '127.evil.example', 'localhost.evil.example', '10.0.0.1'].some(isLoopback)).toBe(false);
});
