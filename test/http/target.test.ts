import fc from 'fast-check';
import { Hono } from 'hono';
import { expect, test } from 'vitest';
import type { ApiEnv } from '../../src/http/env.ts';
import { pathOf } from '../../src/http/target.ts';
import { startSmallServer } from './small-server.ts';

/** Pieces of which addresses are made that two readers could read in two ways. */
const PIECES = [
  '/',
  '//',
  '.',
  '..',
  '%2e',
  '%2F',
  '%5c',
  '\\',
  '%25',
  '%00',
  '%20',
  '%E2%80%AE',
  '%c3%a4',
  '%ff',
  '#',
  '?',
  '&',
  '=',
  ';',
  ':',
  '@',
  '*',
  '|',
  '^',
  '`',
  '{',
  '}',
  '[',
  ']',
  '"',
  '<',
  '>',
  'v1',
  'jobs',
  'a',
  'http:',
  '\x7f',
  '\t',
];

test('lets through no address that the router reads in another way than the door', async () => {
  const app = new Hono<ApiEnv>();
  app.get('/*', (context) => context.json({ path: context.req.path }));
  await using small = await startSmallServer({ app, limits: { requestsPerSecond: 100_000, burst: 100_000 } });
  const seen = { passed: 0, refused: 0 };
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom(...PIECES), { maxLength: 8 }), async (pieces) => {
      const target = `/${pieces.join('')}`;
      const { status, body } = await small.ask({ target });
      seen[status === 200 ? 'passed' : 'refused'] += 1;
      if (status === 200) expect(JSON.parse(Buffer.from(body, 'latin1').toString())).toEqual({ path: decodeURI(pathOf(target)) });
      else expect(status).toBe(400);
    }),
    { numRuns: 1_000 },
  );
  expect(Math.min(seen.passed, seen.refused)).toBeGreaterThan(50);
});
