/**
 * Day one: a paged API import that survives its budget. 40 pages of 25 orders at 50 ms a page do not fit into a budget of 600 ms: runs end
 * unfinished, the next tick goes on with the next page, and no page is fetched twice but one that was cut in flight.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import { createScheduler, type RunEnd } from '../../src/index.ts';
import { answer, listen, type LocalServer } from '../local-server.ts';

const MODULE = fileURLToPath(new URL('import-orders.ts', import.meta.url));
const PAGE_SIZE = 25;

/** An API that hands out its list in pages, and is too busy for one request in between. */
export interface OrdersApi extends LocalServer {
  /** How often each page was served in full. */
  readonly served: ReadonlyMap<number, number>;
  /** Requests that the client gave up in flight. */
  readonly aborted: number;
}

/** Starts the API. */
export async function startOrdersApi(pages: number, pageMs: number): Promise<OrdersApi> {
  const served = new Map<number, number>();
  let aborted = 0;
  let isBusy = true;
  const server = await listen(async (request, response) => {
    const page = Number(new URL(request.url ?? '/', 'http://local').searchParams.get('cursor') ?? 0);
    await delay(pageMs);
    if (response.destroyed) return void aborted++;
    if (page === 3 && isBusy) {
      isBusy = false;
      return answer(response, 429, { error: 'too fast' }, { 'retry-after': '1' });
    }
    served.set(page, (served.get(page) ?? 0) + 1);
    const orders = Array.from({ length: PAGE_SIZE }, (_, index) => ({ id: page * PAGE_SIZE + index, total: page + index / 100 }));
    return answer(response, 200, { orders, next: page + 1 < pages ? String(page + 1) : null });
  });
  return Object.defineProperties(server, {
    served: { value: served },
    aborted: { get: () => aborted },
  }) as OrdersApi;
}

/** What came out. */
export interface Imported {
  readonly runs: readonly RunEnd[];
  readonly rows: number;
  readonly pagesServed: number;
  readonly servedTwice: number;
  readonly aborted: number;
}

/** Imports, tick after tick, until a run has succeeded. */
export async function importAll(pages = 40, pageMs = 50, budget = '600ms'): Promise<Imported> {
  await using api = await startOrdersApi(pages, pageMs);
  using folder = temporaryFolder();
  const database = join(folder.path, 'orders.db');
  const runs: RunEnd[] = [];
  const finished = Promise.withResolvers<void>();
  {
    await using scheduler = createScheduler({
      store: `sqlite:${join(folder.path, 'tickwise.db')}`,
      listen: false,
      jobs: {
        orders: {
          // In real life: `"schedule": "@hourly", "budget": "10m"`.
          schedule: '@every 1s',
          budget,
          grace: '2s',
          task: { module: MODULE, input: { url: `${api.url}/orders`, database } },
          retry: { attempts: 3, delay: '100ms' },
        },
      },
    });
    scheduler.on('runEnded', (end) => {
      if (runs.at(-1)?.outcome === 'succeeded') return;
      runs.push(end);
      if (end.outcome === 'succeeded' || end.outcome === 'failed') finished.resolve();
    });
    await scheduler.start();
    await finished.promise;
  }
  using db = new DatabaseSync(database, { readOnly: true });
  const { rows } = db.prepare('select count(*) as rows from orders').get() as { rows: number };
  const counts = [...api.served.values()];
  return {
    runs,
    rows,
    pagesServed: counts.length,
    servedTwice: counts.filter((count) => count > 1).length,
    aborted: api.aborted,
  };
}

function temporaryFolder(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), 'tickwise-example-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

if (import.meta.main) {
  const { runs, rows, pagesServed, servedTwice, aborted } = await importAll();
  for (const { outcome, steps, progress } of runs)
    console.log(`run: ${outcome} after ${steps} steps (${progress?.completed} orders)`);
  console.log(
    `${rows} orders from ${pagesServed} pages; ${servedTwice} pages served twice, ${aborted} requests aborted in flight`,
  );
}
