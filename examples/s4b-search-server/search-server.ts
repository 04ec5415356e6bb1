/** `GET /search?q=title:6&timeout=1s`: asks the back end and the database at once, under one context. */
import type { ServerResponse } from 'node:http';
import { parseDuration, TickwiseError } from '../../src/index.ts';
import { type Context, createContext } from '../../src/structured/kit.ts';
import { answer, listen, type LocalServer } from '../local-server.ts';
import type { Database } from './database.ts';

/** The server, with what it knows of itself. */
export interface SearchServer extends LocalServer {
  /** Helpers that were at work when an answer was sent; all zeros, if no handler returns before its helpers. */
  readonly helpersAtAnswer: readonly number[];
}

/** Starts it. */
export async function startSearchServer(backEnd: string, database: Database): Promise<SearchServer> {
  const root = createContext();
  const helpersAtAnswer: number[] = [];
  const server = await listen(async (request, response) => {
    const { searchParams } = new URL(request.url ?? '/', 'http://local');
    const [, word] = /^title:(.+)$/.exec(searchParams.get('q') ?? '') ?? [];
    if (word === undefined) return answer(response, 400, { error: 'no query; try ?q=title:6' });
    const timeout = searchParams.get('timeout');
    using context = timeout === null ? root.withCancel() : root.withTimeout(parseDuration(timeout));
    using _gone = cancelWhenGone(response, context);
    let helpers = 0;
    const helped = async <Value>(help: Promise<Value>): Promise<Value> => {
      helpers++;
      return help.finally(() => helpers--);
    };
    try {
      // Returns when both have ended, and not before: the first failure, or the deadline, cancels the other one and waits for it.
      const found = await context.gather<readonly string[]>([
        (below) => helped(database.search(below, word)),
        (below) => helped(askBackEnd(below, backEnd, word)),
      ]);
      helpersAtAnswer.push(helpers);
      return answer(response, 200, { results: found.flat() });
    } catch (error) {
      helpersAtAnswer.push(helpers);
      const isLate = error instanceof TickwiseError && error.code === 'DEADLINE_EXCEEDED';
      return answer(response, isLate ? 504 : 502, { error: isLate ? 'deadline exceeded' : String(error) });
    }
  });
  return {
    url: server.url,
    helpersAtAnswer,
    async [Symbol.asyncDispose]() {
      root.cancel();
      await server[Symbol.asyncDispose]();
    },
  };
}

async function askBackEnd(context: Context, url: string, word: string): Promise<readonly string[]> {
  // Bound to the context: when it ends, the request is aborted in flight.
  const response = await context.fetch(`${url}/?word=${encodeURIComponent(word)}`);
  if (!response.ok) throw new Error(`the back end answered ${response.status}`);
  return (await response.json()) as string[];
}

/** A client that goes away needs no answer. */
function cancelWhenGone(response: ServerResponse, context: { cancel(reason: unknown): void }): Disposable {
  const onClose = (): void => context.cancel(new Error('the client went away'));
  response.on('close', onClose);
  return { [Symbol.dispose]: () => void response.off('close', onClose) };
}
