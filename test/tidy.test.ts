import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { JSON_SCHEMA_FILE, jsonSchemaText } from '../src/config/json-schema.ts';
import {
  hasAName,
  inheritsErrorsOnly,
  isDocumented,
  isShort,
  keepsItsTongue,
  keepsPackagesFenced,
  keepsToItsRoom,
  locksNoAddress,
  looksAtEverything,
  namesNoMachine,
  type Rule,
  type SourceFile,
} from './tidy/rules.ts';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const FILES: readonly SourceFile[] = readFiles();
const SOURCES = FILES.filter(({ path }) => /^(src|bench|test|config|examples)\/.*\.ts$/.test(path));

/** Files that git knows, and those that it would add; the tidy room's own examples of breaches are texts, not files. */
function readFiles(): SourceFile[] {
  const listed = execFileSync('git', ['-c', 'safe.directory=*', 'ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  return listed.split('\0').flatMap((path) => {
    try {
      return path === '' ? [] : [{ path, text: readFileSync(`${ROOT}/${path}`, 'utf8') }];
    } catch {
      return []; // Deleted and not yet committed.
    }
  });
}

function breachesOf(rule: Rule, files: readonly SourceFile[]): string[] {
  return files.flatMap((file) => rule(file));
}

test('the checkout has sources to judge', () => {
  expect(SOURCES.filter(({ path }) => path.startsWith('src/core/')).length).toBeGreaterThan(10);
});

test('rooms import each other only as the table allows', () => {
  expect(breachesOf(keepsToItsRoom, SOURCES)).toEqual([]);
});

test('packages stay behind their fences', () => {
  expect(breachesOf(keepsPackagesFenced, SOURCES)).toEqual([]);
});

test('no run is bounded by a race or a bare timer, and core reads no clock', () => {
  expect(breachesOf(keepsItsTongue, SOURCES)).toEqual([]);
});

test('files are short', () => {
  expect(breachesOf(isShort, SOURCES)).toEqual([]);
});

test('files have names that say something', () => {
  expect(breachesOf(hasAName, SOURCES)).toEqual([]);
});

test('no type error is silenced and no test is left out', () => {
  expect(breachesOf(looksAtEverything, SOURCES)).toEqual([]);
});

test('every export has a docstring', () => {
  expect(breachesOf(isDocumented, SOURCES)).toEqual([]);
});

test('classes inherit from errors only', () => {
  expect(breachesOf(inheritsErrorsOnly, SOURCES)).toEqual([]);
});

test('no file names a machine or a package registry', () => {
  const judged = FILES.filter(({ path }) => !path.startsWith('test/tidy/') && !/\.(png|ico|gif|woff2?|db|gz)$/.test(path));
  expect(breachesOf(namesNoMachine, judged)).toEqual([]);
});

test('the lock file holds no addresses', () => {
  expect(FILES.some(({ path }) => path === 'package-lock.json')).toBe(true);
  expect(breachesOf(locksNoAddress, FILES)).toEqual([]);
});

test('the schema of the configuration is not stale (mend it with: npm run schema)', () => {
  expect(readFileSync(JSON_SCHEMA_FILE, 'utf8')).toBe(jsonSchemaText());
});
