/**
 * S4b. A search server: a client, a slow back end (2 s) and a database (2 s, real SQLite), all over real HTTP, under one context for each request.
 * When the time is up, the back end sees its connection close, the database says that it was cancelled and released, and only then comes the answer.
 */
import { Stopwatch } from '../stopwatch.ts';
import { startBackEnd } from './back-end.ts';
import { Database } from './database.ts';
import { startSearchServer } from './search-server.ts';

/** What became of one request. */
export interface Asked {
  readonly query: string;
  readonly status: number;
  readonly seconds: number;
  readonly body: { readonly results?: readonly string[]; readonly error?: string };
  /** What the two saw of it. */
  readonly backEnd: readonly string[];
  readonly database: readonly string[];
}

/** Asks four times, and once as a client that goes away. Timeouts are seconds; one that is absent is no limit. */
export async function searches(
  secondMs = 1_000,
): Promise<{ readonly asked: readonly Asked[]; readonly gone: Asked; readonly helpersAtAnswer: readonly number[] }> {
  const scale = new Stopwatch(secondMs);
  await using backEnd = await startBackEnd(scale.ms(2));
  await using database = new Database(scale.ms(2));
  await using server = await startSearchServer(backEnd.url, database);

  const ask = async (q: string | undefined, timeout?: number, patience?: number): Promise<Asked> => {
    const query = `${q === undefined ? '' : `q=${q}`}${timeout === undefined ? '' : `&timeout=${scale.duration(timeout)}`}`;
    const seen = [backEnd.journal.length, database.journal.length] as const;
    const watch = new Stopwatch(secondMs);
    const signal = patience === undefined ? null : AbortSignal.timeout(scale.ms(patience));
    const given = await fetch(`${server.url}/search?${query}`, { signal }).then(
      async (response) => ({ status: response.status, body: (await response.json()) as Asked['body'] }),
      () => ({ status: 0, body: {} }),
    );
    const seconds = watch.seconds;
    // What a request left behind is told by the two a moment later than by the answer.
    const ended = (): boolean => backEnd.journal.at(-1) !== 'asked' && database.journal.at(-1) !== 'begun';
    while (!ended()) await scale.wait(0.01);
    return { query, ...given, seconds, backEnd: backEnd.journal.slice(seen[0]), database: database.journal.slice(seen[1]) };
  };

  await ask('title:none-such'); // Warms threads and connections up.
  const asked = [await ask('title:6'), await ask('title:6', 1), await ask('title:6', 4), await ask(undefined)];
  const gone = await ask('title:6', undefined, 1);
  return { asked, gone, helpersAtAnswer: server.helpersAtAnswer };
}

if (import.meta.main) {
  const { asked, gone, helpersAtAnswer } = await searches();
  for (const { query, status, seconds, body, backEnd, database } of [...asked, gone]) {
    const what = body.results === undefined ? (body.error ?? 'the client went away') : `${body.results.length} results`;
    console.log(`GET /search?${query}: ${status} after ${seconds} s: ${what}`);
    console.log(`  back end: ${backEnd.join(', ') || '–'}; database: ${database.join(', ') || '–'}`);
  }
  console.log(`helpers at work when an answer was sent: at most ${Math.max(...helpersAtAnswer)}`);
}
