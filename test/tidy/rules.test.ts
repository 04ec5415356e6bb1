import { describe, expect, test } from 'vitest';
import { importsOf } from './imports.ts';
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
} from './rules.ts';
import { tokensOf } from './tokens.ts';

describe('the scanner', () => {
  test('tells comments, texts, templates and regular expressions from code', () => {
    const source = "a = b / c; // 'x'\nconst r = /['/]\\/\"/g.test(`t ${`in ${d}` /* ` */} 'u'`), s = '//no';";
    const tokens = tokensOf(source);
    expect(
      tokens
        .filter(({ kind }) => kind === 'word')
        .map(({ text }) => text)
        .join(' '),
    ).toBe('a b c const r test d s');
    expect(tokens.filter(({ kind }) => kind === 'regexp').map(({ text }) => text)).toEqual(['/[\'/]\\/"/g']);
    expect(tokens.filter(({ kind }) => kind === 'comment').map(({ text }) => text)).toEqual(["// 'x'", '/* ` */']);
    expect(tokens.find(({ text }) => text === '//no')).toMatchObject({ kind: 'string', line: 2 });
  });

  test.each([
    ["import './a.ts';", 'src/engine/a.ts', false],
    ["import a from '../core/a.ts';", 'src/core/a.ts', false],
    ["import * as a from '../core/a.ts';", 'src/core/a.ts', false],
    ["import {\n  a,\n  type B,\n} from '../core/a.ts';", 'src/core/a.ts', false],
    ["import { type A, type B } from '../core/a.ts';", 'src/core/a.ts', true],
    ["import type { A } from '../core/a.ts'", 'src/core/a.ts', true],
    ["import type A from '../core/a.ts'", 'src/core/a.ts', true],
    ["import data from '../core/a.json' with { type: 'json' };", 'src/core/a.json', false],
    ["export { a } from '../core/a.ts';", 'src/core/a.ts', false],
    ["export * as a from '../core/a.ts';", 'src/core/a.ts', false],
    ["export type { A } from '../core/a.ts';", 'src/core/a.ts', true],
    ["const a = await import('../core/a.ts');", 'src/core/a.ts', false],
    ['const a = await import(`../core/a.ts`);', 'src/core/a.ts', false],
    ["function f(a: import('../core/a.ts').A): void {}", 'src/core/a.ts', true],
    ["type A = typeof import('../core/a.ts');", 'src/core/a.ts', true],
    ["const a = require('node:fs');", 'node:fs', false],
    ["const host = new URL('./host.ts', import.meta.url);", 'src/engine/host.ts', false],
    ['const a = await import(name);', '(computed)', false],
  ])('finds the import in %s', (source, target, typeOnly) => {
    expect(importsOf('src/engine/x.ts', source)).toEqual([{ target, typeOnly, line: 1 }]);
  });

  test.each([
    "// import '../core/a.ts';",
    'const text = "import \'../core/a.ts\'";',
    "export const from = '../core/a.ts';",
    "export type From = 'a';",
    'const here = import.meta.url;',
    "list.import('../core/a.ts');",
  ])('finds none in %s', (source) => {
    expect(importsOf('src/engine/x.ts', source)).toEqual([]);
  });

  test('finds imports that follow one another without semicolons', () => {
    const source = "import './a.ts'\nimport { b } from './b.ts'\nexport { c } from './c.ts'\nexport const d = 1\n";
    expect(importsOf('src/x.ts', source).map(({ target }) => target)).toEqual(['src/a.ts', 'src/b.ts', 'src/c.ts']);
  });
});

describe('each rule fails on a planted breach', () => {
  test.each<[Rule, string, string, string]>([
    [keepsToItsRoom, 'src/core/x.ts', "import type { A } from '../engine/a.ts';", 'src/core/x.ts -> src/engine/a.ts'],
    [keepsToItsRoom, 'src/engine/x.ts', "await import('../store/memory.ts');", 'src/engine/x.ts -> src/store/memory.ts'],
    [
      keepsToItsRoom,
      'src/runner/x.ts',
      "import { s } from '../engine/scheduler.ts';",
      'src/runner/x.ts -> src/engine/scheduler.ts',
    ],
    [keepsToItsRoom, 'src/testing/x.ts', "import '../store/sqlite.ts';", 'src/testing/x.ts -> src/store/sqlite.ts'],
    [keepsToItsRoom, 'src/http/x.ts', "import { a } from '../engine/a.ts';", 'src/http/x.ts -> src/engine/a.ts'],
    [keepsToItsRoom, 'src/engine/x.ts', "import '../../test/tidy/a.ts';", 'src/engine/x.ts -> test/tidy/a.ts'],
    [keepsToItsRoom, 'config/jobs/x.ts', "import '../../src/store/memory.ts';", 'config/jobs/x.ts -> src/store/memory.ts'],
    [keepsToItsRoom, 'src/cellar/x.ts', '', 'src/cellar/x.ts is in no room of the table'],
    [keepsPackagesFenced, 'src/core/x.ts', "import type { A } from 'node:fs';", 'src/core/x.ts -> node:fs'],
    [keepsPackagesFenced, 'src/core/x.ts', "import ms from 'ms';", 'src/core/x.ts -> ms'],
    [keepsPackagesFenced, 'src/engine/scheduler.ts', "import type P from 'p-queue';", 'src/engine/scheduler.ts -> p-queue'],
    [keepsPackagesFenced, 'src/engine/x.ts', "import 'croner';", 'src/engine/x.ts -> croner'],
    [keepsPackagesFenced, 'src/cli/x.ts', "import { z } from 'zod/v4';", 'src/cli/x.ts -> zod/v4'],
    [keepsPackagesFenced, 'src/cli/x.ts', "import 'node:sqlite';", 'src/cli/x.ts -> node:sqlite'],
    [keepsPackagesFenced, 'src/cli/x.ts', "import 'lodash';", 'src/cli/x.ts -> lodash'],
    [keepsPackagesFenced, 'src/engine/x.ts', 'await import(name);', 'src/engine/x.ts -> (computed)'],
    [keepsItsTongue, 'src/runner/x.ts', 'await Promise\n  .race([a, b]);', 'src/runner/x.ts -> Promise.race (line 2)'],
    [keepsItsTongue, 'src/engine/x.ts', 'setTimeout(f, 1);', 'src/engine/x.ts -> setTimeout (line 1)'],
    [
      keepsItsTongue,
      'src/engine/x.ts',
      "import { setTimeout as sleep } from 'node:timers/promises';",
      'src/engine/x.ts -> setTimeout (line 1)',
    ],
    [keepsItsTongue, 'src/engine/x.ts', 'globalThis.setTimeout(f, 1);', 'src/engine/x.ts -> setTimeout (line 1)'],
    [keepsItsTongue, 'src/engine/x.ts', 'timers.setTimeout(f, 1);', 'src/engine/x.ts -> setTimeout (line 1)'],
    [
      keepsItsTongue,
      'src/cli/x.ts',
      "import { openSqliteStore } from '../store/sqlite.ts';",
      'src/cli/x.ts -> openSqliteStore (line 1)',
    ],
    [keepsItsTongue, 'src/core/x.ts', 'const now = Date.now();', 'src/core/x.ts -> Date (line 1)'],
    [keepsItsTongue, 'src/core/x.ts', 'const n = Math.random();', 'src/core/x.ts -> Math.random (line 1)'],
    [keepsItsTongue, 'src/core/x.ts', 'async function f() {}', 'src/core/x.ts -> async (line 1)'],
    [keepsItsTongue, 'src/engine/x.ts', 'const x = y as any;', 'src/engine/x.ts -> any (line 1)'],
    [isShort, 'src/engine/x.ts', 'a\n'.repeat(261), 'src/engine/x.ts -> 261 lines (limit 260)'],
    [
      hasAName,
      'src/engine/string-utils.ts',
      '',
      'src/engine/string-utils.ts -> a name that says nothing, a barrel, or not kebab-case',
    ],
    [hasAName, 'src/engine/index.ts', '', 'src/engine/index.ts -> a name that says nothing, a barrel, or not kebab-case'],
    [hasAName, 'src/engine/runLoop.ts', '', 'src/engine/runLoop.ts -> a name that says nothing, a barrel, or not kebab-case'],
    [looksAtEverything, 'src/engine/x.ts', '// @ts-expect-error', 'src/engine/x.ts -> a type error that is silenced (line 1)'],
    [looksAtEverything, 'test/x.test.ts', 'test.only("a", f);', 'test/x.test.ts -> .only (line 1)'],
    [looksAtEverything, 'test/x.test.ts', 'describe.skip("a", f);', 'test/x.test.ts -> .skip (line 1)'],
    [isDocumented, 'src/engine/x.ts', '// no\nexport function f(): void {}', 'src/engine/x.ts -> f has no docstring (line 2)'],
    [
      isDocumented,
      'src/engine/x.ts',
      '/** a */\nexport const a = 1;\nexport interface B {}',
      'src/engine/x.ts -> B has no docstring (line 3)',
    ],
    [inheritsErrorsOnly, 'src/engine/x.ts', 'class A extends EventEmitter {}', 'src/engine/x.ts -> class A extends EventEmitter'],
    [namesNoMachine, 'README.md', 'cd /work/main', 'README.md -> /work/ (line 1)'],
    [namesNoMachine, 'README.md', 'see https://registry.npmjs.org/tickwise', 'README.md -> registry.npmjs. (line 1)'],
    [locksNoAddress, 'package-lock.json', '{"resolved": "x"}', 'package-lock.json -> "resolved" addresses'],
  ])('%s', (rule, path, text, breach) => {
    expect(rule({ path, text })).toEqual([breach]);
  });
});

describe('each rule lets pass', () => {
  test.each<[Rule, string, string]>([
    [keepsToItsRoom, 'src/runner/x.ts', "import { l } from '../engine/run-loop.ts'; import './y.ts';"],
    [keepsToItsRoom, 'src/http/x.ts', "import type { A } from '../engine/a.ts';"],
    [keepsToItsRoom, 'src/testing/x.ts', "import { m } from '../store/memory.ts';"],
    [keepsPackagesFenced, 'src/engine/dispatcher.ts', "import P from 'p-queue';"],
    [keepsPackagesFenced, 'src/runner/x.ts', 'await import(order.module);'],
    [keepsItsTongue, 'src/core/x.ts', "/** Date, async */ const x = { any: 'setTimeout' };"],
    [keepsItsTongue, 'src/engine/x.ts', 'z.any(); Promise.all([]);'],
    [keepsItsTongue, 'src/system/clock.ts', 'setTimeout(f, 1);'],
    [isShort, 'src/engine/x.ts', 'a\n'.repeat(260)],
    [hasAName, 'src/index.ts', ''],
    [looksAtEverything, 'test/x.test.ts', '// @ts-expect-error: not a job\ntest("only", f); list.skip(1);'],
    [
      isDocumented,
      'src/x.ts',
      "/** a */\nexport const AS = ['a'] as const;\nexport type A = (typeof AS)[number];\nexport { b } from './b.ts';",
    ],
    [inheritsErrorsOnly, 'src/engine/x.ts', 'export class A extends TickwiseError {} interface B extends C {}'],
    [namesNoMachine, 'README.md', 'under /v1/jobs, ./work/x, https://example.com/root/'],
  ])('%s', (rule, path, text) => {
    expect(rule({ path, text })).toEqual([]);
  });
});
