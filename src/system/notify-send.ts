/** One POST over HTTP, by means that a dead receiver cannot use up. */
import { lookup as systemLookup, type LookupAddress } from 'node:dns';
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { LookupFunction } from 'node:net';
import type { DurationMs } from '../core/time.ts';

/** Sends, and resolves with the head of the answer. `fetch` is one as well. @throws (rejects) when there is no answer */
export type Send = (
  url: string,
  init: {
    readonly method: 'POST';
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
    readonly redirect: 'manual';
    readonly signal: AbortSignal;
  },
) => Promise<Answer>;

/** The head of an answer. */
export interface Answer {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  readonly body?: { cancel(): Promise<void> } | null;
}

/** Of an answer so much is read, so that its connection can serve again; nobody wants to know what it says. */
const MOST_READ = 16_384;
const ADDRESS_LIFE_MS: DurationMs = 60_000;
const FAILURE_LIFE_MS: DurationMs = 5_000;
const MOST_LOOKUPS = 2;
const MOST_NAMES = 1_000;

/**
 * Makes a sender.
 *
 * @param lookUp finds the addresses of names; the process's own, which all senders share, unless given
 * @returns a sender
 */
export function createSend(lookUp: LookupFunction = SHARED_LOOKUP): Send {
  return (address, { headers, body, signal }) =>
    new Promise((resolve, reject) => {
      const url = new URL(address);
      const options = {
        method: 'POST',
        headers: { ...headers, 'content-length': Buffer.byteLength(body) },
        signal,
        lookup: lookUp,
      };
      const request = (url.protocol === 'https:' ? requestHttps : requestHttp)(url, options);
      let answer: Answer | undefined;
      // However the rest comes out: the head is the answer.
      request.on('error', (error) => (answer === undefined ? reject(error) : resolve(answer)));
      request.on('response', (response) => {
        const head = {
          status: response.statusCode ?? 0,
          headers: { get: (name: string): string | null => response.headers[name]?.toString() ?? null },
        };
        answer = head;
        let read = 0;
        response.on('data', (part: Buffer) => {
          read += part.length;
          if (read > MOST_READ) response.destroy();
        });
        response.on('error', () => {});
        response.on('close', () => resolve(head));
      });
      request.end(body);
    });
}

interface Known {
  readonly error: NodeJS.ErrnoException | null;
  readonly addresses: readonly LookupAddress[];
  readonly until: number;
}

/**
 * A look-up of names, two at a time and with a short memory: the system looks each one up in one of the process's four threads for
 * files, and a name server that does not answer would have all of them, and runs that touch a file would wait.
 *
 * @param lookup the system's
 * @param monotonic for the age of addresses
 * @returns what `net.connect` takes as `lookup`
 */
export function createLookup(lookup: typeof systemLookup, monotonic: () => number): LookupFunction {
  const known = new Map<string, Known>();
  const waiting = new Map<string, ((found: Known) => void)[]>();
  const names: string[] = [];
  let underWay = 0;

  const pump = (): void => {
    if (underWay >= MOST_LOOKUPS) return;
    const name = names.shift();
    if (name === undefined) return;
    underWay++;
    lookup(name, { all: true }, (error, addresses) => {
      underWay--;
      const until = monotonic() + (error === null ? ADDRESS_LIFE_MS : FAILURE_LIFE_MS);
      const found = { error, addresses, until };
      if (known.size >= MOST_NAMES) known.clear();
      known.set(name, found);
      const waiters = waiting.get(name) ?? [];
      waiting.delete(name);
      pump();
      for (const tell of waiters) tell(found);
    });
  };

  return (name, options, callback) => {
    const tell = ({ error, addresses }: Known): void => {
      const [first] = addresses ?? [];
      if (error !== null || first === undefined) callback(error ?? new Error(`${name} has no address`), '', 0);
      else if (options.all === true) callback(null, [...addresses]);
      else callback(null, first.address, first.family);
    };
    const found = known.get(name);
    // What is told at once must not come before the caller is ready for it.
    if (found !== undefined && found.until > monotonic()) return process.nextTick(tell, found);
    const waiters = waiting.get(name);
    if (waiters !== undefined) return void waiters.push(tell);
    waiting.set(name, [tell]);
    names.push(name);
    pump();
  };
}

/** The threads are the process's, and so is the bound. */
const SHARED_LOOKUP: LookupFunction = createLookup(systemLookup, () => performance.now());
