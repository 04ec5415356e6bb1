import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { parseConfig, parseConfigObject } from '../../src/config/load.ts';
import { formatProblem } from '../../src/config/problem.ts';
import { TickwiseError } from '../../src/core/errors.ts';
import { formatDuration } from '../../src/core/time.ts';
import { setup } from './setup.ts';

const bench = setup();
afterAll(() => bench[Symbol.dispose]());

/** Either read, or refused with problems that are each one line. */
function isOrderly(read: () => unknown): boolean {
  try {
    read();
    return true;
  } catch (error) {
    if (!(error instanceof TickwiseError) || error.code !== 'CONFIG_INVALID') throw error;
    const problems = error.facts['problems'] as Parameters<typeof formatProblem>[0][];
    return problems.length > 0 && problems.every((problem) => !formatProblem(problem).includes('\n'));
  }
}

const file = { ...bench.options, file: `${bench.folder}/c.json` };
const word = fc.constantFrom(
  ...[
    'jobs',
    'defaults',
    'schedule',
    'task',
    'module',
    'command',
    'shell',
    'http',
    'url',
    'cron',
    'every',
    'at',
    'timezone',
    'jitter',
    'startAt',
    'stopAt',
  ],
  ...[
    'budget',
    'retry',
    'attempts',
    'notify',
    'on',
    'history',
    'listen',
    'auth',
    'tokens',
    'tls',
    'hosts',
    'behindProxy',
    'webhook',
    'secret',
    'inputSchema',
    '$ref',
    '$defs',
    'allOf',
    'type',
    'properties',
    'pattern',
    'required',
    'log',
    'file',
    'labels',
    'exclusive',
    'isolation',
    'a',
    '__proto__',
    'constructor',
  ],
);
const scalar = fc.oneof(
  fc.constantFrom(
    '30s',
    '@daily',
    '@every 5m',
    '* * * * *',
    '0 0 30 2 *',
    '2030-01-01T00:00:00Z',
    'inline',
    'skip',
    'UTC',
    '127.0.0.1:1',
    'https://example.org',
    './jobs/work.ts',
    '${env:X}',
    '${credential:x}',
    '#/$defs/a',
    'object',
    'string',
    '(a|b)*',
    '',
  ),
  fc.constantFrom(0, 1, -1, Number.MAX_VALUE, 5.5, true, false, null),
  fc.string({ unit: 'binary' }),
);
const { tree } = fc.letrec((tie) => ({
  tree: fc.oneof(
    { maxDepth: 6 },
    scalar,
    fc.array(tie('tree'), { maxLength: 3 }),
    fc.dictionary(word, tie('tree'), { maxKeys: 5 }),
  ),
}));
const likely = fc.record({
  jobs: fc.dictionary(fc.constantFrom('a', 'b', 'C'), fc.dictionary(word, tree, { maxKeys: 5 }), { maxKeys: 2 }),
});

test('any JSON is read, or refused in an orderly way', () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => isOrderly(() => parseConfig(JSON.stringify(value), file))));
});

test('anything that looks like a configuration is read, or refused in an orderly way', () => {
  fc.assert(
    fc.property(fc.oneof(tree, likely), (value) => isOrderly(() => parseConfig(JSON.stringify(value) ?? '', file))),
    { numRuns: 2_000 },
  );
});

test('any value is read, or refused in an orderly way', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.anything({ withBigInt: true, withDate: true, withMap: true, withSparseArray: true }), likely),
      (value) => isOrderly(() => parseConfigObject(value, bench.options)),
    ),
    { numRuns: 500 },
  );
});

test('any text is read, or refused in an orderly way', () => {
  const fragment = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"',
    '"jobs"',
    '"a"',
    '//',
    '/*',
    '*/',
    '\n',
    '1',
    'true',
    '\\',
    '\u0000',
    '\ufeff',
    'x',
  );
  fc.assert(
    fc.property(fc.array(fragment, { maxLength: 30 }), (parts) => isOrderly(() => parseConfig(parts.join(''), file))),
    { numRuns: 2_000 },
  );
});

test('a place is always within the text', () => {
  fc.assert(
    fc.property(tree, fc.constantFrom(0, 2), (value, indent) => {
      const text = JSON.stringify(value, null, indent) ?? '';
      const lines = text.split('\n');
      try {
        parseConfig(text, file);
      } catch (error) {
        for (const { line = 0, column = 0 } of (error as TickwiseError).facts['problems'] as {
          line?: number;
          column?: number;
        }[]) {
          expect(line).toBeGreaterThan(0);
          expect(column).toBeGreaterThan(0);
          expect(column).toBeLessThanOrEqual((lines[line - 1] ?? '').length + 1);
        }
      }
    }),
    { numRuns: 500 },
  );
});

test('every duration that the core writes is read as itself', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 3_000_000_000_000 }), (budgetMs) => {
      const job = bench.job(JSON.stringify({ task: { shell: 'true' }, budget: formatDuration(budgetMs) }));
      expect(job.budgetMs).toBe(budgetMs);
    }),
  );
});
