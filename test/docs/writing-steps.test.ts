import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import type { TimeoutTaskHandler } from '../../src/core/task.ts';
import { runTick } from '../../src/testing/kit.ts';

const TEXT = readFileSync('docs/writing-steps.md', 'utf8');
/** What the document's imports mean in the checkout. */
const DOORS: Readonly<Record<string, string>> = {
  "'tickwise'": 'src/index.ts',
  "'tickwise/testing'": 'src/testing/kit.ts',
  "'tickwise/structured'": 'src/structured/kit.ts',
};

function blocks(language: string): string[] {
  return [...TEXT.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'gms'))].map((match) => match[1] ?? '');
}

/** The document's files, each under the name of its first line, in a folder of the checkout. */
function writeFiles(): Disposable & { readonly folder: string; readonly names: readonly string[] } {
  mkdirSync('var', { recursive: true });
  const folder = mkdtempSync(resolve('var/docs-'));
  const names = blocks('ts').map((block) => {
    const name = /^\/\/ ([\w.-]+\.ts)\n/.exec(block)?.[1];
    if (name === undefined) throw new Error(`a block of code does not begin with its file's name: ${block.slice(0, 60)}`);
    const code = Object.entries(DOORS).reduce(
      (text, [door, file]) => text.replaceAll(`from ${door}`, `from '../../${file}'`),
      block,
    );
    writeFileSync(join(folder, name), code);
    return name;
  });
  return { folder, names, [Symbol.dispose]: () => rmSync(folder, { recursive: true }) };
}

function openReports(): DatabaseSync {
  const database = new DatabaseSync(':memory:');
  database.exec('create table reports (name text primary key, body text not null, fence integer not null) strict');
  return database;
}

test('the statement with the fence lets the newest write, and the same run again, and no stale one', () => {
  const [sql = ''] = blocks('sql');
  using database = openReports();
  const write = (body: string, fence: number): boolean => database.prepare(sql).get({ name: 'daily', body, fence }) !== undefined;
  expect([write('first', 6), write('newer', 7), write('stale', 6), write('newer, again', 7)]).toEqual([true, true, false, true]);
  expect(database.prepare('select body, fence from reports').all()).toEqual([{ body: 'newer, again', fence: 7 }]);
});

test('the examples satisfy the type checker', () => {
  using files = writeFiles();
  const settings = {
    extends: '../../tsconfig.json',
    compilerOptions: { isolatedDeclarations: false, declaration: false },
    include: ['*.ts'],
  };
  writeFileSync(join(files.folder, 'tsconfig.json'), JSON.stringify(settings));
  const { stdout, status } = spawnSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', files.folder], {
    encoding: 'utf8',
  });
  // Faults in the sources are told by the check of the whole.
  expect(stdout.split('\n').filter((line) => /error TS/.test(line) && !line.startsWith('src/'))).toEqual([]);
  expect([0, 1, 2]).toContain(status);
});

test('the tests of the document pass', () => {
  using files = writeFiles();
  const tests = files.names.filter((name) => name.endsWith('.test.ts'));
  expect(tests.length).toBeGreaterThan(0);
  const { status, stdout, stderr } = spawnSync(process.execPath, tests, { cwd: files.folder, encoding: 'utf8' });
  expect({ status, stderr, stdout }).toMatchObject({ status: 0, stderr: '', stdout: expect.stringMatching(/pass 4\b/) });
});

test('the example with the late pages asks them again', async () => {
  using files = writeFiles();
  const { fetchPages } = (await import(pathToFileURL(join(files.folder, 'fetch-pages.ts')).href)) as {
    fetchPages: TimeoutTaskHandler<string[], { urls: string[] }>;
  };
  let asked = 0;
  const urls = Array.from({ length: 12 }, (_, at) => `http://pages/${at}`);
  const original = globalThis.fetch;
  // The first page is late at the first time of asking.
  globalThis.fetch = ((_url: string, { signal }: { signal: AbortSignal }) =>
    asked++ === 0
      ? new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
      : Promise.resolve(new Response('page'))) as typeof globalThis.fetch;
  try {
    expect(await runTick(fetchPages, { input: { urls } })).toMatchObject({ outcome: 'succeeded', steps: 2 });
    expect(asked).toBe(13);
  } finally {
    globalThis.fetch = original;
  }
});
