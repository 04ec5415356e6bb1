/** A slow back end: books 31 to 59, over HTTP. */
import { setTimeout as delay } from 'node:timers/promises';
import { answer, listen, type LocalServer } from '../local-server.ts';

/** The back end, with what it has seen. */
export interface BackEnd extends LocalServer {
  /** `asked`, then `answered`, or `connection closed` when the other side went away in between. */
  readonly journal: readonly string[];
}

/** Starts it. @param slowMs how long it takes to answer */
export async function startBackEnd(slowMs: number): Promise<BackEnd> {
  const journal: string[] = [];
  const server = await listen(async (request, response) => {
    const word = new URL(request.url ?? '/', 'http://local').searchParams.get('word') ?? '';
    journal.push('asked');
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    try {
      await delay(slowMs, undefined, { signal: gone.signal });
    } catch {
      journal.push('connection closed');
      return;
    }
    journal.push('answered');
    const titles = Array.from({ length: 29 }, (_, index) => `Title ${index + 31}`).filter((title) => title.includes(word));
    answer(response, 200, titles);
  });
  return { url: server.url, journal, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}
