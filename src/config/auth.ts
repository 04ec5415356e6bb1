/** From `auth` as it is written to the lock of the API's door. Tokens are hashed as soon as they are read, and not kept. */
import { createHash, createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync, realpathSync, type Stats, statSync } from 'node:fs';
import { resolve, sep } from 'node:path';
import type { Builder } from './builder.ts';
import { check } from './check.ts';
import type { AuthConfig, TokenConfig } from './config.ts';
import type { Path } from './finding.ts';
import { authSchema, tokenSchema } from './schema.ts';

interface RawToken {
  readonly name: string;
  readonly hash?: string;
  readonly file?: string;
  readonly scopes: TokenConfig['scopes'];
}

interface RawAuth {
  readonly tls?: { readonly cert: string; readonly key: string };
  readonly behindProxy?: boolean;
  readonly hosts?: readonly string[];
}

/** 256 bits in base64url without padding. */
const TOKEN_LENGTH = 43;
const TOKEN = /^[\x21-\x7e]+$/;
const FILE_LIMIT_BYTES = 1024 * 1024;

/**
 * Reads `auth`, with the files that it names.
 *
 * @param raw any value; `undefined` where there is none
 * @param builder gets what is wrong
 * @returns the lock; meaningless if something was found
 */
export function readAuth(raw: unknown, builder: Builder): AuthConfig {
  const unsound = raw === undefined ? new Set<string>() : check(authSchema, raw, ['auth'], builder.findings);
  if (typeof raw !== 'object' || raw === null) return { tokens: [], behindProxy: false, hosts: [] };
  const sound: RawAuth = Object.fromEntries(Object.entries(raw).filter(([key]) => !unsound.has(key)));
  const { tls, behindProxy = false } = sound;
  if (tls !== undefined && behindProxy) {
    builder.findings.add(['auth', 'behindProxy'], 'two that speak TLS: this daemon and a proxy', {
      expected: 'either "tls" or "behindProxy"',
      at: 'key',
    });
  }
  if (behindProxy && !Object.hasOwn(raw, 'tokens')) {
    builder.findings.warn(['auth', 'behindProxy'], 'whoever reaches the proxy may do all, since there are no tokens', {
      expected: '"tokens": […] beside it',
      at: 'key',
    });
  }
  return {
    tokens: builder.isOnlooker ? [] : readTokens((raw as { tokens?: unknown }).tokens, builder),
    ...(tls === undefined ? {} : { tls: readTls(tls, builder) }),
    behindProxy,
    hosts: (sound.hosts ?? []).map((host, index) => readHost(host, ['auth', 'hosts', index], builder)),
  };
}

function readTokens(list: unknown, builder: Builder): TokenConfig[] {
  const { findings } = builder;
  const tokens = Array.isArray(list) ? list.map((token: unknown) => (isReadable(token) ? (token as RawToken) : undefined)) : [];
  const names = new Set<string>();
  const hashes = new Set<string>();
  return tokens.flatMap((token, index) => {
    if (token === undefined) return [];
    const { name, hash: written, file, scopes } = token;
    const path = ['auth', 'tokens', index];
    if (names.has(name)) findings.add([...path, 'name'], 'a second token of this name', { got: name });
    names.add(name);
    if ((written === undefined) === (file === undefined)) {
      const wrong = written === undefined ? 'neither "hash" nor "file"' : 'both "hash" and "file"';
      findings.add(path, wrong, { expected: 'one of them' });
      return { name, hash: '', scopes };
    }
    const hash = file === undefined ? written?.slice('sha256:'.length) : hashOf(file, [...path, 'file'], builder);
    if (hash !== undefined && hashes.has(hash)) findings.add(path, 'the same token under a second name');
    if (hash !== undefined) hashes.add(hash);
    return { name, hash: hash ?? '', scopes };
  });
}

/** A fault in its scopes, which has been reported, does not keep its file from being looked at. */
function isReadable(token: unknown): boolean {
  return typeof token === 'object' && tokenSchema.safeParse({ ...token, scopes: ['read'] }).success;
}

/** No message shows any part of what the file holds. */
function hashOf(file: string, path: Path, builder: Builder): string | undefined {
  const text = readPrivate(file, path, builder)?.trim();
  if (text === undefined) return undefined;
  const fail = (wrong: string): undefined => {
    builder.findings.add(path, wrong, { got: file, expected: 'one token, as "tickwise token new" makes it' });
    return undefined;
  };
  if (text === '') return fail('this file is empty');
  if (/\s/.test(text)) return fail('this file holds more than one word; a token has a file of its own');
  if (!TOKEN.test(text)) return fail('this file holds characters that no token has');
  if (text.length < TOKEN_LENGTH) return fail(`this token is too short: fewer than ${TOKEN_LENGTH} characters can be guessed`);
  return createHash('sha256').update(text).digest('hex');
}

function readTls({ cert, key }: NonNullable<RawAuth['tls']>, builder: Builder): NonNullable<AuthConfig['tls']> {
  const path = ['auth', 'tls'];
  const { findings } = builder;
  const paths = { certPath: resolve(builder.baseDir, cert), keyPath: resolve(builder.baseDir, key) };
  if (builder.isOnlooker) return paths;
  const certificate = parsed(readText(cert, [...path, 'cert'], builder)?.text, (pem) => new X509Certificate(pem));
  if (certificate === null) findings.add([...path, 'cert'], 'not a certificate', { got: cert, expected: 'a PEM file' });
  const pem = readPrivate(key, [...path, 'key'], builder);
  const isEncrypted = pem !== undefined && /^-----BEGIN ENCRYPTED|^Proc-Type: 4,ENCRYPTED/m.test(pem);
  const secret = isEncrypted ? null : parsed(pem, createPrivateKey);
  if (secret === null) {
    const wrong = isEncrypted ? 'this key is encrypted, and nobody is there to type its passphrase' : 'not a private key';
    findings.add([...path, 'key'], wrong, { got: key, expected: 'a PEM file without passphrase' });
  }
  if (certificate instanceof X509Certificate) checkCertificate(certificate, secret ?? undefined, { cert, key }, builder);
  return paths;
}

function checkCertificate(
  certificate: X509Certificate,
  key: KeyObject | undefined,
  files: NonNullable<RawAuth['tls']>,
  { findings, now }: Builder,
): void {
  const path = ['auth', 'tls'];
  if (key !== undefined && !certificate.checkPrivateKey(key)) {
    findings.add([...path, 'key'], 'this key does not belong to the certificate', { got: files.key });
  }
  const { validFromDate, validToDate } = certificate;
  if (validToDate.getTime() <= now) {
    findings.warn([...path, 'cert'], `this certificate has expired on ${validToDate.toISOString()}: renew it`, {
      got: files.cert,
    });
  }
  if (validFromDate.getTime() > now) {
    findings.warn([...path, 'cert'], `this certificate is not valid before ${validFromDate.toISOString()}`, { got: files.cert });
  }
}

/** `null`: it is there and cannot be understood. The reason may hold parts of it, and is dropped. */
function parsed<Value>(pem: string | undefined, parse: (pem: string) => Value): Value | null | undefined {
  if (pem === undefined) return undefined;
  try {
    return parse(pem);
  } catch {
    return null;
  }
}

/** A file that only its owner shall read; one of systemd's credentials is kept from others by its folder. */
function readPrivate(file: string, path: Path, builder: Builder): string | undefined {
  const read = readText(file, path, builder);
  if (read === undefined) return undefined;
  if ((read.stats.mode & 0o077) !== 0 && !isCredential(resolve(builder.baseDir, file), builder.credentialsDir)) {
    const mode = (read.stats.mode & 0o777).toString(8).padStart(4, '0');
    builder.findings.warn(path, `others may read this file (mode ${mode}): chmod 600 it`, { got: file });
  }
  return read.text;
}

function isCredential(file: string, credentialsDir: string | undefined): boolean {
  if (credentialsDir === undefined || credentialsDir === '') return false;
  try {
    return realpathSync(file).startsWith(realpathSync(credentialsDir) + sep);
  } catch {
    return false;
  }
}

function readText(file: string, path: Path, builder: Builder): { text: string; stats: Stats } | undefined {
  const fail = (wrong: string): undefined => {
    builder.findings.add(path, wrong, { got: file, expected: 'a file, relative to the configuration' });
    return undefined;
  };
  if (file.includes('\0')) return fail('holds a NUL character');
  try {
    const absolute = resolve(builder.baseDir, file);
    const stats = statSync(absolute, { throwIfNoEntry: false });
    if (stats === undefined) return fail('this file does not exist');
    if (!stats.isFile()) return fail('this is not a file');
    if (stats.size > FILE_LIMIT_BYTES) return fail('this file is larger than 1 MiB');
    return { text: readFileSync(absolute, 'utf8'), stats };
  } catch (error) {
    return fail(`this file cannot be read (${String((error as { code?: unknown }).code)})`);
  }
}

/** As the browser's address line would have it, so that it can be compared letter by letter. */
function readHost(host: string, path: Path, builder: Builder): string {
  const isIpv6 = host.includes(':') && /^[0-9a-fA-F:.]+$/.test(host);
  const url = /[\s/?#@\\%*]/.test(host) ? null : URL.parse(`http://${isIpv6 ? `[${host}]` : host}`);
  if (url !== null && url.hostname !== '' && url.port === '' && !/:\d*$/.test(isIpv6 || host.endsWith(']') ? '' : host)) {
    return url.hostname;
  }
  const wrong = url !== null && url.hostname !== '' ? 'a name of a host has no port' : 'not the name of a host';
  builder.findings.add(path, wrong, { got: host, expected: 'e.g. "cron.example.org"' });
  return '';
}
