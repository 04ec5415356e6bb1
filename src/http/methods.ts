/** Which methods a path has. */
import type { Hono } from 'hono';
import { TrieRouter } from 'hono/router/trie-router';
import type { ApiEnv } from './env.ts';
import type { Rule } from './hosts.ts';
import { problem } from './problem.ts';
import { pathOf } from './target.ts';

const METHODS = ['GET', 'HEAD', 'POST'] as const;

/**
 * Makes the rule by which methods are judged: `OPTIONS` and its like are never known, so no preflight ever succeeds.
 *
 * @param app its routes, as they are now
 * @returns a rule that answers 405, with what is allowed; a path that has no route is let through to its 404
 */
export function createMethodRule(app: Hono<ApiEnv>): Rule {
  const router = new TrieRouter<true>();
  for (const { method, path } of app.routes) if (method !== 'ALL') router.add(method, path, true);
  const has = (method: string, path: string): boolean => router.match(method, path)[0].length > 0;
  return ({ method = '', url = '' }) => {
    const path = decodeURI(pathOf(url));
    const allowed = METHODS.filter((known) => has(known === 'HEAD' ? 'GET' : known, path));
    if (METHODS.some((known) => known === method) && (allowed.length === 0 || allowed.some((known) => known === method)))
      return undefined;
    const allow = (allowed.length === 0 ? METHODS : allowed).join(', ');
    return problem(405, 'METHOD_NOT_ALLOWED', `this path knows ${allow}`, {}, { allow });
  };
}
