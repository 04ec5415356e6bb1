/**
 * S5f. Batch HTTP: many requests, `all` or `settled`, with a timeout. What has not been answered by then is aborted in flight,
 * and the server sees it. In `all` mode the first failure aborts the rest.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { createContext, type Context, type Gathered } from '../../src/structured/kit.ts';
import { answer, listen } from '../local-server.ts';
import { Stopwatch } from '../stopwatch.ts';

/** What came out. */
export interface Batch {
  readonly settled: readonly Gathered<number>[];
  readonly settledSeconds: number;
  /** Paths whose connection the server saw closed before it had answered. */
  readonly abortedInSettled: readonly string[];
  readonly allError: string;
  readonly abortedInAll: readonly string[];
}

/** Asks a real server for pages that take as many seconds as their name says; `/fail` takes half a second and is a 500. */
export async function batchHttp(secondMs = 1_000): Promise<Batch> {
  const scale = new Stopwatch(secondMs);
  const aborted: string[] = [];
  let inFlight = 0;
  await using server = await listen(async ({ url = '/' }, response) => {
    inFlight++;
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    const seconds = url === '/fail' ? 0.5 : Number(url.slice(1));
    await delay(scale.ms(seconds), undefined, { signal: gone.signal }).catch(() => aborted.push(url));
    inFlight--;
    answer(response, url === '/fail' ? 500 : 200, seconds);
  });
  const get =
    (path: string) =>
    async ({ fetch }: Context): Promise<number> => {
      const response = await fetch(`${server.url}${path}`);
      if (!response.ok) throw new Error(`${path} answered ${response.status}`);
      return (await response.json()) as number;
    };
  /** The server hears of an abort a moment after the client. */
  const seenByServer = async (): Promise<readonly string[]> => {
    while (inFlight > 0) await delay(1);
    return aborted.splice(0).toSorted();
  };

  using root = createContext();
  await get('/0')(root); // The first request of a program loads the code for it.
  const watch = new Stopwatch(secondMs);
  const settled = await root.gather(['/1', '/3', '/2', '/fail'].map(get), { mode: 'settled', timeoutMs: scale.ms(2.5) });
  const settledSeconds = watch.seconds;
  const abortedInSettled = await seenByServer();
  const allError = await root.gather(['/1', '/3', '/2', '/fail'].map(get)).then(
    () => 'no failure',
    (error: unknown) => (error as Error).message,
  );
  return { settled, settledSeconds, abortedInSettled, allError, abortedInAll: await seenByServer() };
}

if (import.meta.main) {
  const { settled, settledSeconds, abortedInSettled, allError, abortedInAll } = await batchHttp();
  console.log(
    `settled within 2.5 s: ${settled.map((result) => `${result.status}${'value' in result ? ` ${result.value}` : ''}`).join(', ')}`,
  );
  console.log(`  returned at ${settledSeconds} s; the server saw aborted: ${abortedInSettled.join(' ')}`);
  console.log(`all: "${allError}"; the server saw aborted: ${abortedInAll.join(' ')}`);
}
