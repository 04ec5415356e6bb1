/**
 * The locked door: what every request must pass before a route sees it. In this order, cheap before dear: the host (421), the
 * origin (403), the target (400, 414, 431), the method (405), the head of the body (400, 413, 415), the token (401, 429), the
 * rate (429), the body itself (400, 413). Whoever is not known makes this daemon read no body.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Hono } from 'hono';
import type { Clock } from '../core/ports.ts';
import type { TaskLog } from '../core/task.ts';
import { createAudit, type Visit } from './audit.ts';
import { LOCAL, NOBODY, unknownCaller } from './auth.ts';
import { createContentRule, readBody } from './content.ts';
import type { ApiEnv, Caller } from './env.ts';
import { createHostRule, type Listen, type Rule } from './hosts.ts';
import { createKeyring, type Keyring, type TokenHash } from './keyring.ts';
import type { HttpLimits } from './limits.ts';
import { createMethodRule } from './methods.ts';
import { createOriginRule } from './origin.ts';
import { problem } from './problem.ts';
import { RateLimit } from './rate-limit.ts';
import { createTargetRule, pathOf } from './target.ts';

/** What a door is made of. */
export interface DoorParts {
  readonly app: Hono<ApiEnv>;
  readonly listen: Listen;
  /** None: whoever reaches the address is `local`. */
  readonly tokens: readonly TokenHash[];
  readonly isTls: boolean;
  readonly behindProxy: boolean;
  readonly hosts: readonly string[];
  readonly limits: HttpLimits;
  readonly log: TaskLog;
  readonly clock: Clock;
}

/**
 * Judges a request, reads its body into `rawBody`, and writes down when its answer is over.
 *
 * @returns who asks; or the answer to what is refused
 */
export type Door = (incoming: IncomingMessage, outgoing: ServerResponse) => Promise<Caller | Response>;

/**
 * Makes the door of a server.
 *
 * @param parts limits included; the routes of `app` are read now
 * @returns the door
 */
export function createDoor(parts: DoorParts): Door {
  const { app, listen, hosts, isTls, behindProxy, limits } = parts;
  const audit = createAudit(parts.log, parts.clock);
  const rules: readonly Rule[] = [
    createHostRule(listen, hosts, isTls ? 443 : 80),
    createOriginRule(behindProxy ? ['http', 'https'] : [isTls ? 'https' : 'http']),
    createTargetRule(limits),
    createMethodRule(app),
    createContentRule(limits),
  ];
  const gate = new Gate(parts, parts.tokens.length === 0 ? () => LOCAL : createKeyring(parts.tokens));
  return async (incoming, outgoing) => {
    const visit: Visit = { from: addressOf(incoming, behindProxy) };
    outgoing.once('close', () => audit(visit, incoming, outgoing));
    for (const rule of rules) {
      const refusal = rule(incoming);
      if (refusal !== undefined) return refusal;
    }
    const caller = gate.admit(visit, incoming, outgoing);
    if (caller instanceof Response || incoming.method !== 'POST') return caller;
    const body = await readBody(incoming, limits);
    if (body instanceof Response) return body;
    (incoming as { rawBody?: Buffer }).rawBody = body;
    return caller;
  };
}

/** Who comes in, and how often. */
class Gate {
  readonly #known: Keyring;
  readonly #rate: RateLimit;
  readonly #failures: RateLimit;
  readonly #readsPerCaller: number;
  readonly #reads = new Map<string, number>();

  constructor({ clock, limits }: DoorParts, known: Keyring) {
    this.#known = known;
    this.#rate = new RateLimit(clock, { perSecond: limits.requestsPerSecond, burst: limits.burst });
    this.#failures = new RateLimit(clock, { perSecond: limits.failuresPerSecond, burst: limits.failureBurst });
    this.#readsPerCaller = limits.readsPerCaller;
  }

  admit(visit: Visit, incoming: IncomingMessage, outgoing: ServerResponse): Caller | Response {
    const { method, url = '', headers } = incoming;
    const caller = this.#known(headers.authorization) ?? (isOpen(pathOf(url)) ? NOBODY : undefined);
    visit.isGuess = caller === undefined && headers.authorization !== undefined;
    if (caller === undefined) return this.#refuse(visit.from);
    if (caller !== NOBODY) visit.who = caller.name;
    // A name of a token has no slash in it, so that none can be mistaken for an address.
    const key = caller === NOBODY ? `address/${visit.from}` : caller.name;
    const waitMs = this.#rate.take(key);
    if (waitMs > 0) return tooMany('this caller asks too often', waitMs);
    if (method !== 'POST' && !this.#countRead(key, outgoing)) return tooMany('this caller has too many reads under way', 1_000);
    return caller;
  }

  /**
   * Wrong tokens are slowed down by their address, and right ones are not: or else one who guesses would keep out all others who
   * come from there. Nobody guesses 256 bits.
   */
  #refuse(from: string): Response {
    const waitMs = this.#failures.take(from);
    return waitMs > 0
      ? tooMany('too many requests with no token, or a wrong one, came from this address', waitMs)
      : unknownCaller();
  }

  #countRead(key: string, outgoing: ServerResponse): boolean {
    const reads = this.#reads.get(key) ?? 0;
    if (reads >= this.#readsPerCaller) return false;
    this.#reads.set(key, reads + 1);
    outgoing.once('close', () => {
      const left = (this.#reads.get(key) ?? 1) - 1;
      if (left > 0) this.#reads.set(key, left);
      else this.#reads.delete(key);
    });
    return true;
  }
}

/** Probes, the document of the API, and the page itself, which asks for a token before it shows anything. */
const OPEN: ReadonlySet<string> = new Set(['/', '/favicon.ico', '/healthz', '/openapi.json', '/readyz']);

function isOpen(path: string): boolean {
  return OPEN.has(path) || path.startsWith('/assets/');
}

function tooMany(detail: string, waitMs: number): Response {
  const seconds = String(Math.ceil(waitMs / 1_000));
  return problem(429, 'TOO_MANY_REQUESTS', `${detail}; wait ${seconds} s`, {}, { 'retry-after': seconds });
}

/**
 * The address that is slowed down for what it does. Of IPv6 the network, since whoever has one address has all of it. A proxy adds the address
 * that it saw at the end; what stands before it was written by the asker.
 */
function addressOf({ socket, headers }: IncomingMessage, behindProxy: boolean): string {
  const seen = behindProxy ? headers['x-forwarded-for'] : undefined;
  const forwarded = (Array.isArray(seen) ? seen.join() : seen)?.split(',').at(-1)?.trim().slice(0, 64);
  const address = (forwarded || (socket.remoteAddress ?? 'socket')).replace(/^::ffff:(?=\d+\.)/, '');
  return address.includes(':') ? address.split(':', 4).join(':') : address;
}
