import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { redact, redactJson } from '../../src/config/redact.ts';
import { problemsOf, refusalOf, setup } from './setup.ts';

const bench = setup();
afterAll(() => bench[Symbol.dispose]());

/** All that programs escape in one way or another. */
const HARD = 'pä"ss/w+rd €*';
const ENV = { TOKEN: 'tok-secret-123', ZONE: 'Mars/Secretia', EMPTY: '' };
const task = (text: string): string => `{"jobs": {"a": {"task": {"shell": ${JSON.stringify(text)}}}}}`;
const shellOf = (text: string): unknown => (bench.parse(task(text), ENV).jobs[0]!.task as { shell?: string }).shell;

describe('references in strings', () => {
  test('are replaced by variables and by files without their last line break', () => {
    expect(shellOf('a ${env:TOKEN} b ${file:secret.txt} ${env:EMPTY}c')).toBe('a tok-secret-123 b from-the-file c');
  });

  test('leave what belongs to the shell alone', () => {
    const text = 'echo $HOME ${HOME} ${env:-default} ${file:=x} ${other:TOKEN}';
    expect(shellOf(text)).toBe(text);
  });

  test('are not looked for in what was put in', () => {
    writeFileSync(join(bench.folder, 'nested.txt'), '${env:TOKEN}');
    expect(shellOf('${file:nested.txt}')).toBe('${env:TOKEN}');
  });

  test('do not reach what every object inherits', () => {
    expect(bench.problems(task('${env:toString}'))[0]?.message).toBe('environment variable toString is not set');
  });

  test('work in every string of the file', () => {
    const config = bench.parse('{"store": "postgres://u:${env:TOKEN}@h/db", "jobs": {}}', ENV);
    expect(config.store).toEqual({ kind: 'postgres', url: 'postgres://u:tok-secret-123@h/db' });
    expect(config.secrets).toEqual(['tok-secret-123']);
  });

  test('that lead nowhere are each reported once, and hide what would follow from them', () => {
    const problems = bench.problems('{"timezone": "${env:A}", "store": "${env:B}/${env:C}", "jobs": {}}');
    expect(problems.map(({ path, message }) => `${path} ${message}`)).toEqual([
      'timezone environment variable A is not set',
      'store environment variable B is not set',
      'store environment variable C is not set',
    ]);
  });
});

describe('credentials of systemd', () => {
  const withCredentials = (): Record<string, string> => ({ CREDENTIALS_DIRECTORY: join(bench.folder, 'jobs') });

  test('are replaced like files, and are secrets', () => {
    writeFileSync(join(bench.folder, 'jobs', 'db.password'), 'from-the-unit\n');
    const { jobs, secrets } = bench.parse(task('pw=${credential:db.password}'), withCredentials());
    expect(jobs[0]?.task).toMatchObject({ shell: 'pw=from-the-unit' });
    expect(secrets).toEqual(['from-the-unit']);
  });

  test.each([
    ['nope', 'credential nope does not exist; add LoadCredential=nope:/path/to/the/secret to [Service] of the unit'],
    ['../secret.txt', '"../secret.txt" is not the name of a credential'],
    ['..', '".." is not the name of a credential'],
    ['a\u0000b', '"a b" is not the name of a credential'],
    ['', '"" is not the name of a credential'],
  ])('that are not there, or no name of one, are refused: %j', (name, message) => {
    const problems = problemsOf(() => bench.parse(task(`\${credential:${name}}`), withCredentials()));
    expect(problems).toEqual([expect.objectContaining({ path: 'jobs.a.task.shell', message })]);
  });
});

test('a value that is too short to be searched for brings a warning, and an empty one none', () => {
  const { warnings } = bench.parse(task('${env:PIN} ${env:EMPTY} ${env:TOKEN}'), { ...ENV, PIN: '12345' });
  expect(warnings.map(({ path, message }) => `${path}: ${message}`)).toEqual([
    'jobs.a.task.shell: the value of ${env:PIN} is too short to be searched for: logs will show it (expected at least 6 characters)',
  ]);
});

test('a secret of a rule is one, whether it is written or referred to', () => {
  const rule = (secret: string): string => `[{"on": ["timedOut"], "webhook": "https://h/", "secret": "${secret}"}]`;
  const text = `{"notify": ${rule('written-in-the-file')}, "jobs": {"a": {"task": {"shell": "true"}, "notify": ${rule('${file:key}')}}}}`;
  writeFileSync(join(bench.folder, 'key'), 'of-the-job-in-a-file\n');
  const { secrets, jobs } = bench.parse(text);
  expect(secrets).toEqual(['of-the-job-in-a-file', 'written-in-the-file']);
  expect(jobs[0]?.notify.map(({ secret }) => secret)).toEqual(['written-in-the-file', 'of-the-job-in-a-file']);
});

test('no message shows a value that came from a reference', () => {
  const text = `{
    "timezone": "\${env:ZONE}", "store": "\${env:TOKEN}", "listen": "\${env:TOKEN}", "log": {"level": "\${env:TOKEN}"}, "shutdownGrace": "\${env:TOKEN}",
    "jobs": {"a": {"schedule": "\${env:TOKEN}", "task": {"module": "\${env:TOKEN}"}, "budget": "\${env:TOKEN}"},
      "b": {"schedule": {"cron": "\${env:TOKEN}", "startAt": "\${env:TOKEN}", "timezone": "\${env:ZONE}"}, "task": {"http": {"url": "\${env:TOKEN}", "headers": {"x": "\${env:BREAK}"}}}},
      "c": {"schedule": "@every \${env:TOKEN}", "task": {"command": ["./\${env:TOKEN}"]}, "onOverlap": "\${env:TOKEN}", "ping": "https://u:\${env:TOKEN}@h/"}}
  }`;
  const { message, facts } = refusalOf(() => bench.parse(text, { ...ENV, BREAK: 'line\nbreak-secret' }));
  for (const secret of ['tok-secret', 'Secretia', 'break-secret']) {
    expect(message).not.toContain(secret);
    expect(JSON.stringify(facts)).not.toContain(secret);
  }
  expect(message.split('\n')).toHaveLength(16);
  expect(message).toContain('got "${env:TOKEN}"');
});

test('a message shows no value of a neighbour that came from a reference', () => {
  const schedule = '{"cron": "* * * * *", "jitter": "${env:A}", "startAt": "${env:B}", "stopAt": "2020-01-01T00:00:00Z"}';
  const job = (body: string): string => `{${body}, "task": {"shell": "true"}}`;
  const jobs = [`"schedule": ${schedule}`, '"schedule": "@every ${env:N}"', '"retry": {"delay": "${env:A}", "maxDelay": "1s"}'];
  const text = `{"jobs": {${jobs.map((body, index) => `"j${index}": ${job(body)}`).join(',')}}}`;
  const { message } = refusalOf(() => bench.parse(text, { A: '77m', B: '2021-07-07T07:07:07Z', N: '777' }));
  expect(message).not.toMatch(/77|07:07/);
  expect(message.split('\n')).toHaveLength(3);
});

describe('a password that is written in the file', () => {
  test('is a secret if it is that of the database, as it is and as it is written', () => {
    const { secrets } = bench.parse('{"store": "postgres://u:p%40ss-word@h/db", "jobs": {}}');
    expect(secrets).toEqual(['p%40ss-word', 'p@ss-word']);
  });

  test.each([
    '{"store": "postgre://u:hidden@h/db", "jobs": {}}',
    '{"jobs": {"a": {"task": {"http": {"url": "htp://u:hid@hidden@h"}}}}}',
  ])('is not shown: %s', (text) => {
    expect(refusalOf(() => bench.parse(text)).message).not.toMatch(/hidden/);
  });
});

describe('redact', () => {
  test('blots out secrets as they are, in JSON, in addresses, and line by line', () => {
    const secrets = ['pa"ss wörd', 'first line\nsecond line'];
    const text = `pa"ss wörd ${JSON.stringify('pa"ss wörd')} ${encodeURIComponent('pa"ss wörd')} second line only`;
    expect(redact(text, secrets)).toBe('[redacted] "[redacted]" [redacted] [redacted] only');
  });

  test('takes the longer of two secrets', () => {
    expect(redact('abcdefgh', ['abcdef', 'abcdefgh'])).toBe('[redacted]');
  });

  test('leaves values alone that are too short to be secret', () => {
    expect(redact('a b 12345', ['a', '', ' ', '12345'])).toBe('a b 12345');
  });

  test('looks for each line of a file of any length', () => {
    const secret = Array.from({ length: 20_000 }, (_, index) => `{"line ${index}": "of the file/${index * 7_919}"}`).join('\n');
    const line = secret.slice(secret.lastIndexOf('\n') + 1);
    expect(redact(`a ${line} b ${JSON.stringify(line)} c`, [secret])).toBe('a [redacted] b "[redacted]" c');
  });

  test('blots out what stands at the end, or next to another secret', () => {
    expect(redact('abcdefabcdefghijkl x abcdef', ['abcdef', 'ghijkl'])).toBe('[redacted][redacted][redacted] x [redacted]');
    expect(redact('abcdef', ['abcdef', 'abcdefgh'])).toBe('[redacted]');
    expect(redact('abcde', ['abcdef'])).toBe('abcde');
  });

  test('takes characters of patterns for themselves', () => {
    expect(redact('x (a+b)*.c$ y', ['(a+b)*.c$'])).toBe('x [redacted] y');
  });

  test.each([
    ['JSON', JSON.stringify(HARD)],
    ['JSON in JSON', JSON.stringify(JSON.stringify(HARD))],
    ['JSON in ASCII', '"p\\u00e4\\"ss/w+rd \\u20ac*"'],
    ['JSON with its slashes escaped', JSON.stringify(HARD).replaceAll('/', '\\/')],
    ['an address', encodeURIComponent(HARD)],
    ['an address in lower case', encodeURIComponent(HARD).replace(/%../g, (byte) => byte.toLowerCase())],
    ['an address that is strict', encodeURIComponent(HARD).replaceAll('*', '%2A')],
    ['a form', new URLSearchParams({ a: HARD }).toString()],
  ])('finds a secret in %s', (_, text) => {
    expect(text).not.toBe(HARD);
    expect(redact(text, [HARD]).replace(/^a=|["\\]/g, '')).toBe('[redacted]');
  });
});

describe('redactJson', () => {
  const secrets = ['123456', 'a":"b-secret', 'top-secret'];

  test('gives JSON back, whatever the secret looks like', () => {
    const value = {
      n: 123456,
      t: 1234567890123,
      list: ['x top-secret y', 123456.5],
      'top-secret': 1,
      a: 'b-secret',
      q: 'a":"b-secret',
    };
    expect(JSON.parse(redactJson(JSON.stringify(value), secrets))).toEqual({
      n: '[redacted]',
      t: 1234567890123,
      list: ['x [redacted] y', 123456.5],
      '[redacted]': 1,
      a: 'b-secret',
      q: '[redacted]',
    });
  });

  test('finds a secret behind escapes that nobody needs', () => {
    expect(redactJson('{"a":"top\\u002dsecret"}', secrets)).toBe('{"a":"[redacted]"}');
  });

  test('leaves JSON without secrets as it was written', () => {
    const text = '{"a": 1.0, "b":  "caf\u00e9"}';
    expect(redactJson(text, secrets)).toBe(text);
  });

  test('takes what is no JSON for a text', () => {
    expect(redactJson('{top-secret', secrets)).toBe('{[redacted]');
  });

  test('keeps a key that reaches into the machinery of objects where it is', () => {
    expect(redactJson('{"__proto__":{"a":"top-secret"}}', secrets)).toBe('{"__proto__":{"a":"[redacted]"}}');
  });
});
