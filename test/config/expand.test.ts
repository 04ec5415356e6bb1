import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { redact } from '../../src/config/redact.ts';
import { refusalOf, setup } from './setup.ts';

const bench = setup();
afterAll(() => bench[Symbol.dispose]());

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
    expect(redact('abcdefgh', ['abcd', 'abcdefgh'])).toBe('[redacted]');
  });

  test('leaves values alone that are too short to be secret', () => {
    expect(redact('a b c', ['a', '', ' '])).toBe('a b c');
  });

  test('takes characters of patterns for themselves', () => {
    expect(redact('x (a+b)*.c$ y', ['(a+b)*.c$'])).toBe('x [redacted] y');
  });
});
