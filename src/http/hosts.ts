/**
 * Which names this server answers to. A page elsewhere can point its own name at this machine (DNS rebinding) and is then, for
 * the browser, of the same origin as this server; but the browser still says the name in `Host`.
 */
import type { IncomingMessage } from 'node:http';
import { problem } from './problem.ts';

/** Where a server listens; what `listen` of the configuration is read to. */
export type Listen =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

/** A rule of the door: what it does not let through, it answers. */
export type Rule = (incoming: IncomingMessage) => Response | undefined;

const AUTHORITY = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::([1-9][0-9]{0,4}))?$/;
/** They stand for every address, and for no name that anybody should ask for. */
const WILDCARDS: ReadonlySet<string> = new Set(['0.0.0.0', '[::]']);

/**
 * Makes the rule by which the `Host` of a request is judged. Loopback's names, the name that is listened on and the address that
 * was reached (which is no name, so nobody can rebind it) must come with the port that was reached; `hosts` with any or none.
 *
 * @param listen on a unix socket any host is right: no browser reaches it
 * @param hosts as a URL writes them: lower case, no port, IPv6 in brackets
 * @param defaultPort the one that `Host` leaves out
 * @returns a rule that answers 421
 */
export function createHostRule(listen: Listen, hosts: readonly string[], defaultPort: 80 | 443): Rule {
  if (listen.kind === 'unix') return () => undefined;
  const extra = new Set(hosts.map((host) => host.toLowerCase()));
  const own = new Set(['localhost', '127.0.0.1', '[::1]', bracketed(listen.host)].filter((name) => !WILDCARDS.has(name)));
  return ({ headersDistinct, socket }) => {
    const sent = headersDistinct['host'] ?? [];
    const [, name, port = defaultPort] = AUTHORITY.exec(sent[0]?.toLowerCase() ?? '') ?? [];
    const isKnown = name !== undefined && (own.has(name) || name === bracketed(socket.localAddress ?? ''));
    if (sent.length === 1 && name !== undefined && extra.has(name)) return undefined;
    if (sent.length === 1 && isKnown && Number(port) === socket.localPort) return undefined;
    const detail = 'this daemon does not answer to that Host; use the address it listens on, or list the name in "auth.hosts"';
    return problem(421, 'HOST_UNKNOWN', detail, {}, { connection: 'close' });
  };
}

/**
 * Whether only this machine can reach an address.
 *
 * @param host a name or an address, IPv6 without brackets
 */
export function isLoopback(host: string): boolean {
  return /^(?:localhost|::1|127\.\d{1,3}\.\d{1,3}\.\d{1,3})$/i.test(host);
}

/** As a URL writes an address; one of IPv4 that came in by an IPv6 socket as what it is. */
function bracketed(address: string): string {
  const plain = address.toLowerCase().replace(/^::ffff:(?=\d+\.)/, '');
  return plain.includes(':') && !plain.startsWith('[') ? `[${plain}]` : plain;
}
