/**
 * The line between the daemon and a host. Threads have a message port of their own, so that a task may use `parentPort` as it
 * likes. Child processes have a socket pair on file descriptor 3 with one JSON text a line, rather than Node's IPC channel:
 * that one has no limit on what it will buffer, so a child could fill the daemon's memory with one endless message.
 */
import { readlinkSync } from 'node:fs';
import { Socket } from 'node:net';
import { type MessagePort, workerData } from 'node:worker_threads';
import { LARGEST_MESSAGE, type FromHost, type ToHost } from './protocol.ts';

/** The file descriptor of the socket in a child. */
export const CHANNEL_FD = 3;

/** The host's end. */
export interface HostChannel {
  readonly send: (message: FromHost) => void;
}

/**
 * Opens the end of a thread that was started with its port as `workerData`.
 *
 * @param receive is called for each message of the daemon
 * @returns the channel; it keeps the thread alive. Never throws
 */
export function openPortChannel(receive: (message: ToHost) => void): HostChannel {
  const { port } = workerData as { port: MessagePort };
  port.on('message', receive);
  port.postMessage(kernelThreadId());
  return { send: (message) => port.postMessage(message) };
}

/** The kernel's number of this thread: by it the daemon finds the programs that the thread has started. */
function kernelThreadId(): number {
  try {
    return Number(readlinkSync('/proc/thread-self').split('/').at(-1));
  } catch {
    return 0;
  }
}

/**
 * Opens the end of a child process.
 *
 * @param receive is called for each message of the daemon
 * @param lost is called once, when the daemon has gone
 * @returns the channel; it keeps the child alive. Never throws
 */
export function openSocketChannel(receive: (message: ToHost) => void, lost: () => void): HostChannel {
  const socket = new Socket({ fd: CHANNEL_FD, readable: true, writable: true });
  const reader = new MessageReader((value) => receive(value as ToHost), LARGEST_MESSAGE);
  let isLost = false;
  const onLost = (): void => {
    if (isLost) return;
    isLost = true;
    lost();
  };
  socket.setEncoding('utf8');
  socket.on('data', (chunk: string) => reader.write(chunk));
  socket.on('error', onLost);
  socket.on('close', onLost);
  return {
    send(message) {
      if (!isLost) socket.write(`${JSON.stringify(message)}\n`);
    },
  };
}

/** Cuts a stream of text into JSON values, one a line. */
export class MessageReader {
  readonly #each: (value: unknown) => void;
  readonly #limit: number;
  #parts: string[] = [];
  #length = 0;

  /**
   * @param each is called for each value
   * @param limit the longest line, in characters
   */
  constructor(each: (value: unknown) => void, limit: number) {
    this.#each = each;
    this.#limit = limit;
  }

  /**
   * @param chunk the next piece of the stream
   * @returns `false` when a line is longer than the limit or no JSON; nothing more may be written then
   */
  write(chunk: string): boolean {
    let from = 0;
    for (let end = chunk.indexOf('\n'); end !== -1; end = chunk.indexOf('\n', from)) {
      const line = this.#parts.length === 0 ? chunk.slice(from, end) : this.#parts.join('') + chunk.slice(from, end);
      this.#parts = [];
      this.#length = 0;
      from = end + 1;
      let value: unknown;
      try {
        value = JSON.parse(line);
      } catch {
        return false;
      }
      this.#each(value);
    }
    if (from < chunk.length) {
      this.#parts.push(from === 0 ? chunk : chunk.slice(from));
      this.#length += chunk.length - from;
    }
    return this.#length <= this.#limit;
  }
}
