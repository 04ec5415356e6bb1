/** Where the daemon is to be found, and as whom to speak to it. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Config } from '../config/config.ts';
import { ledgerIdOf } from '../config/ledger-id.ts';
import { TickwiseError } from '../core/errors.ts';

/** What every command that speaks to the daemon may be told. */
export interface RemoteOptions {
  /** The configuration file; not read when there is a `url`. */
  readonly config: string;
  /** `http://…`, `https://…` or `unix:PATH`. */
  readonly url?: string | undefined;
  readonly tokenFile?: string | undefined;
}

/** A daemon's API. */
export interface Target {
  /** For people: where it was looked for. */
  readonly name: string;
  /** Scheme, host and port; of a unix socket, those that stand for it. */
  readonly origin: string;
  readonly socketPath?: string;
  /** The certificate that it has, as PEM; absent: any that an authority has signed for its name. */
  readonly certificate?: string;
  readonly token?: string;
  /** The ledger that the daemon must keep; absent: any. */
  readonly ledgerId?: string;
}

/**
 * Finds the API by `--url`, else by the configuration's `listen`.
 *
 * @param options what the command was told
 * @param config the loaded configuration; absent: the options have a `url`
 * @param env the token may be in `TICKWISE_TOKEN`
 * @returns the target; whether a daemon answers there is another question
 * @throws TickwiseError `CONFIG_UNREADABLE` for a token file or address that cannot be used; `NO_DAEMON` when the configuration
 *   opens no API or leaves its port to chance
 */
export function findTarget(
  options: RemoteOptions,
  config: Config | undefined,
  env: Readonly<Record<string, string | undefined>>,
): Target {
  const token = readToken(options.tokenFile, env);
  const place = options.url === undefined ? placeOf(config) : parseUrl(options.url);
  const ledgerId = options.url === undefined && config !== undefined ? ledgerIdOf(config) : undefined;
  return { ...place, ...(token === undefined ? {} : { token }), ...(ledgerId === undefined ? {} : { ledgerId }) };
}

function placeOf(config: Config | undefined): Target {
  const listen = config?.listen ?? false;
  const file = config?.file ?? 'the configuration';
  if (config === undefined || listen === false) throw nowhere(`${file}: "listen" is false, so its daemon has no API`);
  if (listen.kind === 'unix') return { name: `unix:${listen.path}`, origin: 'http://localhost', socketPath: listen.path };
  if (listen.port === 0) throw nowhere(`${file}: "listen" leaves the port to chance; name the address by --url`);
  const host = ANY_ADDRESS[listen.host] ?? listen.host;
  const { tls } = config.auth;
  const origin = `${tls === undefined ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${listen.port}`;
  return { name: origin, origin, ...(tls === undefined ? {} : { certificate: readCertificate(tls.certPath) }) };
}

function readCertificate(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw unreadable(path, 'the certificate', error, 'ask as a user who may read it, or by --url');
  }
}

/** Who listens on every address is reached on loopback. */
const ANY_ADDRESS: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };

function nowhere(message: string): TickwiseError {
  return new TickwiseError('NO_DAEMON', message, { facts: { absent: true } });
}

function parseUrl(text: string): Target {
  if (/^unix:./.test(text)) {
    const socketPath = resolve(text.slice('unix:'.length).replace(/^\/\/(?=\/)/, ''));
    return { name: `unix:${socketPath}`, origin: 'http://localhost', socketPath };
  }
  const url = URL.parse(text);
  if (url !== null && /^https?:$/.test(url.protocol) && url.pathname === '/' && url.username === '' && url.search === '')
    return { name: url.origin, origin: url.origin };
  throw new TickwiseError(
    'CONFIG_UNREADABLE',
    `--url ${JSON.stringify(text)} is not the address of a daemon; expected e.g. "https://host:4680" or "unix:/run/tickwise.sock"`,
  );
}

function readToken(file: string | undefined, env: Readonly<Record<string, string | undefined>>): string | undefined {
  let token = env['TICKWISE_TOKEN'];
  let origin = 'TICKWISE_TOKEN';
  if (file !== undefined) {
    origin = file;
    try {
      token = readFileSync(file, 'utf8');
    } catch (error) {
      throw unreadable(file, 'the token', error, 'name its file by --token-file');
    }
  }
  token = token?.trim();
  if (token === undefined || (token === '' && file === undefined)) return undefined;
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw new TickwiseError('CONFIG_UNREADABLE', `${origin}: this is not a token; "tickwise token new" makes one`);
}

function unreadable(path: string, what: string, error: unknown, help: string): TickwiseError {
  const code = String((error as NodeJS.ErrnoException).code);
  return new TickwiseError('CONFIG_UNREADABLE', `${path}: ${what} cannot be read (${code}); ${help}`);
}
