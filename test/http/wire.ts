/** HTTP by hand, byte by byte: what a well-behaved client would never send. */
import { connect, type Socket } from 'node:net';
import { createSystemClock } from '../../src/system/clock.ts';

/** Where a server listens. */
export type Place = { readonly port: number } | { readonly path: string };

export interface Answer {
  /** 0: the connection was closed without an answer. */
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** All that came, further answers included. */
  readonly raw: string;
}

/** Until the server must have answered or hung up. */
const PATIENCE_MS = 10_000;

/** Sends bytes as they are, and reads until the server hangs up. */
export async function speak(place: Place, bytes: string | Buffer): Promise<Answer> {
  const socket = await dial(place);
  socket.write(bytes);
  return answerOf(await hearAll(socket));
}

/** A connection that is open. */
export function dial(place: Place): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const socket = 'port' in place ? connect(place.port, '127.0.0.1') : connect(place.path);
  socket.once('error', reject);
  socket.once('connect', () => {
    socket.off('error', reject);
    // Being hung up on is an answer.
    socket.on('error', () => undefined);
    resolve(socket);
  });
  return promise;
}

/** All that a server says until it hangs up. */
export async function hearAll(socket: Socket): Promise<string> {
  const clock = createSystemClock();
  const timer = clock.setTimer(clock.monotonic() + PATIENCE_MS, () => socket.destroy(new Error('no end')));
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  await new Promise<void>((resolve) => {
    if (socket.closed) resolve();
    socket.once('close', () => resolve());
  });
  timer.cancel();
  return Buffer.concat(chunks).toString('latin1');
}

/** Resolves when the server has said this; rejects when it hangs up first. */
export function hear(socket: Socket, what: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let heard = '';
    socket.on('data', (chunk: Buffer) => {
      heard += chunk.toString('latin1');
      if (heard.includes(what)) resolve(heard);
    });
    socket.once('close', () => reject(new Error(`hung up after: ${heard}`)));
  });
}

/** The first answer in what a server has said. */
export function answerOf(raw: string): Answer {
  const [head = '', ...rest] = raw.split('\r\n\r\n');
  const [line = '', ...lines] = head.split('\r\n');
  const headers = Object.fromEntries(
    lines.map((text) => [text.slice(0, text.indexOf(':')).toLowerCase(), text.slice(text.indexOf(':') + 2)]),
  );
  return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(line)?.[1] ?? 0), headers, body: rest.join('\r\n\r\n'), raw };
}

export interface RequestText {
  readonly method?: string;
  readonly target?: string;
  /** Added to, or in the place of, Host and Connection; `undefined` leaves one out; an array sends it several times. */
  readonly headers?: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body?: string | Buffer;
}

/** The bytes of a request; the length of the body is said unless a header says otherwise. */
export function requestText(
  { port }: { readonly port: number },
  { method = 'GET', target = '/', headers = {}, body }: RequestText,
): Buffer {
  const own: Record<string, string | readonly string[] | undefined> = {
    Host: `127.0.0.1:${port}`,
    Connection: 'close',
    ...headers,
  };
  const bytes = Buffer.from(body ?? '');
  if (body !== undefined && !('Content-Length' in own) && !('Transfer-Encoding' in own))
    own['Content-Length'] = String(bytes.length);
  const lines = Object.entries(own).flatMap(([name, value]) => [value ?? []].flat().map((each) => `${name}: ${each}\r\n`));
  return Buffer.concat([Buffer.from(`${method} ${target} HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1'), bytes]);
}
