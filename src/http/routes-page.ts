/** The page for people: files of `src/web`, open to all. What they show they ask the API for, which asks for a token. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { OpenAPIHono } from '@hono/zod-openapi';
import { requireScope } from './auth.ts';
import type { ApiEnv } from './env.ts';
import { reply, type RouteParts } from './route-parts.ts';
import { iso } from './view-run.ts';

const FOLDER = new URL('../web/', import.meta.url);
const HTML = 'text/html; charset=utf-8';
const SCRIPT = 'text/javascript; charset=utf-8';

/** Only these are served, by these very paths: none is ever made of what a request says. */
const FILES: Readonly<Record<string, { readonly file: string; readonly type: string }>> = {
  '/': { file: 'index.html', type: HTML },
  '/assets/page.css': { file: 'page.css', type: 'text/css; charset=utf-8' },
  '/assets/icon.svg': { file: 'icon.svg', type: 'image/svg+xml' },
  ...Object.fromEntries(
    ['api', 'detail', 'health', 'jobs', 'page', 'run-log', 'table', 'text'].map((name) => [
      `/assets/${name}.js`,
      { file: `${name}.js`, type: SCRIPT },
    ]),
  ),
};

interface Kept {
  readonly body: string;
  readonly etag: string;
}

/**
 * Adds the page. Its files are read when they are first asked for.
 *
 * @param app to which it is added; none of it is in the document, which is for programs
 * @param parts of whom the page tells
 */
export function addPageRoutes(app: OpenAPIHono<ApiEnv>, parts: RouteParts): void {
  const kept = new Map<string, Kept>();
  for (const [path, { file, type }] of Object.entries(FILES)) {
    app.get(path, (context) => {
      let asset = kept.get(file);
      if (asset === undefined) kept.set(file, (asset = readAsset(file)));
      const headers = { 'content-type': type, 'cache-control': 'no-cache', etag: asset.etag };
      if (context.req.header('if-none-match') === asset.etag) return new Response(null, { status: 304, headers });
      return new Response(asset.body, { headers });
    });
  }
  const { control } = parts;
  app.get('/assets/about.json', requireScope('read'), () => {
    const { version, node, startedAt } = control.about;
    return reply(parts, { version, node, startedAt: iso(startedAt), now: iso(control.now()) });
  });
}

function readAsset(file: string): Kept {
  const body = readFileSync(new URL(file, FOLDER), 'utf8');
  return { body, etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"` };
}
