import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { createRoutes } from '../../src/http/routes.ts';
import { startHttpServer } from '../../src/http/server.ts';
import { makeToken } from '../../src/http/token.ts';
import { createSystemClock } from '../../src/system/clock.ts';
import { FakeControl } from '../http/fake-control.ts';

const FOLDER = new URL('../../src/web/', import.meta.url);
const FILES = readdirSync(FOLDER);
const TYPES: Readonly<Record<string, string>> = {
  css: 'text/css; charset=utf-8',
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
};

interface Web extends AsyncDisposable {
  readonly token: string;
  readonly get: (path: string, headers?: Record<string, string>) => Promise<Response>;
  readonly statuses: (...paths: string[]) => Promise<number[]>;
}

/** A server that knows one token. */
async function setup(): Promise<Web> {
  const clock = createSystemClock();
  const { token, hash } = makeToken();
  const server = await startHttpServer({
    app: createRoutes(new FakeControl(), { clock }),
    listen: { kind: 'tcp', host: '127.0.0.1', port: 0 },
    tokens: [{ name: 'reader', hash, scopes: ['read'] }],
    log: { debug() {}, info() {}, warn() {}, error() {} },
    clock,
  });
  const get: Web['get'] = (path, headers = {}) => fetch(`${server.address}${path}`, { headers });
  return {
    token,
    get,
    statuses: (...paths) => Promise.all(paths.map(async (path) => (await get(path)).status)),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** Where a file of the page is served. */
function pathOf(file: string): string {
  return file === 'index.html' ? '/' : `/assets/${file}`;
}

describe('the page', () => {
  test('is served without a token, while the API asks for one', async () => {
    await using web = await setup();
    const page = await web.get('/');
    expect(page.status).toBe(200);
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(await page.text()).toContain('<title>Tickwise</title>');
    expect(await web.statuses('/v1/jobs', '/v1/events', '/assets/about.json')).toEqual([401, 401, 401]);
  });

  test('may load nothing from elsewhere, and be framed by nobody', async () => {
    await using web = await setup();
    const { headers } = await web.get('/');
    expect(headers.get('content-security-policy')).toBe(
      "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'",
    );
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('x-frame-options')).toBe('DENY');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
  });

  test.each(FILES)('%s is served as what it is, and once more only when it has changed', async (file) => {
    await using web = await setup();
    const first = await web.get(pathOf(file));
    expect(first.headers.get('content-type')).toBe(TYPES[file.split('.').at(-1) ?? '']);
    expect(first.headers.get('cache-control')).toBe('no-cache');
    expect(await first.text()).toBe(readFileSync(new URL(file, FOLDER), 'utf8'));
    const again = await web.get(pathOf(file), { 'if-none-match': first.headers.get('etag') ?? '' });
    expect(again.status).toBe(304);
    expect(await again.text()).toBe('');
  });

  test.each(FILES)('%s names no other place, and makes no markup of a text', (file) => {
    const text = readFileSync(new URL(file, FOLDER), 'utf8').replace('http://www.w3.org/2000/svg', '');
    expect(text).not.toMatch(
      /https?:|\/\/[a-z]+\.|@import\s+url|innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|\sstyle=|\son[a-z]+="/,
    );
  });

  test('there is nothing else among its assets', async () => {
    await using web = await setup();
    const paths = ['/assets/', '/assets/nothing.js', '/assets/page', '/assets/index.html', '/assets/tsconfig.json'];
    expect(new Set(await web.statuses(...paths))).toEqual(new Set([404]));
  });

  test('whoever may read learns which daemon it is', async () => {
    await using web = await setup();
    const about = (await (await web.get('/assets/about.json', { authorization: `Bearer ${web.token}` })).json()) as object;
    expect(about).toEqual({ version: '0.0.0', node: 'node', startedAt: '2026-01-01T00:00:00.000Z', now: expect.any(String) });
  });
});
