import { subscribe } from 'node:diagnostics_channel';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import type { lookup as systemLookup, LookupAddress } from 'node:dns';
import { expect, test } from 'vitest';
import { createLookup, createSend } from '../../src/system/notify-send.ts';
import { startReceiver } from './notify-setup.ts';

type Answer = (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void;

/** A system whose name server answers when the test says. */
function setup(): {
  readonly asked: { readonly name: string; readonly answer: Answer }[];
  readonly look: (name: string) => Promise<unknown>;
  now: number;
} {
  const asked: { readonly name: string; readonly answer: Answer }[] = [];
  const lookup = ((name: string, _: unknown, answer: Answer) => void asked.push({ name, answer })) as typeof systemLookup;
  const bundle = { asked, now: 0, look: (name: string) => look(name, { all: true }) };
  const look = promisify<string, object, unknown>(createLookup(lookup, () => bundle.now) as never);
  return bundle;
}

const FOUND: LookupAddress[] = [{ address: '192.0.2.1', family: 4 }];
const post = { method: 'POST', headers: {}, body: 'x', redirect: 'manual', signal: new AbortController().signal } as const;

test('names that are never answered hold two threads, and no more', async () => {
  const { asked, look } = setup();
  const looks = ['a', 'b', 'c', 'c'].map((name) => look(name));
  expect(asked.map(({ name }) => name)).toEqual(['a', 'b']);
  asked[0]?.answer(null, FOUND);
  expect(asked.map(({ name }) => name)).toEqual(['a', 'b', 'c']);
  asked[2]?.answer(null, FOUND);
  await expect(Promise.all([looks[0], looks[2], looks[3]])).resolves.toEqual([FOUND, FOUND, FOUND]);
});

test('an address is known for a minute, and that there is none for five seconds', async () => {
  const bundle = setup();
  const first = bundle.look('a');
  bundle.asked[0]?.answer(null, FOUND);
  await first;
  bundle.now = 59_000;
  await expect(bundle.look('a')).resolves.toEqual(FOUND);
  const none = bundle.look('b');
  bundle.asked[1]?.answer(Object.assign(new Error('none'), { code: 'ENOTFOUND' }), []);
  await expect(none).rejects.toMatchObject({ code: 'ENOTFOUND' });
  bundle.now = 63_000;
  await expect(bundle.look('b')).rejects.toMatchObject({ code: 'ENOTFOUND' });
  expect(bundle.asked).toHaveLength(2);
  void bundle.look('a');
  expect(bundle.asked.map(({ name }) => name)).toEqual(['a', 'b', 'a']);
});

test('a receiver is reached by its name', async () => {
  await using receiver = await startReceiver();
  const address = receiver.url.replace('127.0.0.1', 'localhost');
  await expect(createSend()(address, post)).resolves.toMatchObject({ status: 200 });
  expect(receiver.received[0]?.body).toBe('x');
});

test('an answer without end is cut off, and its head counts', async () => {
  await using receiver = await startReceiver((_, response) => {
    response.writeHead(202);
    const pour = (): void => {
      while (response.write('x'.repeat(10_000)));
      response.once('drain', pour);
    };
    pour();
  });
  await expect(createSend()(receiver.url, post)).resolves.toMatchObject({ status: 202 });
});

test('an answer whose body does not come is given up with the attempt, and its head counts', async () => {
  await using receiver = await startReceiver((_, response) => void response.writeHead(200).write('a little'));
  const controller = new AbortController();
  const headCame = new Promise((resolve) => {
    subscribe('http.client.response.finish', resolve);
  });
  const sent = createSend()(receiver.url, { ...post, signal: controller.signal });
  await headCame;
  controller.abort();
  await expect(sent).resolves.toMatchObject({ status: 200 });
});

test('connections serve again', async () => {
  const ports = new Set<number | undefined>();
  const server = createServer((request, response) => {
    ports.add(request.socket.remotePort);
    request.resume().on('end', () => response.end('OK'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const send = createSend();
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  for (let count = 0; count < 5; count++) await send(url, post);
  expect(ports.size).toBe(1);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});
