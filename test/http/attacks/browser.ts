/** A user's browser, turned against the daemon: rebinding of names, and pages of other origins. */
import { expect } from 'vitest';
import { type Attack, submit, VICTIM } from './attack.ts';

/** `PORT` stands for the right port. */
function rebinding(name: string, host: string | readonly string[] | undefined, status: number | readonly number[] = 421): Attack {
  return {
    name: `rebinding: ${name}`,
    send: (port, token) => {
      const hosts = [host ?? []].flat().map((each) => `Host: ${each.replace('PORT', String(port))}\r\n`);
      const head = `Authorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close`;
      return Buffer.from(`POST /v1/jobs/${VICTIM}/runs HTTP/1.1\r\n${hosts.join('')}${head}\r\n\r\n{}`, 'latin1');
    },
    expect: status,
  };
}

function page(name: string, headers: Readonly<Record<string, string | readonly string[]>>, status = 403): Attack {
  return { name: `cross-site: ${name}`, send: submit({ headers }), expect: status };
}

function reading(name: string, target: string, headers: Readonly<Record<string, string>>): Attack {
  return { name: `cross-site: ${name}`, send: { target, headers }, expect: 403 };
}

function withOwnOrigin(name: string, origin: (port: number) => string): Attack {
  return {
    name: `cross-site: ${name}`,
    send: (port, token) =>
      `POST /v1/jobs/${VICTIM}/runs HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nOrigin: ${origin(port)}\r\nAuthorization: Bearer ${token}\r\n` +
      'Content-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}',
    expect: 403,
  };
}

const CROSS = { 'Sec-Fetch-Site': 'cross-site' } as const;

export const BROWSER_ATTACKS: readonly Attack[] = [
  rebinding('a name of the attacker', 'evil.example:PORT'),
  rebinding('a name of the attacker, with no port', 'evil.example'),
  rebinding('a name that begins like loopback', 'localhost.evil.example:PORT'),
  rebinding('a name that holds the address', '127.0.0.1.nip.io:PORT'),
  rebinding('a name that ends like loopback', 'evil-localhost:PORT'),
  rebinding('a name below localhost', 'evil.localhost:PORT'),
  rebinding('a name with a user before it', 'localhost@evil.example:PORT'),
  rebinding('the right name after a user', 'evil.example@localhost:PORT'),
  rebinding('the right name with a dot at its end', 'localhost.:PORT'),
  rebinding('the right name with no port', 'localhost'),
  rebinding('the right name with another port', 'localhost:1'),
  rebinding('the right port with a zero before it', 'localhost:0PORT'),
  rebinding('a port that is no number', 'localhost:http'),
  rebinding('two ports', 'localhost:PORT:PORT'),
  rebinding('the address as one number', '2130706433:PORT'),
  rebinding('the address in octal', '0177.0.0.1:PORT'),
  rebinding('the address in hexadecimal', '0x7f.0.0.1:PORT'),
  rebinding('the address cut short', '127.1:PORT'),
  rebinding('another address of loopback', '127.0.0.2:PORT'),
  rebinding('the address of all', '0.0.0.0:PORT'),
  rebinding('the address within IPv6', '[::ffff:127.0.0.1]:PORT'),
  rebinding('a zone', '[::1%25lo]:PORT'),
  rebinding('a path', 'localhost:PORT/'),
  rebinding('a query', 'localhost:PORT?'),
  rebinding('a space', 'localhost :PORT'),
  rebinding('letters that look alike', 'l\xf6calhost:PORT'),
  rebinding('an empty name', ''),
  rebinding('the right name and then another', ['localhost:PORT', 'evil.example'], [400, 421]),
  rebinding('another name and then the right one', ['evil.example', 'localhost:PORT'], [400, 421]),
  rebinding('the right name twice', ['localhost:PORT', 'localhost:PORT'], [400, 421]),
  rebinding('no name at all', undefined, 400),
  {
    name: 'rebinding: the right name where proxies put it',
    send: submit({ headers: { Host: 'evil.example', 'X-Forwarded-Host': 'localhost', Forwarded: 'host=localhost' } }),
    expect: 421,
  },
  {
    name: 'rebinding: no name at all, by HTTP/1.0',
    send: (_port, token) => `POST /v1/jobs/${VICTIM}/pause HTTP/1.0\r\nAuthorization: Bearer ${token}\r\n\r\n`,
    expect: 421,
  },
  {
    name: 'rebinding: an absolute address of another host',
    send: submit({ target: `http://evil.example/v1/jobs/${VICTIM}/runs` }),
    expect: 400,
  },
  page('a page elsewhere', { Origin: 'https://evil.example' }),
  page('a page with no origin', { Origin: 'null' }),
  page('an empty origin', { Origin: '' }),
  page('a file', { Origin: 'file://' }),
  page('an extension', { Origin: 'chrome-extension://abcdefghijklmnop' }),
  page('two origins', { Origin: ['https://evil.example', 'http://localhost'] }),
  withOwnOrigin('its own host by another port', () => 'http://127.0.0.1:1'),
  withOwnOrigin('its own host by another scheme', (port) => `https://127.0.0.1:${port}`),
  withOwnOrigin('another of its own names', (port) => `http://localhost:${port}`),
  withOwnOrigin('an origin that begins with its own', (port) => `http://127.0.0.1:${port}.evil.example`),
  withOwnOrigin('an origin that ends with its own', (port) => `http://evil.example#http://127.0.0.1:${port}`),
  withOwnOrigin('its own origin among others', (port) => `http://127.0.0.1:${port} https://evil.example`),
  withOwnOrigin('its own origin with a slash', (port) => `http://127.0.0.1:${port}/`),
  page('a request that the browser calls cross-site', CROSS),
  page('a request of a neighbour', { 'Sec-Fetch-Site': 'same-site' }),
  page('a site of no known kind', { 'Sec-Fetch-Site': 'friendly' }),
  page('two kinds of site', { 'Sec-Fetch-Site': ['same-origin', 'cross-site'] }),
  page('a form that is sent', { ...CROSS, 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'document' }),
  page('a form as text', { 'Content-Type': 'text/plain' }, 415),
  page('a form as browsers send it', { 'Content-Type': 'application/x-www-form-urlencoded' }, 415),
  page('a form with files', { 'Content-Type': 'multipart/form-data; boundary=x' }, 415),
  page('JSON by the name of text', { 'Content-Type': 'text/plain; application/json' }, 415),
  page('a beacon', { ...CROSS, 'Sec-Fetch-Mode': 'no-cors', 'Content-Type': 'text/plain' }),
  reading('an image', '/v1/jobs', { ...CROSS, 'Sec-Fetch-Mode': 'no-cors', 'Sec-Fetch-Dest': 'image' }),
  reading('a script', '/openapi.json', { ...CROSS, 'Sec-Fetch-Mode': 'no-cors', 'Sec-Fetch-Dest': 'script' }),
  reading('an event source', '/v1/events', { ...CROSS, 'Sec-Fetch-Mode': 'cors', Origin: 'https://evil.example' }),
  reading('the page in a frame', '/', { ...CROSS, 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'iframe' }),
  reading('a link to the API', '/v1/jobs', { ...CROSS, 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'document' }),
  reading('a link to the page with a query', '/?x', { ...CROSS, 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'document' }),
  reading('a web socket', '/v1/events', {
    ...CROSS,
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    Origin: 'https://evil.example',
  }),
  {
    name: 'cross-site: a preflight',
    send: {
      method: 'OPTIONS',
      target: '/v1/jobs',
      headers: { Origin: 'https://evil.example', 'Access-Control-Request-Method': 'POST' },
    },
    expect: 403,
    and: ({ headers }) => expect(Object.keys(headers).join()).not.toContain('access-control'),
  },
  {
    name: 'cross-site: a preflight that says nothing of its origin',
    send: { method: 'OPTIONS', target: '/v1/jobs', headers: { 'Access-Control-Request-Private-Network': 'true' } },
    expect: 405,
    and: ({ headers }) => expect(Object.keys(headers).join()).not.toContain('access-control'),
  },
];
