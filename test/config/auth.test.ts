import { createHash } from 'node:crypto';
import { chmodSync, copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Config } from '../../src/config/config.ts';
import { parseConfig } from '../../src/config/load.ts';
import { formatProblem } from '../../src/config/problem.ts';
import { problemsOf, refusalOf, setup, TOKEN } from './setup.ts';

const bench = setup();
beforeAll(() => {
  for (const name of ['cert', 'key', 'other-key', 'encrypted-key']) {
    const path = join(bench.folder, `${name}.pem`);
    copyFileSync(fileURLToPath(new URL(`./tls/${name}.pem`, import.meta.url)), path);
    chmodSync(path, 0o600);
  }
});
afterAll(() => bench[Symbol.dispose]());

const auth = (body: object, listen = '127.0.0.1:0'): string => JSON.stringify({ listen, auth: body, jobs: {} });
const withToken = (file: string): string => auth({ tokens: [{ name: 'a', file, scopes: ['read'] }] });
const faultsOf = (text: string): string[] =>
  problemsOf(() => bench.parse(text)).map(({ path, message }) => `${path}: ${message}`);
const warningsOf = ({ warnings }: Config): string[] => warnings.map(({ path, message }) => `${path}: ${message}`);

function write(name: string, text: string, mode = 0o600): string {
  writeFileSync(join(bench.folder, name), text);
  chmodSync(join(bench.folder, name), mode);
  return name;
}

describe('a token in a file', () => {
  test('is kept as its hash and nowhere as itself', () => {
    const config = bench.parse(withToken('token.txt'));
    expect(config.auth.tokens).toEqual([{ name: 'a', hash: createHash('sha256').update(TOKEN).digest('hex'), scopes: ['read'] }]);
    expect(JSON.stringify(config)).not.toContain(TOKEN);
    expect(config.warnings).toEqual([]);
  });

  test.each([
    ['is empty', ' \n', /^auth\.tokens\[0\]\.file: this file is empty/],
    ['is short of 256 bits', 'x'.repeat(42), /too short: fewer than 43 characters/],
    ['holds two tokens', `${TOKEN}\n${TOKEN}\n`, /more than one word; a token has a file of its own/],
    ['holds what no header carries', `${TOKEN}\u0007é`, /characters that no token has/],
  ])('is refused if it %s, and not shown', (_, text, words) => {
    const { message } = refusalOf(() => bench.parse(withToken(write('bad-token', text))));
    expect(problemsOf(() => bench.parse(withToken('bad-token'))).map(({ path, message: said }) => `${path}: ${said}`)).toEqual([
      expect.stringMatching(words),
    ]);
    expect(message).not.toMatch(/Tok-|xxx/);
  });

  test('brings a warning with its remedy if others may read it', () => {
    const config = bench.parse(withToken(write('open-token', TOKEN, 0o640)));
    expect(warningsOf(config)).toEqual([
      'auth.tokens[0].file: others may read this file (mode 0640): chmod 600 it (got "open-token")',
    ]);
    expect(formatProblem(config.warnings[0] ?? { path: '', message: '' })).toMatch(/scheduler\.config\.json:1:\d+: auth/);
  });

  test('may be open to the unit if it is one of its credentials', () => {
    const folder = join(bench.folder, 'credentials');
    mkdirSync(folder);
    write('credentials/api-token', TOKEN, 0o440);
    const env = { CREDENTIALS_DIRECTORY: folder };
    expect(bench.parse(withToken('${env:CREDENTIALS_DIRECTORY}/api-token'), env).warnings).toEqual([]);
    symlinkSync(join(bench.folder, 'open-token'), join(folder, 'link'));
    expect(bench.parse(withToken('credentials/link'), env).warnings).toHaveLength(1);
  });

  test('may not be known under two names', () => {
    const tokens = ['a', 'b'].map((name) => ({ name, file: 'token.txt', scopes: ['read'] }));
    expect(faultsOf(auth({ tokens }))).toEqual(['auth.tokens[1]: the same token under a second name']);
  });
});

describe('tls', () => {
  const tls = (cert: string, key: string): string => auth({ tls: { cert, key } });

  test('becomes two absolute paths', () => {
    const config = bench.parse(tls('./cert.pem', 'key.pem'));
    expect(config.auth.tls).toEqual({ certPath: join(bench.folder, 'cert.pem'), keyPath: join(bench.folder, 'key.pem') });
    expect(config.warnings).toEqual([]);
  });

  test.each([
    ['a key of another certificate', 'cert.pem', 'other-key.pem', ['auth.tls.key: this key does not belong to the certificate']],
    ['a key with a passphrase', 'cert.pem', 'encrypted-key.pem', ['auth.tls.key: this key is encrypted']],
    ['files that are swapped', 'key.pem', 'cert.pem', ['auth.tls.cert: not a certificate', 'auth.tls.key: not a private key']],
    [
      'files that are not there',
      'a.pem',
      'b.pem',
      ['auth.tls.cert: this file does not exist', 'auth.tls.key: this file does not'],
    ],
    ['folders', 'jobs', 'jobs', ['auth.tls.cert: this is not a file', 'auth.tls.key: this is not a file']],
    ['paths with a NUL', 'a\0', 'b\0', ['auth.tls.cert: holds a NUL', 'auth.tls.key: holds a NUL']],
  ])('is refused with %s', (_, cert, key, faults) => {
    expect(faultsOf(tls(cert, key))).toEqual(faults.map((fault) => expect.stringContaining(fault)));
  });

  test('shows nothing of a key that cannot be read', () => {
    const key = write('broken-key.pem', '-----BEGIN PRIVATE KEY-----\nc2VjcmV0LWJ5dGVz\n-----END PRIVATE KEY-----\n');
    expect(refusalOf(() => bench.parse(tls('cert.pem', key))).message).not.toMatch(/c2Vj|BEGIN/);
  });

  test.each([
    [Date.UTC(2130, 0), /has expired on 2119-12-08T\S+: renew it/],
    [Date.UTC(2019, 0), /is not valid before 2020-01-01/],
  ])('brings a warning when the certificate does not hold at %i', (now, words) => {
    const file = join(bench.folder, 'scheduler.config.json');
    const config = parseConfig(tls('cert.pem', 'key.pem'), { ...bench.options, now, file });
    expect(warningsOf(config)).toEqual([expect.stringMatching(words)]);
  });

  test('brings a warning if others may read the key', () => {
    copyFileSync(join(bench.folder, 'key.pem'), join(bench.folder, 'open-key.pem'));
    chmodSync(join(bench.folder, 'open-key.pem'), 0o644);
    expect(warningsOf(bench.parse(tls('cert.pem', 'open-key.pem')))).toEqual([
      expect.stringContaining('auth.tls.key: others may'),
    ]);
  });
});

describe('an address other than loopback', () => {
  const tokens = [{ name: 'a', file: 'token.txt', scopes: ['read'] }];
  const tls = { cert: 'cert.pem', key: 'key.pem' };

  test.each([
    { tokens, tls },
    { tokens, behindProxy: true },
  ])('is taken with tokens and TLS: %j', (body) => {
    expect(bench.parse(auth(body, '0.0.0.0:4680')).listen).toEqual({ kind: 'tcp', host: '0.0.0.0', port: 4680 });
  });

  test.each([
    [{ tokens }, [/needs TLS/]],
    [{ tokens, behindProxy: false }, [/needs TLS/]],
    [{ tls }, [/needs tokens/]],
    [{ behindProxy: true }, [/needs tokens/]],
    [{}, [/needs tokens/, /needs TLS/]],
  ])('is refused with %j', (body, words) => {
    expect(faultsOf(auth(body, '[::]:4680'))).toEqual(words.map((one) => expect.stringMatching(one)));
  });

  test('is not said to lack what is there and unsound', () => {
    const faults = faultsOf(auth({ tokens: [], tls: { cert: 'cert.pem' } }, 'cron.example.org:1'));
    expect(faults.map((fault) => fault.split(':')[0])).toEqual(['auth.tokens', 'auth.tls.key']);
  });

  test.each(['127.0.0.1:0', '127.9.9.9:0', '[::1]:0', 'localhost:0', 'unix:./s.sock'])('is not %s', (listen) => {
    expect(bench.parse(JSON.stringify({ listen, jobs: {} })).auth.tokens).toEqual([]);
  });
});

test('a proxy in front of a door without a lock brings a warning', () => {
  expect(warningsOf(bench.parse(auth({ behindProxy: true })))).toEqual([
    expect.stringMatching(/^auth\.behindProxy: whoever reaches the proxy may do all/),
  ]);
  const tokens = [{ name: 'a', file: 'token.txt', scopes: ['read'] }];
  expect(bench.parse(auth({ behindProxy: true, tokens })).warnings).toEqual([]);
});

test('an onlooker finds the daemon without what only the daemon may read', () => {
  const file = join(bench.folder, 'scheduler.config.json');
  const text = JSON.stringify({
    listen: '0.0.0.0:4680',
    auth: {
      tokens: [
        { name: 'a', file: 'not-for-you', scopes: ['read'] },
        { name: 'b', hash: '${credential:b}', scopes: ['run'] },
      ],
      tls: { cert: 'cert.pem', key: 'not-for-you.pem' },
    },
    store: 'postgres://u:${credential:db}@h/db',
    jobs: { a: { task: { shell: '${file:not-for-you}' } }, b: { task: { shell: 'true' }, budget: '5' } },
  });
  const read = (written: string): Config => parseConfig(written, { ...bench.options, file, isOnlooker: true });
  expect(problemsOf(() => read(text)).map(({ path }) => path)).toEqual(['jobs.b.budget']);
  const { listen, auth: lock, warnings } = read(text.replace('"5"', '"5s"'));
  expect(listen).toEqual({ kind: 'tcp', host: '0.0.0.0', port: 4680 });
  expect(lock.tls?.certPath).toBe(join(bench.folder, 'cert.pem'));
  expect(warnings.map(({ path }) => path)).toEqual(['auth.tokens[1].hash', 'store', 'jobs.a.task.shell']);
});

test('takes names of hosts as an address has them', () => {
  const hosts = ['Cron.Example.ORG', 'bücher.example', '192.0.2.7', 'FD00::7', '[fd00::8]', 'a.local.'];
  expect(bench.parse(auth({ hosts })).auth.hosts).toEqual([
    'cron.example.org',
    'xn--bcher-kva.example',
    '192.0.2.7',
    '[fd00::7]',
    '[fd00::8]',
    'a.local.',
  ]);
});

test.each([
  'a.example:80',
  'a.example:4680',
  '[::1]:80',
  'https://a.example',
  'a.example/',
  'me@a.example',
  '*.example',
  'a b',
  '%61',
])('refuses %s as the name of a host', (host) =>
  expect(faultsOf(auth({ hosts: [host] }))).toEqual([expect.stringMatching(/^auth\.hosts\[0\]: .*e\.g\. "cron/)]),
);
