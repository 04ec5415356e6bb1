import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { createContext } from '../../src/structured/kit.ts';

/** A server that answers when it is told to, and says when a request was cut off. */
async function backEnd(): Promise<
  AsyncDisposable & { readonly url: string; readonly asked: Promise<ServerResponse>; readonly cutOff: Promise<unknown> }
> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const asked = once(server, 'request').then(([, response]) => response as ServerResponse);
  const cutOff = asked.then((response) => once(response, 'close'));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    asked,
    cutOff,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

test('a request is aborted in flight when its context is cancelled, and the other side sees it', async () => {
  await using server = await backEnd();
  using context = createContext();
  const answer = context.fetch(server.url);
  const response = await server.asked;
  context.cancel('enough');
  await expect(answer).rejects.toBe('enough');
  await server.cutOff;
  expect(response.writableEnded).toBe(false);
});

test('a signal of the caller aborts it as well, and the context goes on', async () => {
  await using server = await backEnd();
  using context = createContext();
  const controller = new AbortController();
  const answer = context.fetch(server.url, { signal: controller.signal });
  await server.asked;
  controller.abort(new Error('mine'));
  await expect(answer).rejects.toThrow('mine');
  expect(context.signal.aborted).toBe(false);
});

test('either signal cuts off the reading of the body too', async () => {
  await using server = await backEnd();
  using context = createContext();
  const answer = context.fetch(new Request(server.url), { signal: new AbortController().signal });
  (await server.asked).writeHead(200).write('begun');
  const reading = (await answer).text();
  context.cancel(new Error('stop reading'));
  await expect(reading).rejects.toThrow('stop reading');
  await server.cutOff;
});

test('a caller that has given up asks for nothing', async () => {
  using context = createContext();
  await expect(context.fetch('http://127.0.0.1:1/', { signal: AbortSignal.abort('given up') })).rejects.toBe('given up');
});
