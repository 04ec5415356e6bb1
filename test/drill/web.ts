/** The server that HTTP jobs talk to. It witnesses each request: from its first byte until it was answered or given up. */
import { appendFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { monotonicMs } from './clock.ts';

const WORK_MS = 300;
/** A run polls so often before it is done. */
const POLLS = 4;

/** On a port of its own of the loopback address. */
export class Web implements AsyncDisposable {
  readonly url: string;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  static async open(dir: string): Promise<Web> {
    const polls = new Map<string, number>();
    const server = createServer((request, response) => serve(request, response, dir, polls));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new Web(server);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }
}

function serve(request: IncomingMessage, response: ServerResponse, dir: string, polls: Map<string, number>): void {
  const [, kind, job = 'unknown'] = (request.url ?? '').split('/');
  const run = String(request.headers['x-tickwise-run']);
  const step = (polls.get(run) ?? 0) + 1;
  polls.set(run, step);
  const fence = Number(request.headers['x-tickwise-fence']);
  const note = (event: 'start' | 'beat' | 'end'): void => {
    const line = { event, job, run, fence, attempt: 1, step, pid: process.pid, at: monotonicMs(), n: 0 };
    appendFileSync(join(dir, 'evidence', `${job}.jsonl`), `${JSON.stringify(line)}\n`);
  };
  note('start');
  const timer = setTimeout(() => {
    note('end');
    response.writeHead(kind === 'poll' && step < POLLS ? 202 : 200, { 'retry-after': '0' }).end();
  }, WORK_MS);
  response.once('close', () => {
    clearTimeout(timer);
    note('beat');
  });
}
