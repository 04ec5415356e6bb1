import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { JSON_SCHEMA_FILE, jsonSchemaText } from '../../src/config/json-schema.ts';
import { setup } from './setup.ts';

const bench = setup();
afterAll(() => bench[Symbol.dispose]());

const editor = z.fromJSONSchema(JSON.parse(jsonSchemaText()) as Parameters<typeof z.fromJSONSchema>[0]);
const shell = { shell: 'true' };

test('the generated file is up to date: npm run schema', () => {
  expect(readFileSync(JSON_SCHEMA_FILE, 'utf8')).toBe(jsonSchemaText());
});

test('the example at the root is accepted', () => {
  const text = readFileSync(join(JSON_SCHEMA_FILE, '../../scheduler.config.json'), 'utf8');
  const strict = text.replace(/^\s*\/\/.*$/gm, '');
  expect(editor.safeParse(JSON.parse(strict)).success).toBe(true);
});

describe('editors accept what the daemon accepts', () => {
  test.each([
    { jobs: {} },
    { $schema: 'x', listen: false, jobs: { a: { task: shell } } },
    {
      jobs: {
        'a.b-c_1': { schedule: ['@daily', { every: '1h30m' }], task: { module: './jobs/work.ts', input: [null, { a: 1 }] } },
      },
    },
    {
      defaults: { budget: '30s', retry: {} },
      jobs: { a: { task: { http: { url: 'https://example.org/', headers: { a: 'b' } } } } },
    },
    {
      log: { file: { path: 'x', maxSize: '1GiB' } },
      jobs: { a: { task: { command: ['true', ''] }, exclusive: ['x'], grace: '0s' } },
    },
  ])('%j', (value) => {
    expect(editor.safeParse(value).success).toBe(true);
    expect(() => bench.parse(JSON.stringify(value))).not.toThrow();
  });
});

describe('editors refuse what the daemon refuses', () => {
  test.each([
    {},
    [],
    { jobs: {}, nope: 1 },
    { jobs: { A: { task: shell } } },
    { jobs: { a: {} } },
    { jobs: { a: { task: { ...shell, module: 'x' } } } },
    { jobs: { a: { task: shell, budget: 30 } } },
    { jobs: { a: { task: shell, budget: '0s' } } },
    { jobs: { a: { task: shell, budget: '5 m' } } },
    { jobs: { a: { task: shell, onOverlap: 'wait' } } },
    { jobs: { a: { task: shell, retry: { attempts: 0 } } } },
    { jobs: { a: { task: shell, schedule: [] } } },
    { jobs: { a: { task: shell, schedule: { cron: '@daily', nope: 1 } } } },
    { jobs: { a: { task: { command: [] } } } },
    { jobs: { a: { task: { http: { url: 'ftp://x' } } } } },
    { defaults: { task: shell }, jobs: {} },
    { concurrency: 1.5, jobs: {} },
    { listen: true, jobs: {} },
  ])('%j', (value) => {
    expect(editor.safeParse(value).success).toBe(false);
    expect(() => bench.parse(JSON.stringify(value))).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  });
});
