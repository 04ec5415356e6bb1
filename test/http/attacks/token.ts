/** Callers without the right token, and those who say that they are somebody else. */
import { type Attack, type Hand, submit, VICTIM } from './attack.ts';
import type { RequestText } from '../wire.ts';

function nobody(name: string, headers: NonNullable<RequestText['headers']>, expected: number | readonly number[] = 401): Attack {
  return { name: `token: ${name}`, send: submit({ headers }), as: 'nobody', expect: expected };
}

function closed(target: string, method = 'GET'): Attack {
  return { name: `token: ${method} ${target} without any`, send: { method, target }, as: 'nobody', expect: 401 };
}

function above(as: Hand, method: string, target: string): Attack {
  return { name: `token: ${method} ${target} by a ${as}`, send: { method, target }, as, expect: 403 };
}

const RUN = '000000000-00000000000000';

export const TOKEN_ATTACKS: readonly Attack[] = [
  closed('/v1/jobs'),
  closed(`/v1/jobs/${VICTIM}`),
  closed(`/v1/jobs/${VICTIM}/ticks`),
  closed('/v1/runs'),
  closed(`/v1/runs/${RUN}`),
  closed(`/v1/runs/${RUN}/log`),
  closed('/v1/events'),
  closed('/metrics'),
  closed(`/v1/jobs/${VICTIM}/runs`, 'POST'),
  closed(`/v1/jobs/${VICTIM}/pause`, 'POST'),
  closed(`/v1/jobs/${VICTIM}/resume`, 'POST'),
  closed(`/v1/jobs/${VICTIM}/cancel`, 'POST'),
  closed(`/v1/runs/${RUN}/cancel`, 'POST'),
  closed('/v1/nothing'),
  above('reader', 'POST', `/v1/jobs/${VICTIM}/runs`),
  above('reader', 'POST', `/v1/jobs/${VICTIM}/pause`),
  above('reader', 'POST', `/v1/jobs/${VICTIM}/resume`),
  above('reader', 'POST', `/v1/jobs/${VICTIM}/cancel`),
  above('reader', 'POST', `/v1/runs/${RUN}/cancel`),
  nobody('an empty one', { Authorization: 'Bearer ' }),
  nobody('a wrong one', { Authorization: `Bearer tw_${'A'.repeat(43)}` }),
  nobody('one of 10 kB', { Authorization: `Bearer ${'A'.repeat(10_000)}` }),
  nobody('the name of a caller', { Authorization: 'Bearer admin' }),
  nobody('a name and a password', { Authorization: `Basic ${Buffer.from('admin:admin').toString('base64')}` }),
  nobody('another scheme', { Authorization: 'Negotiate AAAA' }),
  nobody('a joker', { Authorization: 'Bearer *' }),
  nobody('words of SQL', { Authorization: "Bearer ' or 1=1 --" }),
  nobody('nothing', { Authorization: 'Bearer null' }),
  nobody('letters above ASCII', { Authorization: 'Bearer tw_\xe9\xe9' }),
  nobody('the same machine, as a proxy would say it', {
    'X-Forwarded-For': '127.0.0.1',
    'X-Real-IP': '127.0.0.1',
    Forwarded: 'for=127.0.0.1',
  }),
  nobody('a user, as a proxy would say it', { 'X-Forwarded-User': 'admin', 'X-Remote-User': 'admin', 'Remote-User': 'admin' }),
  nobody('another address, as a proxy would say it', { 'X-Original-URL': '/healthz', 'X-Rewrite-URL': '/healthz' }),
  nobody('a cookie', { Cookie: 'token=admin; session=admin' }),
  {
    name: 'token: the right one in the query',
    send: (port, token) => head(port, `/v1/jobs?token=${token}`),
    as: 'admin',
    expect: 401,
  },
  {
    name: 'token: the right one in another place of the query',
    send: (port, token) => head(port, `/v1/jobs?access_token=${token}`),
    expect: 401,
  },
  {
    name: 'token: the right one in a cookie',
    send: (port, token) => head(port, '/v1/jobs', `Cookie: token=${token}\r\n`),
    expect: 401,
  },
  {
    name: 'token: the right one for a proxy',
    send: (port, token) => head(port, '/v1/jobs', `Proxy-Authorization: Bearer ${token}\r\n`),
    expect: 401,
  },
  {
    name: 'token: the right one without its scheme',
    send: (port, token) => head(port, '/v1/jobs', `Authorization: ${token}\r\n`),
    expect: 401,
  },
  {
    name: 'token: the right one but for its last letter',
    send: (port, token) => head(port, '/v1/jobs', `Authorization: Bearer ${token.slice(0, -1)}\r\n`),
    expect: 401,
  },
  {
    name: 'token: the right one in small letters',
    send: (port, token) => head(port, '/v1/jobs', `Authorization: Bearer ${token.toLowerCase()}\r\n`),
    expect: 401,
  },
  {
    name: 'token: the right one and then another',
    send: (port, token) => head(port, '/v1/jobs', `Authorization: Bearer ${token}\r\nAuthorization: Bearer x\r\n`),
    expect: 400,
  },
  {
    name: 'token: the right one in a list',
    send: (port, token) => head(port, '/v1/jobs', `Authorization: Bearer x, Bearer ${token}\r\n`),
    expect: 401,
  },
  { name: 'token: a probe that turns into the API', send: { target: '/healthz/../v1/jobs' }, as: 'nobody', expect: 400 },
  {
    name: 'token: a probe that turns into the API, encoded',
    send: { target: '/healthz%2f..%2fv1/jobs' },
    as: 'nobody',
    expect: 400,
  },
  { name: 'token: the page that turns into the API', send: { target: '/assets/..%2f..%2fv1/jobs' }, as: 'nobody', expect: 400 },
  { name: 'token: a probe with something behind it', send: { target: '/healthz/x' }, as: 'nobody', expect: 401 },
  { name: 'token: metrics in another spelling', send: { target: '/Metrics' }, as: 'nobody', expect: 401 },
];

function head(port: number, target: string, lines = ''): string {
  return `GET ${target} HTTP/1.1\r\nHost: localhost:${port}\r\n${lines}Connection: close\r\n\r\n`;
}
