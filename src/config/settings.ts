/** From the settings of a node as they are written to those of a `Config`. */
import { BlockList, isIP } from 'node:net';
import { resolve } from 'node:path';
import { JOB_DEFAULTS, type NotifyRule } from '../core/job.ts';
import { readAuth } from './auth.ts';
import { type Builder, durationOf } from './builder.ts';
import type { Config, ListenConfig, LogConfig, StoreConfig } from './config.ts';
import { checkLabels, checkNotify, historyOf, type RawHistory } from './job.ts';
import { DEFAULTS } from './schema.ts';

/** Settings of sound shape, as they are written; what is unsound is left out. */
export interface RawSettings {
  readonly timezone?: string;
  readonly store?: string;
  readonly concurrency?: number;
  readonly listen?: string | false;
  readonly log?: {
    readonly level?: LogConfig['level'];
    readonly format?: LogConfig['format'];
    readonly file?: { readonly path: string; readonly maxSize?: string; readonly maxFiles?: number };
  };
  readonly shutdownGrace?: string;
  readonly history?: RawHistory;
  readonly notify?: readonly NotifyRule[];
  readonly labels?: Readonly<Record<string, string>>;
}

/** What `readSettings` makes of a `Config`. */
export type Settings = Omit<Config, 'file' | 'baseDir' | 'timezone' | 'jobs' | 'secrets' | 'warnings'>;

/** The kernel's limit for the path of a unix socket, without its closing NUL. */
const SOCKET_PATH_BYTES = 107;
const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8);
LOOPBACK.addAddress('::1', 'ipv6');
const SIZES = { B: 1, kB: 1e3, KiB: 1024, MB: 1e6, MiB: 1024 ** 2, GB: 1e9, GiB: 1024 ** 3 } as const;

/**
 * Reads the settings of a node.
 *
 * @param raw settings of sound shape
 * @param auth `auth` as it is written, sound or not
 * @param builder gets what is wrong
 * @returns the settings; meaningless if something was found
 */
export function readSettings(raw: RawSettings, auth: unknown, builder: Builder): Settings {
  if (raw.notify !== undefined) checkNotify(raw.notify, ['notify'], builder);
  if (raw.labels !== undefined) checkLabels(raw.labels, ['labels'], builder);
  return {
    store: readStore(raw.store ?? DEFAULTS.store, builder),
    concurrency: raw.concurrency ?? DEFAULTS.concurrency,
    listen: listenOf(raw.listen, auth, builder),
    auth: readAuth(auth, builder),
    log: readLog(raw.log ?? {}, builder),
    shutdownGraceMs: durationOf(builder, raw.shutdownGrace ?? DEFAULTS.shutdownGrace) ?? 0,
    history: historyOf(raw.history, { ...JOB_DEFAULTS.history }, builder),
    notify: raw.notify ?? [],
    labels: raw.labels ?? {},
  };
}

function readStore(text: string, builder: Builder): StoreConfig {
  const expected = '"sqlite:PATH", "postgres://…" or "memory:"';
  const path = text.startsWith('sqlite:') ? text.slice('sqlite:'.length) : undefined;
  if (path !== undefined && path !== '' && path !== ':memory:' && !path.includes('\0')) {
    return { kind: 'sqlite', path: resolve(builder.baseDir, path) };
  }
  if (/^postgres(ql)?:\/\//.test(text)) {
    if (URL.canParse(text)) return { kind: 'postgres', url: text };
    builder.findings.add(['store'], 'not an address of a database', { expected: '"postgres://user@host/database"' });
  } else if (text !== 'memory:') {
    const wrong = path === ':memory:' || text === 'memory' ? 'no such store, did you mean "memory:"?' : 'no such store';
    builder.findings.add(['store'], wrong, { got: text, expected });
  }
  return { kind: 'memory' };
}

function listenOf(written: string | false | undefined, auth: unknown, builder: Builder): ListenConfig | false {
  if (written !== undefined) return readListen(written, auth, builder);
  const listen = readListen(DEFAULTS.listen, auth, builder);
  return listen !== false && listen.kind === 'tcp' ? { ...listen, isDefault: true } : listen;
}

function readListen(listen: string | false, auth: unknown, builder: Builder): ListenConfig | false {
  if (listen === false) return false;
  const fail = (wrong: string, expected = '"HOST:PORT", "unix:PATH" or false'): false => {
    builder.findings.add(['listen'], wrong, { got: listen, expected });
    return false;
  };
  if (listen.startsWith('unix:')) {
    const path = resolve(builder.baseDir, listen.slice('unix:'.length));
    if (listen === 'unix:' || path.includes('\0')) return fail('no path for the socket');
    if (Buffer.byteLength(path) > SOCKET_PATH_BYTES)
      return fail('the path of the socket is too long', `at most ${SOCKET_PATH_BYTES} bytes`);
    return { kind: 'unix', path };
  }
  const parts = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]/]+)):(\d{1,5})$/.exec(listen);
  const host = parts?.[1] ?? parts?.[2];
  const port = Number(parts?.[3]);
  if (host === undefined || (parts?.[1] !== undefined && isIP(host) !== 6)) return fail('not an address to listen on');
  if (port > 65_535) return fail('no such port', 'a port from 0 to 65535');
  if (!isLoopback(host)) checkDoor(auth, fail);
  return { kind: 'tcp', host, port };
}

/** What was written unsoundly is reported where it stands, and not as missing. */
function checkDoor(auth: unknown, fail: (wrong: string, expected: string) => unknown): void {
  const has = (key: string): boolean => typeof auth === 'object' && auth !== null && Object.hasOwn(auth, key);
  if (auth !== undefined && (typeof auth !== 'object' || auth === null)) return;
  if (!has('tokens')) {
    fail(
      'an address other than loopback needs tokens, or anybody could run jobs',
      '"auth": {"tokens": […]}, or "127.0.0.1:PORT"',
    );
  }
  if (!has('tls') && !(has('behindProxy') && (auth as { behindProxy: unknown }).behindProxy !== false)) {
    fail(
      'an address other than loopback needs TLS, or the tokens could be read on their way',
      '"auth": {"tls": {"cert": …, "key": …}}, or {"behindProxy": true} if a proxy speaks TLS',
    );
  }
}

function isLoopback(host: string): boolean {
  const kind = isIP(host);
  return kind === 0 ? host.toLowerCase() === 'localhost' : LOOPBACK.check(host, kind === 6 ? 'ipv6' : 'ipv4');
}

function readLog(raw: NonNullable<RawSettings['log']>, builder: Builder): LogConfig {
  const { level = DEFAULTS.logLevel, format = DEFAULTS.logFormat, file } = raw;
  if (file === undefined) return { level, format };
  const { path, maxSize = DEFAULTS.logMaxSize, maxFiles = DEFAULTS.logMaxFiles } = file;
  if (path.includes('\0')) builder.findings.add(['log', 'file', 'path'], 'holds a NUL character');
  return { level, format, file: { path: resolve(builder.baseDir, path), maxSizeBytes: bytesOf(maxSize), maxFiles } };
}

function bytesOf(size: string): number {
  const [, count, unit] = /^(\d+)(\w+)$/.exec(size) ?? [];
  return Number(count) * SIZES[unit as keyof typeof SIZES];
}
